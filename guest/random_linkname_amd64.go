package guest

import (
	_ "unsafe" // for linkname

	"pvboot/arch/amd64"
)

var haveRDRAND, haveRDSEED bool

// initRNG looks for the processor's generators (SDM vol. 1, 7.3.17) and seeds
// the pool either way.
//
//go:linkname initRNG runtime/goos.InitRNG
func initRNG() {
	leaves, _, _, _ := amd64.CPUID(0, 0)
	_, _, ecx, _ := amd64.CPUID(1, 0)
	haveRDRAND = ecx&(1<<30) != 0
	if leaves >= 7 {
		_, ebx, _, _ := amd64.CPUID(7, 0)
		haveRDSEED = ebx&(1<<18) != 0
	}
	h := amd64.TSC()
	for i := range pool {
		// CPUID leaves the guest, so its time is the host's to decide; under
		// an emulated Xen it takes 0.2 ms, so there are few.
		amd64.CPUID(0, 0)
		for range 16 {
			h = stir(h, amd64.TSC())
		}
		pool[i] = h | 1
	}
}

// hardwareRandom asks the processor a few times, as the SDM advises.
func hardwareRandom() (v uint64, ok bool) {
	for tries := 0; haveRDRAND && tries < 10; tries++ {
		if v, ok = amd64.RDRAND(); ok {
			return v, true
		}
	}
	for tries := 0; haveRDSEED && tries < 10; tries++ {
		if v, ok = amd64.RDSEED(); ok {
			return v, true
		}
		amd64.Pause()
	}
	return 0, false
}
