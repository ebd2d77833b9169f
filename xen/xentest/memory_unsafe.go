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

// gfn returns the frame number of the RAM page that holds p[0].
func (m *Machine) gfn(p []byte) (uint64, bool) {
	if cap(p) == 0 {
		return 0, false
	}
	base := uintptr(unsafe.Pointer(&m.ram.bytes[0]))
	at := uintptr(unsafe.Pointer(unsafe.SliceData(p)))
	if at < base || at-base >= uintptr(len(m.ram.bytes)) {
		return 0, false
	}
	return ramBase + uint64(at-base)/xen.PageSize, true
}
