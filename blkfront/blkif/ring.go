package blkif

import (
	"encoding/binary"
	"errors"
	"fmt"

	"pvboot/internal/shm"
)

// Offsets in the shared ring page (public/io/ring.h, struct blkif_sring).
const (
	offReqProd  = 0
	offReqEvent = 4
	offRspProd  = 8
	offRspEvent = 12
	offRing     = 64
)

// MaxOrder is the largest ring that this package makes or accepts, in units
// of log2(pages). Linux's backend offers 4 by default.
const MaxOrder = 4

// ErrFull is returned when a ring has no free entry.
var ErrFull = errors.New("blkif: ring full")

// An IndexError says that the other side moved its producer index to where it
// cannot be.
type IndexError struct {
	Index             string // "req_prod" or "rsp_prod"
	Value, Last, Most uint32 // the value, the last one consumed, the most to be expected after it
}

func (e *IndexError) Error() string {
	return fmt.Sprintf("blkif: %s %d is not within %d of %d", e.Index, e.Value, e.Most, e.Last)
}

// Entries returns how many entries a ring of the given number of bytes has:
// as many as fit, rounded down to a power of two (__RING_SIZE).
func Entries(bytes int) int {
	n, size := (bytes-offRing)/EntrySize, 0
	for s := 1; s <= n; s <<= 1 {
		size = s
	}
	return size
}

// ring is what both ends have in common.
type ring struct {
	pages [][]byte
	size  uint32
	// These are this side's own copies, which the other side cannot change
	// by writing to the page. pushed is the producer index as published.
	prod, cons, pushed uint32
}

// newRing lays a ring over pages, which follow each other.
func newRing(pages [][]byte) (ring, error) {
	n := len(pages)
	if n == 0 || n > 1<<MaxOrder || n&(n-1) != 0 {
		return ring{}, fmt.Errorf("blkif: ring of %d pages: not a power of two up to %d", n, 1<<MaxOrder)
	}
	for _, p := range pages {
		if len(p) != PageSize {
			return ring{}, fmt.Errorf("blkif: ring page of %d bytes", len(p))
		}
	}
	return ring{pages: pages, size: uint32(Entries(n * PageSize))}, nil
}

// load reads the word at byte offset off of the ring.
func (r *ring) load(off int) uint32 { return shm.Load(r.pages[off/PageSize], off%PageSize) }

// store writes the word at byte offset off of the ring.
func (r *ring) store(off int, v uint32) { shm.Store(r.pages[off/PageSize], off%PageSize, v) }

// Size is the number of entries.
func (r *ring) Size() int { return int(r.size) }

// write copies an entry, or the first bytes of one, into the ring.
func (r *ring) write(index uint32, b []byte) {
	off := offRing + int(index&(r.size-1))*EntrySize
	for i := 0; i < len(b); i += 4 {
		r.store(off+i, binary.NativeEndian.Uint32(b[i:]))
	}
}

// read copies an entry, or the first bytes of one, out of the ring. It reads
// each word once, so that later checks and uses see the same bytes.
func (r *ring) read(index uint32, b []byte) {
	off := offRing + int(index&(r.size-1))*EntrySize
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], r.load(off+i))
	}
}

// publish moves this side's producer index and says whether the other side
// asked to be notified (RING_PUSH_*_AND_CHECK_NOTIFY). The load is after the
// store for the other side, too, or both would sleep: see package shm.
func (r *ring) publish(offProd, offEvent int) bool {
	old := r.pushed
	r.pushed = r.prod
	r.store(offProd, r.prod)
	return r.prod-r.load(offEvent) < r.prod-old
}
