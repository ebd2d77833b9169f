//go:build !ppc64 && !ppc64le

package guest

// hwcap2 is AT_HWCAP2: nothing here needs it.
func hwcap2() uint64 { return 0 }
