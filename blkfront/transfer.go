package blkfront

import "pvboot/blkfront/blkif"

// A transfer is one read, write or flush on its way. It covers whole sectors
// from pos to end, of which the bytes from off on lie in spans; what a sector
// holds before and after them goes through a bounce frame and is dropped.
//
// All fields belong to the queue while the transfer is under way.
type transfer struct {
	op    blkif.Op
	spans [][]byte // memory for the bytes from off on, in order
	off   int64    // disk offset of the first byte of spans
	size  int64    // bytes in spans

	// private says that each page of spans belongs to this transfer alone,
	// so that the backend may be shown the unused rest of a last page.
	private bool
	// own are frames that become the queue's, to be freed when the backend
	// has let go, if the transfer is over with requests lost.
	own [][]byte

	pos, end int64 // next byte to ask for, and the end, both whole sectors
	pending  int   // requests in flight
	settled  int   // requests that came to an end, in whatever way
	lost     int   // requests that were given up and not answered since
	err      error // the first failure
	over     bool  // nobody waits for the transfer any more
}

// newTransfer plans a transfer of the bytes from off on, widened to whole
// sectors.
func newTransfer(op blkif.Op, off int64, sector int, spans ...[]byte) *transfer {
	t := &transfer{op: op, spans: spans, off: off}
	for _, s := range spans {
		t.size += int64(len(s))
	}
	mask := int64(sector) - 1
	t.pos = off &^ mask
	t.end = (off + t.size + mask) &^ mask
	return t
}

// done says whether nothing of the transfer is left to do or wait for.
func (t *transfer) done() bool {
	return t.pending == 0 && (t.err != nil || t.pos == t.end && !t.unsent())
}

// unsent says whether the transfer is a flush, which has no sectors to count
// by, and has not been sent.
func (t *transfer) unsent() bool {
	return t.op == blkif.OpFlush && t.pending+t.settled == 0
}

// fail ends the transfer with err unless it has failed already.
func (t *transfer) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// at returns the memory for the disk offset pos up to the end of its span;
// nothing outside of spans.
func (t *transfer) at(pos int64) []byte {
	d := pos - t.off
	if d < 0 {
		return nil
	}
	for _, s := range t.spans {
		if d < int64(len(s)) {
			return s[d:]
		}
		d -= int64(len(s))
	}
	return nil
}

// scatter copies b, which is what the disk holds at pos, to where it belongs.
func (t *transfer) scatter(pos int64, b []byte) {
	t.overlap(pos, b, func(mem, part []byte) int { return copy(mem, part) })
}

// gather is the opposite of scatter.
func (t *transfer) gather(pos int64, b []byte) {
	t.overlap(pos, b, func(mem, part []byte) int { return copy(part, mem) })
}

// overlap calls move for each piece of memory that b at pos meets. move says
// how many bytes it took.
func (t *transfer) overlap(pos int64, b []byte, move func(mem, part []byte) int) {
	if d := t.off - pos; d > 0 {
		b, pos = b[min(d, int64(len(b))):], t.off
	}
	for len(b) > 0 {
		mem := t.at(pos)
		if len(mem) == 0 {
			return
		}
		n := move(mem, b)
		b, pos = b[n:], pos+int64(n)
	}
}
