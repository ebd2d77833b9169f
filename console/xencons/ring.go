// Package xencons is the PV console's shared page: two byte rings, one for
// each direction, without any I/O. Package console drives the frontend's end,
// xentest's console daemon the other.
//
// Each end keeps its own indices privately and checks the other's before use.
// Bytes are copied between the load of that and the store of its own, which
// order them (package shm).
//
// Source: Xen's public/io/console.h, struct xencons_interface.
package xencons

import (
	"errors"
	"fmt"

	"pvboot/internal/shm"
)

// Layout of the page in bytes. All indices run freely and are masked with the
// ring's size.
const (
	PageSize = 4096
	InSize   = 1024 // to the domain
	OutSize  = 2048 // from the domain

	offIn         = 0
	offOut        = offIn + InSize
	offInCons     = offOut + OutSize
	offInProd     = offInCons + 4
	offOutCons    = offInProd + 4
	offOutProd    = offOutCons + 4
	offConnection = offOutProd + 4
)

// disconnected is the value of the connection field (one byte) while no
// daemon serves the page. Older toolstacks leave the field 0, "connected".
const disconnected = 1

// An IndexError says that the other end moved its index to where it cannot
// be.
type IndexError struct {
	Index string // name in console.h
	Value uint32 // what it holds
	Mine  uint32 // this end's own index of the same ring
	Size  uint32 // of the ring in bytes
}

func (e *IndexError) Error() string {
	return fmt.Sprintf("console ring: %s %#x does not fit to %#x in a ring of %d bytes", e.Index, e.Value, e.Mine, e.Size)
}

// half is one direction, as one of its two ends sees it.
type half struct {
	data             []byte
	mineAt, theirsAt int // offsets of the indices
	mine             uint32
	theirsID         string // name of the other end's index
}

// A Ring is one end of the page. Its two directions may be used at the same
// time, each by one goroutine.
type Ring struct {
	page  []byte
	write half // this end produces
	read  half // this end consumes
}

// New attaches to a page whose indices may stand anywhere: earlier users of
// the page have left them. It fails with an [IndexError] when they contradict
// each other.
func New(page []byte, daemon bool) (*Ring, error) {
	if len(page) < PageSize {
		return nil, errors.New("console ring: page is too short")
	}
	in := page[offIn : offIn+InSize]
	out := page[offOut : offOut+OutSize]
	r := &Ring{page: page}
	if daemon {
		r.write = half{data: in, mineAt: offInProd, theirsAt: offInCons, theirsID: "in_cons"}
		r.read = half{data: out, mineAt: offOutCons, theirsAt: offOutProd, theirsID: "out_prod"}
	} else {
		r.write = half{data: out, mineAt: offOutProd, theirsAt: offOutCons, theirsID: "out_cons"}
		r.read = half{data: in, mineAt: offInCons, theirsAt: offInProd, theirsID: "in_prod"}
	}
	for _, h := range []*half{&r.write, &r.read} {
		h.mine = shm.Load(page, h.mineAt)
	}
	if _, err := r.Space(); err != nil {
		return nil, err
	}
	if _, err := r.Waiting(); err != nil {
		return nil, err
	}
	return r, nil
}

// Space is how many bytes Write would take.
func (r *Ring) Space() (int, error) {
	h := &r.write
	theirs := shm.Load(r.page, h.theirsAt)
	used, size := h.mine-theirs, uint32(len(h.data))
	if used > size {
		return 0, &IndexError{h.theirsID, theirs, h.mine, size}
	}
	return int(size - used), nil
}

// Waiting is how many bytes Read would give.
func (r *Ring) Waiting() (int, error) {
	h := &r.read
	theirs := shm.Load(r.page, h.theirsAt)
	n, size := theirs-h.mine, uint32(len(h.data))
	if n > size {
		return 0, &IndexError{h.theirsID, theirs, h.mine, size}
	}
	return int(n), nil
}

// Write puts as much of p into the ring as there is space for, possibly
// nothing, and says how much.
func (r *Ring) Write(p []byte) (int, error) {
	space, err := r.Space()
	if err != nil {
		return 0, err
	}
	h := &r.write
	n := min(space, len(p))
	for done := 0; done < n; {
		at := int(h.mine+uint32(done)) & (len(h.data) - 1)
		done += copy(h.data[at:], p[done:n])
	}
	h.mine += uint32(n)
	shm.Store(r.page, h.mineAt, h.mine)
	return n, nil
}

// Read takes up to len(p) bytes out of the ring, possibly none, and says how
// many.
func (r *Ring) Read(p []byte) (int, error) {
	waiting, err := r.Waiting()
	if err != nil {
		return 0, err
	}
	h := &r.read
	n := min(waiting, len(p))
	for done := 0; done < n; {
		at := int(h.mine+uint32(done)) & (len(h.data) - 1)
		done += copy(p[done:n], h.data[at:])
	}
	h.mine += uint32(n)
	shm.Store(r.page, h.mineAt, h.mine)
	return n, nil
}

// Drained says whether the other end has taken all that was written.
func (r *Ring) Drained() bool { return shm.Load(r.page, r.write.theirsAt) == r.write.mine }

// Connected is false while the toolstack says that no daemon serves the page.
func (r *Ring) Connected() bool { return shm.Load(r.page, offConnection)&0xff != disconnected }

// SetConnected is how the daemon says whether it serves the page.
func (r *Ring) SetConnected(on bool) {
	v := shm.Load(r.page, offConnection) &^ 0xff
	if !on {
		v |= disconnected
	}
	shm.Store(r.page, offConnection, v)
}
