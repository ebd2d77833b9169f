package hypercall

// Offsets into struct vcpu_info (public/xen.h).
const (
	VCPUInfoUpcallPending = 0 // one byte, set by Xen
	VCPUInfoUpcallMask    = 1 // one byte, on x86 only
	VCPUInfoPendingSel    = 8 // 64 bits: which words of pending bits to look at
)
