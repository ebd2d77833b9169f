package hypercall

// Trap makes hypercall op with up to five arguments: ECALL with Xen's extension
// in a7, the number in a6, 0 in a0, and the arguments from a1 on. No Xen that
// runs guests on RISC-V is released; this is the convention of the port that
// does (docs/abi.md). Before [SetPresent] every call returns -ENOSYS, as in a
// process the instruction is a system call.
func Trap(op Op, a1, a2, a3, a4, a5 uintptr) int64
