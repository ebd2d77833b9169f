package xentest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"pvboot/blkfront/blkif"
	"pvboot/xen"
	"pvboot/xen/xenbus"
)

// blkRequest is a request that the backend works on.
type blkRequest struct {
	blkif.Request
	segs  []blkif.Segment
	pages []*Mapping // one for each segment
	fault BlkFault
	due   time.Time
	err   error
}

// serve takes new requests from the ring and answers those that are due.
func (b *Blkback) serve() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ring == nil || b.state != xenbus.Connected {
		return
	}
	for more := true; more; more = !b.ring.Sleep() {
		for {
			e, ok, err := b.ring.Take()
			if err != nil {
				b.complain("%v", err)
				b.enter(xenbus.Closing)
				return
			}
			if !ok {
				break
			}
			b.take(&e)
		}
	}
	if b.released {
		b.pending = append(b.pending, b.held...)
		b.held = nil
	}
	b.stats.MaxInFlight = max(b.stats.MaxInFlight, len(b.pending))
	b.finish()
}

// take begins a request: it maps the pages.
func (b *Blkback) take(e *blkif.Entry) {
	r := &blkRequest{due: time.Now().Add(b.c.Delay)}
	r.Request, r.err = blkif.DecodeRequest(e)
	if b.c.Fault != nil {
		r.fault = b.c.Fault(b.n, r.Request)
	}
	b.n++
	b.stats.Requests++
	if r.fault == BlkIgnore {
		if b.released {
			r.fault = BlkGood
		} else {
			b.held = append(b.held, r)
			return
		}
	}
	if r.err == nil {
		r.err = b.begin(r)
	}
	if r.err != nil {
		b.complain("%v at sector %d: %v", r.Op, r.Sector, r.err)
	}
	switch {
	case r.fault == BlkQuit:
		b.unmapPages(r.pages)
		b.quit = true
		b.enter(xenbus.Closing)
	case r.fault == BlkHold && !b.released:
		b.held = append(b.held, r)
	default:
		b.pending = append(b.pending, r)
	}
}

// begin checks a request as blkback does and maps its pages.
func (b *Blkback) begin(r *blkRequest) error {
	if r.Indirect {
		b.stats.Indirect++
	}
	b.stats.MaxSegments = max(b.stats.MaxSegments, r.Count)
	if err := b.segments(r); err != nil {
		return err
	}
	sectors := 0
	var refs []xen.Ref
	unit := b.c.SectorSize / blkif.SectorSize
	for i, s := range r.segs {
		if s.Sectors() == 0 || s.Sectors()%unit != 0 || int(s.First)%unit != 0 {
			return fmt.Errorf("segment %d: sectors %d to %d", i, s.First, s.Last)
		}
		sectors += s.Sectors()
		refs = append(refs, xen.Ref(s.Ref))
	}
	switch {
	case r.Op != blkif.OpRead && b.c.ReadOnly:
		return fmt.Errorf("read-only disk")
	case r.Op == blkif.OpFlush:
		b.stats.Flushes++
		if r.Count != 0 {
			return fmt.Errorf("flush with %d segments", r.Count)
		}
		return nil
	case r.Op != blkif.OpRead && r.Op != blkif.OpWrite:
		return fmt.Errorf("unknown operation")
	}
	end := uint64(b.c.Size / blkif.SectorSize)
	switch {
	case sectors == 0:
		return fmt.Errorf("no segments")
	case r.Sector%uint64(unit) != 0:
		return fmt.Errorf("not at a whole sector of %d bytes", b.c.SectorSize)
	case r.Sector > end || uint64(sectors) > end-r.Sector:
		return fmt.Errorf("%d sectors reach beyond the end at %d", sectors, end)
	}
	var err error
	r.pages, err = b.mapPages(refs, r.Op == blkif.OpWrite)
	return err
}

// segments gathers a request's segments, from its tables where it is indirect.
func (b *Blkback) segments(r *blkRequest) error {
	if !r.Indirect {
		r.segs = r.Segments[:r.Count]
		return nil
	}
	if r.Count > b.c.MaxIndirect {
		return fmt.Errorf("%d segments, %d offered", r.Count, b.c.MaxIndirect)
	}
	for i := 0; i < r.Count; i += blkif.SegmentsPerPage {
		tables, err := b.mapPages([]xen.Ref{xen.Ref(r.Pages[i/blkif.SegmentsPerPage])}, true)
		if err != nil {
			return fmt.Errorf("segment table: %w", err)
		}
		for j := range min(r.Count-i, blkif.SegmentsPerPage) {
			r.segs = append(r.segs, blkif.GetSegment(tables[0].Page, j))
		}
		b.unmapPages(tables)
	}
	return nil
}

// finish answers the requests that are due.
func (b *Blkback) finish() {
	if b.c.Shuffle {
		rand.Shuffle(len(b.pending), func(i, j int) { b.pending[i], b.pending[j] = b.pending[j], b.pending[i] })
	}
	now := time.Now()
	var later []*blkRequest
	for _, r := range b.pending {
		if r.due.After(now) {
			later = append(later, r)
			continue
		}
		b.answer(r)
	}
	b.pending = later
	if b.ring.Push() {
		b.port.Notify()
	}
	if b.jump {
		b.ring.SetResponseProducer(1 << 20)
	}
}

// answer does a request's work and puts the response into the ring.
func (b *Blkback) answer(r *blkRequest) {
	if r.pages == nil && r.err == nil && r.fault == BlkIgnore {
		r.err = b.begin(r) // looked at only now; its grants may be gone
	}
	resp := blkif.Response{ID: r.ID, Op: r.Op, Status: blkif.StatusOK}
	switch r.fault {
	case BlkError:
		resp.Status = blkif.StatusError
	case BlkNotSupported:
		resp.Status = blkif.StatusNotSupported
	case BlkOddStatus:
		resp.Status = -77
	case BlkWrongID:
		resp.ID ^= 0x5a5a
	}
	if r.err == nil && resp.Status == blkif.StatusOK {
		r.err = b.transfer(r)
	}
	if r.err != nil {
		resp.Status = blkif.StatusError
	}
	if r.fault == BlkKeepGrant && !b.released && len(r.pages) > 0 {
		b.keep(r.pages[0])
		r.pages = r.pages[1:]
	}
	b.unmapPages(r.pages)
	b.ring.Put(resp)
	if r.fault == BlkDuplicate {
		b.ring.Put(resp)
	}
	b.jump = b.jump || r.fault == BlkJump
}

// transfer moves the bytes between disk and pages.
func (b *Blkback) transfer(r *blkRequest) error {
	off := int64(r.Sector) * blkif.SectorSize
	for i, s := range r.segs {
		part := r.pages[i].Page[int(s.First)*blkif.SectorSize : (int(s.Last)+1)*blkif.SectorSize]
		var err error
		if r.Op == blkif.OpWrite {
			w, ok := b.c.Disk.(io.WriterAt)
			if !ok {
				return fmt.Errorf("disk cannot be written")
			}
			_, err = w.WriteAt(part, off)
		} else {
			_, err = b.c.Disk.ReadAt(part, off)
		}
		if err != nil && err != io.EOF {
			return err
		}
		off += int64(len(part))
	}
	return nil
}
