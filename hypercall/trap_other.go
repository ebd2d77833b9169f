//go:build !amd64 && !arm64 && !riscv64 && !ppc64le && !ppc64

package hypercall

// Trap makes hypercall op. No trap instruction is known for this
// architecture yet, so every call returns -ENOSYS.
func Trap(op Op, a1, a2, a3, a4, a5 uintptr) int64 { return -38 }

// Present reports whether this program runs under Xen: never, on this
// architecture.
func Present() bool { return false }
