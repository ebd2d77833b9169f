//go:build !arm64 && !riscv64

package guest

// kernelRoom is what is left free below the heap at most. Linux for x86-64
// wants to lie at 16 MiB.
const kernelRoom = 0
