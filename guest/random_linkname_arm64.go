package guest

import (
	_ "unsafe" // for linkname

	"pvboot/arch/arm64"
	"pvboot/hypercall"
)

var haveRNDR bool

// initRNG looks for the processor's generator (FEAT_RNG) and seeds the pool
// either way.
//
//go:linkname initRNG runtime/goos.InitRNG
func initRNG() {
	haveRNDR = arm64.ISAR0()>>arm64.ISAR0RNDR&15 != 0
	h := stir(arm64.Counter(), found.seed)
	for i := range pool {
		for range 16 {
			// A hypercall leaves the guest, so its time is the host's to
			// decide.
			hypercall.Trap(hypercall.OpXenVersion, 0, 0, 0, 0, 0)
			h = stir(h, arm64.Counter())
		}
		pool[i] = h | 1
	}
}

// hardwareRandom asks the processor a few times.
func hardwareRandom() (v uint64, ok bool) {
	for tries := 0; haveRNDR && tries < 10; tries++ {
		if v, ok = arm64.RNDR(); ok {
			return v, true
		}
		arm64.Yield()
	}
	return 0, false
}
