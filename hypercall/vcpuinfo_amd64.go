package hypercall

// VCPUInfoSize is the size of struct vcpu_info in bytes: 16 for
// events, 16 for struct arch_vcpu_info, 32 for the time.
const VCPUInfoSize = 64

// LegacyMaxVCPUs is how many virtual processors have a struct vcpu_info at the
// beginning of struct shared_info (public/arch-x86/xen.h,
// XEN_LEGACY_MAX_VCPUS).
const LegacyMaxVCPUs = 32
