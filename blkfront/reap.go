package blkfront

import (
	"fmt"
	"slices"
	"time"

	"pvboot/blkfront/blkif"
	"pvboot/xen"
)

// reap takes all answers that wait in the ring.
func (q *queue) reap() {
	for q.take() {
	}
}

// take takes the next answer, and returns false when there is none. A backend
// that gives one which cannot be is not trusted any further: the queue fails.
func (q *queue) take() bool {
	if q.fault != nil {
		return false
	}
	r, ok, err := q.ring.Take()
	if err != nil {
		q.fail(fmt.Errorf("%w: %w", ErrBackend, err))
		return false
	}
	if ok {
		i := int(r.ID & 0xffff)
		if i >= len(q.slots) || !q.slots[i].busy || q.slots[i].id(i) != r.ID {
			q.fail(fmt.Errorf("%w: answer to request %#x, which is not in flight", ErrBackend, r.ID))
			return false
		}
		q.complete(i, statusError(r.Status))
	}
	if q.stats.InFlight == 0 {
		q.pool.trim()
	}
	return ok
}

// complete ends slot i's request with the backend's verdict.
func (q *queue) complete(i int, err error) {
	s, t := &q.slots[i], q.slots[i].t
	endErr := q.endAccess(i)
	if endErr != nil {
		// The slot stays busy: its pages are still the backend's.
		q.fail(fmt.Errorf("%w: request answered, but %w", ErrBackend, endErr))
		return
	}
	if s.lost {
		q.stats.Late++
		q.release(i)
		return
	}
	if err == nil {
		q.stats.completed(s)
		if t.op == blkif.OpRead {
			for _, seg := range s.segs {
				if seg.bounce != nil {
					t.scatter(seg.pos, seg.bounce[:seg.n])
				}
			}
		}
	} else {
		q.stats.Errors++
		t.fail(q.opError(t, s.sector, s.sectors, err))
	}
	t.pending--
	t.settled++
	q.release(i)
}

// direct says whether the request names pages of its transfer.
func (s *slot) direct() bool {
	return slices.ContainsFunc(s.segs, func(seg segment) bool { return seg.bounce == nil })
}

// endAccess takes back what slot i granted, unless it is to stay granted. What
// is still in use is told by an error.
func (q *queue) endAccess(i int) error {
	if q.kept != nil {
		return nil
	}
	var left error
	for _, seg := range q.slots[i].segs {
		if err := q.grants.End(seg.ref); err != nil {
			left = err
		}
	}
	return left
}

// release makes slot i free. The backend has no access any more.
func (q *queue) release(i int) {
	s := &q.slots[i]
	for _, seg := range s.segs {
		q.refs = append(q.refs, seg.ref)
		if seg.bounce != nil && q.kept == nil {
			q.pool.put(seg.bounce)
		}
	}
	t := s.t
	if s.lost {
		t.lost--
		if t.lost == 0 && t.over {
			for _, f := range t.own {
				q.mem.FreeFrames(f)
			}
		}
		q.stats.Lost--
	} else {
		q.stats.InFlight--
		q.stats.BytesInFlight -= int64(s.sectors) * blkif.SectorSize
	}
	clear(s.segs)
	s.segs = s.segs[:0]
	s.busy, s.lost, s.t = false, false, nil
	q.free = append(q.free, i)
	q.freed++
}

// lose gives slot i's request up: its transfer goes on without it, everything
// else of it stays.
func (q *queue) lose(i int, err error) {
	s, t := &q.slots[i], q.slots[i].t
	// Where the backend has not begun, it now cannot: the slot only waits
	// for the answer, so that the references are not used twice.
	if left := q.endAccess(i); left != nil && q.exposed == nil && t.op == blkif.OpRead && !t.private && s.direct() {
		q.exposed = fmt.Errorf("memory of a failed read may still be written: %w", q.opError(t, s.sector, s.sectors, left))
	}
	s.lost = true
	t.lost++
	t.pending--
	t.settled++
	t.fail(q.opError(t, s.sector, s.sectors, err))
	q.stats.InFlight--
	q.stats.BytesInFlight -= int64(s.sectors) * blkif.SectorSize
	q.stats.Lost++
}

// fail ends the use of the device and all that is in flight.
func (q *queue) fail(err error) {
	if q.fault != nil {
		return
	}
	q.fault = err
	for i := range q.slots {
		if q.slots[i].busy && !q.slots[i].lost {
			q.lose(i, err)
		}
	}
}

// expire gives up the requests that were not answered within limit.
func (q *queue) expire(now time.Time, limit time.Duration) {
	for i := range q.slots {
		s := &q.slots[i]
		if s.busy && !s.lost && now.Sub(s.started) >= limit {
			q.stats.Timeouts++
			q.lose(i, fmt.Errorf("no answer: %w after %v", xen.ErrTimeout, limit))
		}
	}
}

// close gives all memory back. The caller has ended all access.
func (q *queue) close() {
	for i := range q.slots {
		if q.slots[i].busy {
			q.release(i)
		}
	}
	q.pool.close()
	if q.kept != nil {
		q.kept.close()
	}
}
