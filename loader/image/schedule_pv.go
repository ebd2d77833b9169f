package image

import (
	"fmt"
	"slices"
)

// addPages schedules the segments of a PV plan, page by page: what lies where
// the loader does, zeros too, is made in free pages that change places with
// the loader's at the end. Such pages need not lie together, but for a segment
// that can only be read in one piece.
func (s *Schedule) addPages(segments []Segment, own []Range) error {
	for i, segment := range segments {
		if segment.Addr%pageSize != 0 || segment.Size%pageSize != 0 || segment.Reserve != 0 {
			return fmt.Errorf("%s: %#x bytes at %#x and %#x more are not whole pages", segment.Name, segment.Size, segment.Addr, segment.Reserve)
		}
		parts := cut(segment.Range(), own)
		isBusy := func(p part) bool { return p.busy }
		if segment.Whole && slices.ContainsFunc(parts, isBusy) {
			parts = []part{{segment.Range(), true}}
		}
		for _, p := range parts {
			if !p.busy {
				s.fill(i, segment, p.Range, p.Start)
				continue
			}
			if err := s.swap(i, segment, p.Range); err != nil {
				return fmt.Errorf("stage %s: %w", segment.Name, err)
			}
		}
	}
	return nil
}

// swap schedules the part r of a segment to be made elsewhere.
func (s *Schedule) swap(index int, segment Segment, r Range) error {
	for r.Size > 0 {
		size := r.Size
		addr, err := s.left.highest(size, pageSize, 0, ^uint64(0))
		if err != nil && !segment.Whole {
			addr, size, err = s.left.largest(size)
		}
		if err != nil {
			return err
		}
		s.Moves = append(s.Moves, Move{Dst: r.Start, Src: addr, Size: size})
		s.fill(index, segment, Range{Start: r.Start, Size: size}, addr)
		r.Start, r.Size = r.Start+size, r.Size-size
	}
	return nil
}

// fill schedules what a segment has for its part r, data and then zeros, to be
// put at addr.
func (s *Schedule) fill(index int, segment Segment, r Range, addr uint64) {
	end := segment.Addr
	if segment.Data != nil {
		end += uint64(segment.Data.Size())
	}
	data := min(max(end, r.Start), r.End()) - r.Start
	if data > 0 {
		s.Loads = append(s.Loads, Load{Segment: index, Offset: int64(r.Start - segment.Addr), Addr: addr, Size: data})
	}
	if data < r.Size {
		s.Zeros = append(s.Zeros, Range{Start: addr + data, Size: r.Size - data, Type: RAM})
	}
}

// largest takes the largest piece of whole pages, of at most size bytes.
func (s *space) largest(size uint64) (addr, n uint64, err error) {
	for _, f := range s.free {
		start, ok := alignUp(f.Start, pageSize)
		end := f.End() &^ (pageSize - 1)
		if ok && start < end && end-start > n {
			addr, n = start, end-start
		}
	}
	if n == 0 {
		return 0, 0, &NoRoomError{Size: size, Hi: ^uint64(0)}
	}
	addr, n = addr+n-min(n, size), min(n, size)
	s.take(Range{Start: addr, Size: n})
	return addr, n, nil
}
