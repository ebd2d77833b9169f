package arm64

import "unsafe"

// framesOf sees the first n frames of tables in b, which is page aligned in a
// guest and aligned to words everywhere.
func framesOf(b []byte, n int) [][512]uint64 {
	return unsafe.Slice((*[512]uint64)(unsafe.Pointer(&b[0])), n)
}
