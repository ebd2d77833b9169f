package image

import (
	"cmp"
	"fmt"
	"slices"
)

// Load reads Size bytes from a segment's data at Offset to Addr.
type Load struct {
	Segment int // index in Plan.Segments
	Offset  int64
	Addr    uint64
	Size    uint64
}

// Move is the last thing done before the entry: Size bytes are copied from
// Src to Dst, or Dst is zeroed when Src is 0. No destination of a schedule is
// another move's source, so the order does not matter.
//
// In a PV plan moves are whole pages, none is of zeros, and no page is in two
// of them: instead of being copied, the pages at Src and Dst change places.
type Move struct {
	Dst, Src, Size uint64
}

// Schedule says how a plan gets into memory while the loader still occupies
// a part of it.
type Schedule struct {
	Loads []Load  // now, into final or staging memory
	Zeros []Range // now
	Moves []Move  // by the code that no longer needs the loader

	left *space // RAM that neither loader, plan nor schedule uses
}

// Reserve takes size bytes, page aligned and below limit, that no part of the
// plan, the loader or the schedule touches: room for the last code, which the
// target still runs on for a while.
func (s *Schedule) Reserve(size, limit uint64) (uint64, error) {
	return s.left.highest(size, pageSize, pageSize, limit)
}

// NewSchedule divides a plan's segments: what lies outside the loader's own
// memory goes to its final place at once; what the loader occupies is staged
// in free memory and moved at the end. own is the memory that the loader
// needs until it jumps; free is the RAM that it may use for staging, which
// may overlap the plan's segments but not own.
func NewSchedule(p *Plan, own, free []Range) (*Schedule, error) {
	// What a segment reserves holds nothing before the target runs, and may
	// be all that is free in a small domain.
	staging := newSpace(free)
	for _, s := range p.Segments {
		staging.take(Range{Start: s.Addr, Size: s.Size})
	}
	for _, r := range own {
		staging.take(r)
	}
	sched := &Schedule{left: staging}
	if p.PV != nil {
		if err := sched.addPages(p.Segments, own); err != nil {
			return nil, err
		}
		return sched, nil
	}
	for i, s := range p.Segments {
		data := uint64(0)
		if s.Data != nil {
			data = uint64(s.Data.Size())
		}
		parts := cut(Range{Start: s.Addr, Size: data}, own)
		if s.Whole && len(parts) > 1 {
			parts = []part{{Range{Start: s.Addr, Size: data, Type: RAM}, true}}
		}
		for _, part := range parts {
			load := Load{Segment: i, Offset: int64(part.Start - s.Addr), Addr: part.Start, Size: part.Size}
			if part.busy {
				addr, err := staging.stage(part.Range)
				if err != nil {
					return nil, fmt.Errorf("stage %s: %w", s.Name, err)
				}
				load.Addr = addr
				sched.Moves = append(sched.Moves, Move{Dst: part.Start, Src: addr, Size: part.Size})
			}
			sched.Loads = append(sched.Loads, load)
		}
		for _, part := range cut(Range{Start: s.Addr + data, Size: s.Size - data}, own) {
			if part.busy {
				sched.Moves = append(sched.Moves, Move{Dst: part.Start, Size: part.Size})
			} else {
				sched.Zeros = append(sched.Zeros, part.Range)
			}
		}
	}
	for _, s := range p.Segments {
		staging.take(s.Range())
	}
	return sched, nil
}

// stage takes room for r, at the same offset within a page so that what was
// aligned for the disk stays so.
func (s *space) stage(r Range) (uint64, error) {
	skew := r.Start % pageSize
	addr, err := s.highest(r.Size+skew, pageSize, 0, ^uint64(0))
	return addr + skew, err
}

// part is a piece of a range, busy where the loader itself lies.
type part struct {
	Range
	busy bool
}

// cut splits r at the borders of the own ranges.
func cut(r Range, own []Range) []part {
	own = slices.Clone(own)
	slices.SortFunc(own, func(a, b Range) int { return cmp.Compare(a.Start, b.Start) })
	var parts []part
	at, end := r.Start, r.End()
	for _, o := range own {
		lo, hi := max(o.Start, at), min(o.End(), end)
		if lo >= hi {
			continue
		}
		if at < lo {
			parts = append(parts, part{Range{Start: at, Size: lo - at, Type: RAM}, false})
		}
		parts = append(parts, part{Range{Start: lo, Size: hi - lo, Type: RAM}, true})
		at = hi
	}
	if at < end {
		parts = append(parts, part{Range{Start: at, Size: end - at, Type: RAM}, false})
	}
	return parts
}
