package blkfront

import (
	"errors"
	"fmt"
	"time"

	"pvboot/blkfront/blkif"
	"pvboot/xen"
)

// granter is what the queue needs of xen.Grants.
type granter interface {
	Ref(i int) xen.Ref
	Permit(i int, gfn uint64, readOnly bool) error
	End(i int) error
}

// A queue turns transfers into requests, keeps the ring filled with them and
// takes the answers. It does no waiting and is not safe for concurrent use:
// the [Device] does the one and takes care of the other.
//
// A request that is not answered in time is lost: its transfer fails, but its
// slot, grants and memory stay reserved, because the backend may still write.
// They come back when the answer does, or when Close has ended all access.
type queue struct {
	name     string // of the device, for errors
	handle   uint16
	sector   int // bytes
	segments int // most segments of a request

	mem    memory
	pool   framePool
	ring   *blkif.FrontRing
	grants granter
	refs   []int       // indexes of references not in use
	kept   *keptFrames // of persistent grants; nil without them
	// tables holds a page of segments for each slot, granted by tableRefs;
	// nil where the backend takes direct requests only.
	tables    []byte
	tableRefs []xen.Ref

	slots []slot
	free  []int // slots not in use
	freed int64 // slots that came back, ever
	fault error // why the device is unusable
	// exposed is set once a transfer has ended while the backend could
	// still write to memory that is not the queue's: from then on nobody
	// can tell what that memory holds.
	exposed error
	stats   Stats
}

// A slot is one request's place.
type slot struct {
	generation uint64
	busy       bool
	lost       bool // given up by its transfer
	t          *transfer
	sector     int64
	sectors    int
	started    time.Time
	segs       []segment
}

// A segment is one granted page of a request, for n bytes of the disk at pos.
type segment struct {
	ref    int // index into the queue's grants
	pos    int64
	n      int
	bounce []byte // frame in between, nil where the page is the transfer's
}

// newQueue makes the queue for an initialised ring, with refs references that
// its requests share.
func newQueue(name string, handle uint16, sector, segments, bounceFrames int, mem memory, ring *blkif.FrontRing, grants granter, refs int) *queue {
	q := &queue{
		name: name, handle: handle, sector: sector, segments: segments,
		mem: mem, pool: framePool{mem: mem, limit: bounceFrames},
		ring: ring, grants: grants,
		slots: make([]slot, ring.Size()),
	}
	for i := range q.slots {
		q.free = append(q.free, len(q.slots)-1-i)
	}
	for i := range refs {
		q.refs = append(q.refs, refs-1-i)
	}
	return q
}

// keep makes the queue use no more than n frames, which stay granted. No request
// has been sent yet.
func (q *queue) keep(n int) {
	n = min(n, len(q.refs))
	q.kept = newKeptFrames(q.mem, n)
	q.refs = q.refs[len(q.refs)-n:] // the lowest come last
}

// id is what the backend echoes: the slot, and how often it was used, so that
// an answer given twice is not taken for the next request's.
func (s *slot) id(i int) uint64 { return s.generation<<16 | uint64(i) }

// fill puts as many requests of t into the ring as there is room for. The
// caller shows them to the backend with ring.Push.
func (q *queue) fill(t *transfer, now time.Time) {
	if q.fault != nil && !t.done() {
		t.fail(q.opError(t, t.pos/blkif.SectorSize, t.remaining(), q.fault))
	}
	for t.err == nil && len(q.free) > 0 {
		if t.pos == t.end && !t.unsent() {
			return
		}
		i := q.free[len(q.free)-1]
		if !q.prepare(i, t) {
			return
		}
		q.free = q.free[:len(q.free)-1]
		q.submit(i, t, now)
	}
}

// remaining is the number of sectors not asked for yet.
func (t *transfer) remaining() int { return int((t.end - t.pos) / blkif.SectorSize) }

// prepare grants the next pages of t to slot i. It returns false when there
// is no reference or no memory for a single one: then t waits for requests in
// flight, or fails if there are none.
func (q *queue) prepare(i int, t *transfer) bool {
	s := &q.slots[i]
	s.segs = s.segs[:0]
	s.sector, s.sectors = t.pos/blkif.SectorSize, 0
	for t.pos < t.end && len(s.segs) < q.segments {
		seg, err := q.permit(t)
		if err != nil {
			if len(s.segs) == 0 && (q.stats.InFlight == 0 || !errors.Is(err, errBusy)) {
				t.fail(q.opError(t, s.sector, t.remaining(), err))
			}
			break
		}
		s.segs = append(s.segs, seg)
		s.sectors += seg.n / blkif.SectorSize
		t.pos += int64(seg.n)
	}
	return len(s.segs) > 0 || t.op == blkif.OpFlush
}

// errBusy says that what a request needs is in use by others.
var errBusy = errors.New("nothing left for a request")

// permit takes a reference and grants the page for the disk's bytes at t.pos:
// the transfer's own page if the whole page belongs to it, for the backend
// could write all of it, else a bounce frame.
func (q *queue) permit(t *transfer) (segment, error) {
	if len(q.refs) == 0 {
		return segment{}, fmt.Errorf("%w: all grant references are in use", errBusy)
	}
	if q.kept != nil {
		return q.reuse(t)
	}
	seg, gfn, err := q.page(t)
	if err != nil {
		return seg, err
	}
	seg.ref = q.refs[len(q.refs)-1]
	if err := q.grants.Permit(seg.ref, gfn, t.op == blkif.OpWrite); err != nil {
		if seg.bounce != nil {
			q.pool.put(seg.bounce)
		}
		return seg, err
	}
	q.refs = q.refs[:len(q.refs)-1]
	return seg, nil
}

// reuse takes a reference with the frame that belongs to it.
func (q *queue) reuse(t *transfer) (segment, error) {
	i := q.refs[len(q.refs)-1]
	frame, err := q.kept.frame(i, q.grants)
	if err != nil {
		return segment{}, fmt.Errorf("%w: bounce frame: %w", errBusy, err)
	}
	q.refs = q.refs[:len(q.refs)-1]
	seg := segment{ref: i, pos: t.pos, n: int(min(blkif.PageSize, t.end-t.pos)), bounce: frame}
	if t.op == blkif.OpWrite {
		t.gather(seg.pos, frame[:seg.n])
	}
	return seg, nil
}

// page chooses the page for the disk's bytes at t.pos.
func (q *queue) page(t *transfer) (seg segment, gfn uint64, err error) {
	seg = segment{pos: t.pos, n: int(min(blkif.PageSize, t.end-t.pos))}
	mem := t.at(t.pos)
	if n := min(seg.n, len(mem)); n > 0 && n%q.sector == 0 && pageOffset(mem) == 0 && (n == blkif.PageSize || t.private) {
		if gfn, ok := q.mem.GFN(mem); ok {
			seg.n = n
			return seg, gfn, nil
		}
	}
	seg.n = q.bounceLength(t, seg.n)
	if seg.bounce, err = q.pool.get(); err != nil {
		return seg, 0, fmt.Errorf("%w: bounce frame: %w", errBusy, err)
	}
	gfn, ok := q.mem.GFN(seg.bounce)
	if !ok {
		q.pool.put(seg.bounce)
		return seg, 0, errors.New("bounce frame cannot be granted")
	}
	if t.op == blkif.OpWrite {
		t.gather(seg.pos, seg.bounce[:seg.n])
	}
	return seg, gfn, nil
}

// bounceLength cuts a bounced segment of n bytes at t.pos short where the
// memory's next page begins, if the pages from there on can go directly.
func (q *queue) bounceLength(t *transfer, n int) int {
	mem := t.at(max(t.pos, t.off))
	if len(mem) == 0 {
		return n
	}
	if _, ok := q.mem.GFN(mem); !ok {
		return n
	}
	// Where pos would lie in its page, were the memory to begin there.
	in := (pageOffset(mem) - int(max(t.off-t.pos, 0))) & (blkif.PageSize - 1)
	if rest := blkif.PageSize - in; rest%q.sector == 0 {
		return min(n, rest)
	}
	return n
}

// submit writes slot i's request into the ring.
func (q *queue) submit(i int, t *transfer, now time.Time) {
	s := &q.slots[i]
	s.generation++
	s.busy, s.lost, s.t, s.started = true, false, t, now
	r := blkif.Request{Op: t.op, Handle: q.handle, ID: s.id(i), Sector: uint64(s.sector), Count: len(s.segs)}
	r.Indirect = len(s.segs) > blkif.MaxSegments
	for j, seg := range s.segs {
		e := blkif.Segment{Ref: uint32(q.grants.Ref(seg.ref)), Last: uint8(seg.n/blkif.SectorSize - 1)}
		if r.Indirect {
			blkif.PutSegment(q.tables[i*blkif.PageSize:(i+1)*blkif.PageSize], j, e)
		} else {
			r.Segments[j] = e
		}
	}
	if r.Indirect {
		r.Pages[0] = uint32(q.tableRefs[i])
	}
	t.pending++
	q.stats.submitted(s)
	if err := q.ring.Put(&r); err != nil {
		q.fail(err) // cannot be: there is a ring entry for each slot
	}
}

// opError names the sectors that err is about.
func (q *queue) opError(t *transfer, sector int64, count int, err error) error {
	return &OpError{Device: q.name, Op: t.op, Sector: sector, Count: count, Err: err}
}
