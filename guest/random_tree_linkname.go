//go:build arm64 || riscv64 || ppc64le || ppc64

package guest

import (
	_ "unsafe" // for linkname

	"pvboot/hypercall"
)

// initRNG looks for the processor's generator and seeds the pool either way.
//
//go:linkname initRNG runtime/goos.InitRNG
func initRNG() {
	findRandom()
	h := stir(tickCount(), found.seed)
	for i := range pool {
		for range 16 {
			// A hypercall leaves the guest, so its time is the host's to
			// decide.
			hypercall.Trap(hypercall.OpXenVersion, 0, 0, 0, 0, 0)
			h = stir(h, tickCount())
		}
		pool[i] = h | 1
	}
}
