// Package shm reads and writes words of memory that another domain shares.
// Plain loads and stores of such memory may be merged, repeated or dropped by
// the compiler; these are atomic, and order the bytes around them as the ring
// protocols of Xen's public/io headers want it.
package shm

import (
	"fmt"
	"sync/atomic"
	"unsafe"
)

// word returns the 32-bit word at byte offset off of page. Offsets are
// constants of a protocol: one that is misaligned or beyond the page is a
// mistake of the caller's and panics.
func word(page []byte, off int) *uint32 {
	if off < 0 || off+4 > len(page) || off%4 != 0 {
		panic(fmt.Sprintf("shm: word at %d of %d bytes", off, len(page)))
	}
	return (*uint32)(unsafe.Pointer(&page[off]))
}

// Load reads the word at byte offset off; bytes written before the other side
// stored it are visible afterwards.
func Load(page []byte, off int) uint32 { return atomic.LoadUint32(word(page, off)) }

// Store writes the word at byte offset off; bytes written before it are
// visible to the other side that loads it.
func Store(page []byte, off int, v uint32) { atomic.StoreUint32(word(page, off), v) }

// CompareAndSwap replaces the word at byte offset off by v if it is old.
func CompareAndSwap(page []byte, off int, old, v uint32) bool {
	return atomic.CompareAndSwapUint32(word(page, off), old, v)
}
