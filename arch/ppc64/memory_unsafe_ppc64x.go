//go:build ppc64 || ppc64le

package ppc64

import "unsafe"

// memory sees n bytes at a physical address.
//
//go:nocheckptr
func memory(addr uint64, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(nil, addr)), n)
}
