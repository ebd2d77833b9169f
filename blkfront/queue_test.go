package blkfront

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pvboot/blkfront/blkif"
	"pvboot/xen"
)

// fakeGrants keeps book of what is granted and refuses what the grant table
// would.
type fakeGrants struct {
	live   map[int]bool
	pinned map[int]bool // the backend has it mapped
	wrong  []string
}

func (g *fakeGrants) Ref(i int) xen.Ref { return xen.Ref(i + 8) }

func (g *fakeGrants) Permit(i int, _ uint64, _ bool) error {
	if g.live[i] {
		g.wrong = append(g.wrong, fmt.Sprintf("reference %d granted twice", i))
	}
	g.live[i] = true
	return nil
}

func (g *fakeGrants) End(i int) error {
	if g.pinned[i] {
		return xen.ErrGrantInUse
	}
	delete(g.live, i)
	return nil
}

// fakeRefs is fewer references than all slots could use.
const fakeRefs = 100

// fakeQueue is a queue of 32 slots of up to 4 pages, and the other end of its
// ring.
type fakeQueue struct {
	*queue
	mem  *heapMemory
	g    *fakeGrants
	back *blkif.BackRing
	ids  []uint64 // of requests that the backend took
}

func newFakeQueue(t testing.TB, frames, bounce int) *fakeQueue {
	page := make([]byte, 2*blkif.PageSize)
	page = page[blkif.PageSize-pageOffset(page):][:blkif.PageSize]
	ring, err := blkif.NewFrontRing(page)
	if err != nil {
		t.Fatal(err)
	}
	back, err := blkif.NewBackRing(page)
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeQueue{mem: newHeapMemory(frames), g: &fakeGrants{make(map[int]bool), make(map[int]bool), nil}, back: back}
	f.queue = newQueue("xvda", 1, 512, 4, bounce, f.mem, ring, f.g, fakeRefs)
	return f
}

// take lets the backend see what was put into the ring.
func (f *fakeQueue) take(t testing.TB) {
	f.ring.Push()
	for {
		e, ok, err := f.back.Take()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return
		}
		r, err := blkif.DecodeRequest(&e)
		if err != nil {
			t.Fatal(err)
		}
		f.ids = append(f.ids, r.ID)
	}
}

// fuzzStep carries out one step of the script: a transfer of ours, or
// something that a backend may do.
func (f *fakeQueue) fuzzStep(t testing.TB, op, a byte, now time.Time) *transfer {
	switch op % 8 {
	case 0, 1:
		kind := blkif.OpRead
		mem := make([]byte, 1+int(a)*97)
		if op%8 == 1 {
			kind = blkif.OpWrite
			mem = make([]byte, 512*(1+int(a)))
		}
		tr := newTransfer(kind, int64(a)*512, 512, mem)
		f.fill(tr, now)
		f.take(t)
		return tr
	case 2: // frames of our own, as the cache has them
		own, err := f.mem.AllocFrames(8)
		if err != nil {
			return nil
		}
		tr := newTransfer(blkif.OpRead, int64(a)*512, 512, own[:512*(1+int(a)%64)])
		tr.private, tr.own = true, [][]byte{own}
		f.fill(tr, now)
		f.take(t)
		return tr
	case 3: // an answer, good or bad, perhaps given before
		if len(f.ids) > 0 {
			f.back.Put(blkif.Response{ID: f.ids[int(a)%len(f.ids)], Status: blkif.Status(int8(op) / 64)})
			f.back.Push()
		}
	case 4:
		f.back.Put(blkif.Response{ID: uint64(a) | uint64(op)<<16})
		f.back.Push()
	case 5:
		if op&0x80 != 0 {
			f.back.SetResponseProducer(uint32(a) << (op % 25))
		}
		f.expire(now.Add(time.Duration(a)*time.Millisecond), 100*time.Millisecond)
	case 6:
		f.g.pinned[int(a)%(fakeRefs)] = true
	case 7:
		delete(f.g.pinned, int(a)%(fakeRefs))
	}
	f.reap()
	return nil
}

// FuzzQueue lets a backend answer anything at any time. Whatever it does, each
// transfer must come to an end, no reference may be granted twice, and no
// memory may be lost or given back while the backend has it.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{0, 200, 3, 0, 3, 1, 1, 9, 3, 2})
	f.Add([]byte{0, 255, 6, 1, 5, 200, 7, 1, 3, 0})
	f.Add([]byte{2, 30, 6, 0, 5, 255, 3, 0, 7, 0, 3, 0})
	f.Add([]byte{0, 10, 3, 0, 3, 0})
	f.Add([]byte{0, 10, 4, 7, 0, 10})
	f.Add([]byte{0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 3, 1, 0, 255})
	f.Add([]byte{1, 100, 133, 20, 1, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		q := newFakeQueue(t, 4096, 64)
		now := time.Unix(1000, 0)
		var open []*transfer
		for i := 0; i+1 < min(len(script), 400); i += 2 {
			if tr := q.fuzzStep(t, script[i], script[i+1], now); tr != nil {
				open = append(open, tr)
			}
			for _, tr := range open {
				if tr.pending < 0 || tr.lost < 0 {
					t.Fatalf("%d pending, %d lost", tr.pending, tr.lost)
				}
			}
			if q.stats.InFlight < 0 || q.stats.Lost < 0 || q.stats.InFlight+q.stats.Lost+len(q.free) != len(q.slots) {
				t.Fatalf("%d in flight, %d lost, %d free of %d", q.stats.InFlight, q.stats.Lost, len(q.free), len(q.slots))
			}
		}
		// Nobody answers any more: all requests run out of time, and what
		// was not asked for yet is not asked for.
		q.expire(now.Add(time.Hour), time.Second)
		for i, tr := range open {
			if tr.pending != 0 {
				t.Fatalf("transfer %d has %d requests pending", i, tr.pending)
			}
			tr.fail(errors.New("given up"))
			tr.over = true
			if tr.lost == 0 {
				for _, f := range tr.own {
					q.mem.FreeFrames(f)
				}
			}
		}
		// The backend lets go, as Close makes sure of.
		clear(q.g.pinned)
		for i := range 4 * 32 {
			if err := q.g.End(i); err != nil {
				t.Fatal(err)
			}
		}
		q.close()
		if len(q.g.wrong) > 0 || len(q.mem.wrong) > 0 || q.mem.used != 0 {
			t.Fatalf("%d frames left, %v %v", q.mem.used, q.g.wrong, q.mem.wrong)
		}
	})
}

// An answer that is given again once its slot serves another request is not
// taken for that one's.
func TestQueueStaleAnswer(t *testing.T) {
	q := newFakeQueue(t, 1<<10, 64)
	for range 2 {
		q.fill(newTransfer(blkif.OpRead, 0, 512, make([]byte, 10)), time.Now())
		q.take(t)
		q.back.Put(blkif.Response{ID: q.ids[0]})
		q.back.Push()
		q.reap()
	}
	if !errors.Is(q.fault, ErrBackend) {
		t.Errorf("the first request's answer was taken for the second's: %v", q.fault)
	}
}

// Memory of a transfer that lost a request stays the caller's when the answer
// comes before the transfer is over, and becomes the queue's when it does not.
func TestQueueOwnMemory(t *testing.T) {
	for _, late := range []bool{false, true} {
		q := newFakeQueue(t, 1<<10, 64)
		own, err := q.mem.AllocFrames(8)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(1000, 0)
		tr := newTransfer(blkif.OpRead, 0, 512, own)
		tr.private, tr.own = true, [][]byte{own}
		q.fill(tr, now)
		q.take(t)
		if len(q.ids) != 2 {
			t.Fatalf("%d requests, want 2", len(q.ids))
		}
		q.slots[int(q.ids[1]&0xffff)].started = now.Add(time.Minute) // given up later
		q.expire(now.Add(time.Minute), time.Minute)
		if tr.lost != 1 || tr.pending != 1 || tr.done() {
			t.Fatalf("%d lost, %d pending", tr.lost, tr.pending)
		}
		answer := func(i int) {
			q.back.Put(blkif.Response{ID: q.ids[i]})
			q.back.Push()
			q.reap()
		}
		if !late {
			answer(0)
		}
		answer(1)
		if !tr.done() || q.mem.used != 8 {
			t.Fatalf("done %v, %d frames", tr.done(), q.mem.used)
		}
		tr.over = true
		if late {
			answer(0)
		} else {
			q.mem.FreeFrames(own)
		}
		q.mem.check(t)
	}
}

// Without any memory for bouncing, a transfer waits for what is in flight, and
// fails when nothing is.
func TestQueueWithoutFrames(t *testing.T) {
	q := newFakeQueue(t, framesPerChunk, framesPerChunk)
	q.mem.deny = true // the caller's memory cannot be granted
	now := time.Unix(1000, 0)
	tr := newTransfer(blkif.OpRead, 0, 512, make([]byte, 80*4096+1)[1:])
	q.fill(tr, now)
	q.take(t)
	if tr.err != nil || tr.pos != framesPerChunk*4096 || len(q.ids) != framesPerChunk/4 {
		t.Fatalf("asked for %d bytes by %d requests: %v", tr.pos, len(q.ids), tr.err)
	}
	other := newTransfer(blkif.OpRead, 0, 512, make([]byte, 10))
	q.fill(other, now)
	if other.err != nil || other.pending != 0 {
		t.Fatalf("another transfer: %d pending, %v", other.pending, other.err)
	}
	for !tr.done() {
		for _, id := range q.ids {
			q.back.Put(blkif.Response{ID: id})
		}
		q.ids = nil
		q.back.Push()
		q.reap()
		q.fill(tr, now)
		q.take(t)
	}
	if tr.err != nil || q.stats.BytesRead != 80*4096 {
		t.Errorf("%d bytes read: %v", q.stats.BytesRead, tr.err)
	}
	q.close()
	q.mem.check(t)

	q = newFakeQueue(t, 0, framesPerChunk)
	q.mem.deny = true
	tr = newTransfer(blkif.OpRead, 512, 512, make([]byte, 100))
	q.fill(tr, now)
	want := "blkfront: xvda: read of 1 sectors at sector 1: nothing left for a request: bounce frame: out of frames"
	if tr.err == nil || tr.err.Error() != want {
		t.Errorf("%v, want %s", tr.err, want)
	}
}

// Go memory on the platform is granted by whole pages only: what else lies in
// a page is not the backend's business.
func TestQueueGrantsWholePagesOnly(t *testing.T) {
	mem := make([]byte, 6*4096)
	mem = mem[(4096-pageOffset(mem))%4096:][:5*4096]
	for _, tt := range []struct {
		name    string
		from, n int
		off     int64
		bounced int64 // bytes
	}{
		{"whole pages", 0, 16384, 0, 0},
		{"whole pages at an odd sector", 0, 16384, 512, 0},
		{"sectors", 512, 16384, 512, 4096},
		{"the end of a page", 3584, 512, 0, 512},
		{"bytes that fit", 100, 16284, 100, 4096},
		{"bytes that do not fit", 100, 16284, 200, 16384 + 512},
		{"less than a page", 0, 4095, 0, 4096},
	} {
		q := newFakeQueue(t, 1<<10, 64)
		tr := newTransfer(blkif.OpRead, tt.off, 512, mem[tt.from:tt.from+tt.n])
		q.fill(tr, time.Now())
		if q.stats.BytesBounced != tt.bounced || tr.pos != tr.end {
			t.Errorf("%s: %d bytes bounced, want %d; %d of %d asked for", tt.name, q.stats.BytesBounced, tt.bounced, tr.pos, tr.end)
		}
	}
}
