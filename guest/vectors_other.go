//go:build !ppc64 && !ppc64le

package guest

// vectorsEnd is 0: no memory at 0 is needed for interrupts.
const vectorsEnd = 0
