//go:build arm64 || riscv64

package guest

// kernelRoom is what is left free below the heap at most: Linux lies as low in
// RAM as it can (Documentation/arch/arm64/booting.rst, "Call the kernel image").
const kernelRoom = 256 << 20
