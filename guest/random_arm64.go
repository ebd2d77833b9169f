package guest

import "pvboot/arch/arm64"

var haveRNDR bool

// findRandom looks for the processor's generator (FEAT_RNG).
func findRandom() { haveRNDR = arm64.ISAR0()>>arm64.ISAR0RNDR&15 != 0 }

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
