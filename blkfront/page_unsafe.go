package blkfront

import (
	"unsafe"

	"pvboot/blkfront/blkif"
)

// pageOffset is the place of p[0] within its page, by address alone.
func pageOffset(p []byte) int {
	return int(uintptr(unsafe.Pointer(unsafe.SliceData(p))) % blkif.PageSize)
}
