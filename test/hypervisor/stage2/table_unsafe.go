package stage2

import (
	"sync/atomic"
	"unsafe"
)

// addressOf is the physical address of what p points to.
func addressOf[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// alignedTable returns n entries that are aligned to their size. The collector
// moves nothing.
func alignedTable(n int) []uint64 {
	size := uintptr(8 * n)
	b := make([]uint64, 2*n)
	skip := -uintptr(unsafe.Pointer(&b[0])) % size / 8
	return b[skip : skip+uintptr(n) : skip+uintptr(n)]
}

// storeEntry changes an entry that a processor may read.
func storeEntry(p *uint64, entry uint64) { atomic.StoreUint64(p, entry) }
