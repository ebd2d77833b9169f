//go:build !amd64

package hypercall

// VCPUInfoSize is the size of struct vcpu_info in bytes: 16 for
// events, nothing for struct arch_vcpu_info, 32 for the time.
const VCPUInfoSize = 48

// LegacyMaxVCPUs is how many virtual processors have a struct vcpu_info at the
// beginning of struct shared_info (public/arch-arm.h, XEN_LEGACY_MAX_VCPUS).
const LegacyMaxVCPUs = 1
