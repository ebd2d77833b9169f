//go:build ppc64 || ppc64le

package hypercall

// Trap makes hypercall op with up to five arguments: sc 1 with the number in r3,
// its upper 48 bits set, the arguments in r4 to r8, and the result in r3. That
// is how Xen 3 had it on this processor (xen/include/asm-powerpc/hcalls.h, before
// Xen 3.3): numbers that are not marked so are the PAPR's. An address is physical.
// Before [SetPresent] every call returns -ENOSYS: without a hypervisor the
// instruction is a system call.
func Trap(op Op, a1, a2, a3, a4, a5 uintptr) int64
