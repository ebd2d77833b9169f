//go:build ppc64 || ppc64le

package guest

import "pvboot/arch/ppc64"

// findRandom: every processor from POWER9 on has DARN.
func findRandom() {}

// hardwareRandom asks the processor a few times.
func hardwareRandom() (v uint64, ok bool) {
	for range 10 {
		if v, ok = ppc64.Random(); ok {
			return v, true
		}
		ppc64.Yield()
	}
	return 0, false
}
