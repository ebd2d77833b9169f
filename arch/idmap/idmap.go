// Package idmap builds identity-mapped page tables as plain data, so that they
// can be walked in tests on any host: four levels of tables with 512 entries,
// and pages of 2 MiB. x86-64 and AArch64 have that in common; what the bits of
// an entry mean is a [Format].
package idmap

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Format is an architecture's entries.
type Format struct {
	Table uint64 // bits of an entry that leads to a table
	Page  uint64 // bits of an entry that maps a page of 2 MiB
	Limit uint64 // the first address past what tables can map
}

const (
	// FrameSize is the size of one table in bytes.
	FrameSize = 4096
	pageSize  = 2 << 20
	gib       = 1 << 30
	// addrMask is the address in an entry; the lower bits of a page's are 0.
	addrMask = 0x0000_ffff_ffff_f000
)

// Range is the address range [Start, End).
type Range struct{ Start, End uint64 }

// ErrFull means that the memory for tables is used up.
var ErrFull = errors.New("idmap: out of page-table frames")

// Tables are page tables in frames that lie one behind the other in
// memory.
type Tables struct {
	format *Format
	base   uint64 // physical address of frames[0], which is the root
	frames [][512]uint64
	used   int
}

// New starts empty tables in frames, which lie at physical address base, a
// multiple of FrameSize.
func New(format *Format, base uint64, frames [][512]uint64) (*Tables, error) {
	if base%FrameSize != 0 || len(frames) == 0 {
		return nil, fmt.Errorf("idmap: %d frames at %#x: want some, at a multiple of %d", len(frames), base, FrameSize)
	}
	clear(frames)
	return &Tables{format: format, base: base, frames: frames, used: 1}, nil
}

// Root is what CR3 or TTBR0_EL1 takes.
func (t *Tables) Root() uint64 { return t.base }

// FramesFor is how many frames mapping ranges takes at most.
func FramesFor(ranges []Range) int {
	n := 1
	for _, r := range ranges {
		if r.End > r.Start {
			n += 2 + int((r.End-1)/gib-r.Start/gib) + int((r.End-1)>>39-r.Start>>39)
		}
	}
	return n
}

// Map maps every page that r touches.
func (t *Tables) Map(r Range) error {
	if r.End > t.format.Limit || r.Start > r.End {
		return fmt.Errorf("idmap: %#x-%#x is outside the address space", r.Start, r.End)
	}
	for addr := r.Start &^ (pageSize - 1); addr < r.End; addr += pageSize {
		level1, err := t.next(&t.frames[0][addr>>39&511])
		if err != nil {
			return err
		}
		level2, err := t.next(&level1[addr>>30&511])
		if err != nil {
			return err
		}
		level2[addr>>21&511] = addr | t.format.Page
	}
	return nil
}

// next is the table that entry points to, a new one if it is empty.
func (t *Tables) next(entry *uint64) (*[512]uint64, error) {
	if *entry == 0 {
		if t.used == len(t.frames) {
			return nil, ErrFull
		}
		*entry = t.base + uint64(t.used)*FrameSize | t.format.Table
		t.used++
	}
	return &t.frames[(*entry&addrMask-t.base)/FrameSize], nil
}

// Merge returns the same addresses in order, each in one range only; no range
// is empty.
func Merge(list []Range) []Range {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b Range) int { return cmp.Compare(a.Start, b.Start) })
	var merged []Range
	for _, r := range sorted {
		last := len(merged) - 1
		switch {
		case r.End <= r.Start:
		case last >= 0 && r.Start <= merged[last].End:
			merged[last].End = max(merged[last].End, r.End)
		default:
			merged = append(merged, r)
		}
	}
	return merged
}
