package xenstore

import (
	"errors"
	"fmt"

	"pvboot/internal/shm"
)

// Layout of the ring page (xs_wire.h, struct xenstore_domain_interface).
const (
	ringSize = 1024

	offReq      = 0    // requests, guest to daemon
	offRsp      = 1024 // replies and watch events, daemon to guest
	offReqCons  = 2048
	offReqProd  = 2052
	offRspCons  = 2056
	offRspProd  = 2060
	offFeatures = 2064
	offConnect  = 2068
	offError    = 2072
	pageSize    = 4096
)

// Bits of the server's feature word.
const (
	FeatureReconnect = 1 << 0
	FeatureError     = 1 << 1
)

// Values of the connection word.
const (
	connected = 0
	reconnect = 1
)

// ErrRing says that the other end's ring index is impossible.
var ErrRing = errors.New("xenstore: ring index out of range")

// Ring is one end of the two byte streams in a ring page. Indexes run free and
// need not start at 0. An end keeps its own indexes to itself and only writes
// them to the page; of the other end's it believes none that is more than the
// ring's size ahead. Bytes are copied between the load of that index and the
// store of the own one, which order them (package shm).
type Ring struct {
	page []byte
	out  half
	in   half
}

// half is one direction as seen from one end: mine is the index that this end
// moves, theirs stands in the page.
type half struct {
	data            int // offset of the bytes
	mineAt, theirAt int // offsets of the indexes
	mine            uint32
}

// NewRing returns the guest's end of the ring in page, or the daemon's.
func NewRing(page []byte, daemon bool) (*Ring, error) {
	if len(page) != pageSize {
		return nil, fmt.Errorf("xenstore: ring page of %d bytes", len(page))
	}
	req := half{data: offReq, mineAt: offReqProd, theirAt: offReqCons}
	rsp := half{data: offRsp, mineAt: offRspCons, theirAt: offRspProd}
	r := &Ring{page: page, out: req, in: rsp}
	if daemon {
		r.out = half{data: offRsp, mineAt: offRspProd, theirAt: offRspCons}
		r.in = half{data: offReq, mineAt: offReqCons, theirAt: offReqProd}
	}
	r.Reload()
	return r, nil
}

// Reload takes this end's own indexes from the page: at the start, and after a
// reconnection.
func (r *Ring) Reload() {
	r.out.mine = shm.Load(r.page, r.out.mineAt)
	r.in.mine = shm.Load(r.page, r.in.mineAt)
}

// Write puts as many bytes of b on the ring as there is room for.
func (r *Ring) Write(b []byte) (int, error) {
	h := &r.out
	used := h.mine - shm.Load(r.page, h.theirAt)
	if used > ringSize {
		return 0, fmt.Errorf("%w: consumer %#x, producer %#x", ErrRing, h.mine-used, h.mine)
	}
	n := min(len(b), int(ringSize-used))
	at := int(h.mine % ringSize)
	c := copy(r.page[h.data+at:h.data+ringSize], b[:n])
	copy(r.page[h.data:h.data+ringSize], b[c:n])
	if n > 0 {
		h.mine += uint32(n)
		shm.Store(r.page, h.mineAt, h.mine)
	}
	return n, nil
}

// Read takes bytes off the ring into b, as many as there are and fit.
func (r *Ring) Read(b []byte) (int, error) {
	avail, err := r.Readable()
	if err != nil {
		return 0, err
	}
	h := &r.in
	n := min(len(b), avail)
	at := int(h.mine % ringSize)
	c := copy(b[:n], r.page[h.data+at:h.data+ringSize])
	copy(b[c:n], r.page[h.data:h.data+ringSize])
	if n > 0 {
		h.mine += uint32(n)
		shm.Store(r.page, h.mineAt, h.mine)
	}
	return n, nil
}

// Readable returns how many bytes wait on the ring.
func (r *Ring) Readable() (int, error) {
	theirs := shm.Load(r.page, r.in.theirAt)
	if theirs-r.in.mine > ringSize {
		return 0, fmt.Errorf("%w: consumer %#x, producer %#x", ErrRing, r.in.mine, theirs)
	}
	return int(theirs - r.in.mine), nil
}

// filled tells, after a Read, whether the other end may have found the ring full
// while this end's index was before, and so waits to be woken: it is asked after
// the new index was stored, as the other end may write until it sees that.
func (r *Ring) filled(before uint32) bool {
	return shm.Load(r.page, r.in.theirAt)-before >= ringSize
}

// skip throws away what waits on the ring.
func (r *Ring) skip() {
	r.in.mine = shm.Load(r.page, r.in.theirAt)
	shm.Store(r.page, r.in.mineAt, r.in.mine)
}

// drained tells whether the other end has taken everything written.
func (r *Ring) drained() bool { return shm.Load(r.page, r.out.theirAt) == r.out.mine }

// Quiescent tells whether both streams in page are empty, as the next user of
// the ring wants to find them.
func Quiescent(page []byte) bool {
	return shm.Load(page, offReqProd) == shm.Load(page, offReqCons) &&
		shm.Load(page, offRspProd) == shm.Load(page, offRspCons)
}

// indexes describes the four indexes of page for an error message.
func indexes(page []byte) string {
	return fmt.Sprintf("requests %#x of %#x taken, replies %#x of %#x",
		shm.Load(page, offReqCons), shm.Load(page, offReqProd),
		shm.Load(page, offRspCons), shm.Load(page, offRspProd))
}
