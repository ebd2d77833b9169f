// Package shm reads and writes words of memory that another domain shares.
// Plain loads and stores of such memory may be merged, repeated or dropped by
// the compiler; these are atomic, and order the bytes around them as the ring
// protocols of Xen's public/io headers want it:
//
//   - what stands before a Store is observed before it: wmb() and then the
//     producer's index, mb() and then the consumer's;
//   - what stands after a Load happens after it: the index and then rmb();
//   - a Load after a Store happens after it, whatever the words: the mb()
//     between an index and the other end's event in
//     RING_PUSH_REQUESTS_AND_CHECK_NOTIFY and RING_FINAL_CHECK_FOR_REQUESTS.
//
// On Arm a Load is LDAR, a Store STLR, and CompareAndSwap is CASAL, or LDAXR
// and STLXR before Armv8.1: Arm ARM (DDI 0487), "Load-Acquire, Load-AcquirePC,
// and Store-Release" and "Barrier-ordered-before", of which the last rule holds
// for LDAR but not for LDAPR. On x86 a Store is XCHG, which is locked (SDM
// vol. 3, "Memory Ordering"). The memory must be Normal, write-back and inner
// shareable, as Xen and the other domains map it.
//
// The bytes between the words may be copied by ordinary code, which uses
// unaligned accesses, and cleared, which uses DC ZVA: Normal memory allows
// both.
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
// visible to the other side that loads it, and bytes read before it were read
// before the other side sees it.
func Store(page []byte, off int, v uint32) { atomic.StoreUint32(word(page, off), v) }

// CompareAndSwap replaces the word at byte offset off by v if it is old. It has
// the order of a Load, and when it succeeds that of a Store.
func CompareAndSwap(page []byte, off int, old, v uint32) bool {
	return atomic.CompareAndSwapUint32(word(page, off), old, v)
}
