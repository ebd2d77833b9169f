package image

import (
	"cmp"
	"fmt"
	"slices"
)

// space hands out address ranges of a machine's RAM.
type space struct {
	free []Range // sorted, disjoint, none empty
}

// pageSize is the granule of everything that is placed in memory, in bytes.
const pageSize = 4096

// newSpace starts with all RAM of the map. Page 0 is never handed out: a
// boot protocol's address 0 means "none".
func newSpace(memory []Range) *space {
	s := ramOf(memory)
	s.take(Range{Start: 0, Size: pageSize})
	return s
}

// ramOf is all RAM of the map.
func ramOf(memory []Range) *space {
	s := &space{}
	for _, r := range memory {
		if r.Type != RAM || r.Size == 0 || r.End() < r.Start {
			continue
		}
		s.free = append(s.free, r)
	}
	slices.SortFunc(s.free, func(a, b Range) int { return cmp.Compare(a.Start, b.Start) })
	return s
}

// contains tells whether all of r is free.
func (s *space) contains(r Range) bool {
	return slices.ContainsFunc(s.free, func(f Range) bool {
		return f.Start <= r.Start && r.End() <= f.End() && r.Start <= r.End()
	})
}

// take removes r, or what of it is free.
func (s *space) take(r Range) {
	var left []Range
	for _, f := range s.free {
		if r.End() <= f.Start || f.End() <= r.Start {
			left = append(left, f)
			continue
		}
		if f.Start < r.Start {
			left = append(left, Range{Start: f.Start, Size: r.Start - f.Start, Type: RAM})
		}
		if r.End() < f.End() {
			left = append(left, Range{Start: r.End(), Size: f.End() - r.End(), Type: RAM})
		}
	}
	s.free = left
}

// lowest takes size bytes at the lowest multiple of align that lies in
// [lo, hi). align is a power of two.
func (s *space) lowest(size, align, lo, hi uint64) (uint64, error) {
	for _, f := range s.free {
		start, ok := alignUp(max(f.Start, lo), align)
		end := min(f.End(), hi)
		if ok && start <= end && end-start >= size {
			s.take(Range{Start: start, Size: size})
			return start, nil
		}
	}
	return 0, &NoRoomError{Size: size, Lo: lo, Hi: hi}
}

// lowestAt takes size bytes at the lowest place in [lo, hi) that is skew bytes
// above a multiple of align.
func (s *space) lowestAt(size, align, skew, lo, hi uint64) (uint64, error) {
	skew %= align
	for _, f := range s.free {
		start, ok := alignUp(max(f.Start, lo)-min(skew, max(f.Start, lo)), align)
		start += skew
		end := min(f.End(), hi)
		if ok && start >= skew && start <= end && end-start >= size {
			s.take(Range{Start: start, Size: size})
			return start, nil
		}
	}
	return 0, &NoRoomError{Size: size, Lo: lo, Hi: hi}
}

// highest takes size bytes at the highest multiple of align in [lo, hi).
func (s *space) highest(size, align, lo, hi uint64) (uint64, error) {
	for _, f := range slices.Backward(s.free) {
		start, end := max(f.Start, lo), min(f.End(), hi)
		if start > end || end-start < size {
			continue
		}
		if addr := (end - size) &^ (align - 1); addr >= start {
			s.take(Range{Start: addr, Size: size})
			return addr, nil
		}
	}
	return 0, &NoRoomError{Size: size, Lo: lo, Hi: hi}
}

// alignUp rounds a up to a multiple of align; false when that overflows.
func alignUp(a, align uint64) (uint64, bool) {
	up := (a + align - 1) &^ (align - 1)
	return up, up >= a
}

// NoRoomError says that the domain's RAM cannot hold a piece of the boot.
type NoRoomError struct {
	Size   uint64 // bytes wanted
	Lo, Hi uint64 // where they had to lie
}

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("no room for %d KiB of RAM between %#x and %#x: the domain needs more memory",
		(e.Size+1023)/1024, e.Lo, e.Hi)
}
