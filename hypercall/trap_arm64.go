package hypercall

// Trap makes hypercall op with up to five arguments: hvc #0xEA1 with the
// number in x16 (public/arch-arm.h, "Hypercall calling convention"). Memory
// that an argument points to must be Normal write-back inner-shareable.
// Before [SetPresent] every call returns -ENOSYS: the instruction is undefined
// in a process, and nothing tells a guest of Xen but its device tree.
func Trap(op Op, a1, a2, a3, a4, a5 uintptr) int64
