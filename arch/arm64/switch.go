//go:build arm64

package arm64

// imageStart and imageEnd are where the image is linked, and imageShift how far
// above that the memory lies that it has gone to.
var imageStart, imageEnd, imageShift uint64

// Relocate copies the image, [start, end) in whole pages, to the memory at to,
// and goes over to the tables that [EmptyTables] has begun, with the copy where
// the image is linked. They must map that so, and to and what else is in use to
// itself. The memory at start is nobody's after that, and no cache has a dirty
// line of it.
func Relocate(start, end, to uint64) {
	imageStart, imageEnd, imageShift = start, end, to-start
	switchTo(start, end, to, tables.Root())
}

// Physical is the physical address of addr, which is the image's own or mapped
// to itself.
func Physical(addr uint64) uint64 {
	if addr >= imageStart && addr < imageEnd {
		return addr + imageShift
	}
	return addr
}

// switchTo copies [start, end) to to, which is mapped to itself, and makes root
// the tables.
func switchTo(start, end, to, root uint64)
