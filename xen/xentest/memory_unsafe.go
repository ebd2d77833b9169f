package xentest

import (
	"unsafe"

	"pvboot/xen"
)

// alignedPages returns n zeroed pages of Go memory that start on a page.
func alignedPages(n int) []byte {
	b := make([]byte, (n+1)*xen.PageSize)
	skip := -uintptr(unsafe.Pointer(&b[0])) % xen.PageSize
	return b[skip : skip+uintptr(n)*xen.PageSize : skip+uintptr(n)*xen.PageSize]
}

// find returns the place of the RAM page that holds p[0].
func (r *ram) find(p []byte) (i int, ok bool) {
	if cap(p) == 0 {
		return 0, false
	}
	base := uintptr(unsafe.Pointer(&r.bytes[0]))
	at := uintptr(unsafe.Pointer(unsafe.SliceData(p)))
	if at < base || at-base >= uintptr(len(r.bytes)) {
		return 0, false
	}
	return int((at - base) / xen.PageSize), true
}
