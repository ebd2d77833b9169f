//go:build !arm64

package guest

// kernelRoom is what is left free below the heap at most. Linux for x86-64
// wants to lie at 16 MiB, and a PV domain's pages change places where they are.
const kernelRoom = 0
