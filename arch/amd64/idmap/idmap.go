// Package idmap builds identity-mapped x86-64 page tables as plain data, so
// that they can be walked in tests on any host.
//
// Source: Intel SDM volume 3A, section 5.5 "4-Level Paging", tables 5-15 to
// 5-18; AMD APM volume 2, section 5.3 "Long-Mode Page Translation".
package idmap

import (
	"errors"
	"fmt"
)

// Entry bits of every level.
const (
	present  = 1 << 0
	writable = 1 << 1
	large    = 1 << 7 // PS: the entry maps a page
	addrMask = 0x000f_ffff_ffff_f000
)

const (
	// FrameSize is the size of one table in bytes.
	FrameSize = 4096
	pageSize  = 2 << 20
	gib       = 1 << 30
	// Limit is the first address past what four levels map in the lower
	// half of the address space.
	Limit = 1 << 47
)

// Range is the address range [Start, End).
type Range struct{ Start, End uint64 }

// ErrFull means that the memory for tables is used up.
var ErrFull = errors.New("idmap: out of page-table frames")

// Tables are page tables in frames that lie one behind the other in memory.
type Tables struct {
	base   uint64 // physical address of frames[0], which is the root
	frames [][512]uint64
	used   int
}

// New starts empty tables in frames, which lie at physical address base, a
// multiple of FrameSize.
func New(base uint64, frames [][512]uint64) (*Tables, error) {
	if base%FrameSize != 0 || len(frames) == 0 {
		return nil, fmt.Errorf("idmap: %d frames at %#x: want some, at a multiple of %d", len(frames), base, FrameSize)
	}
	clear(frames)
	return &Tables{base: base, frames: frames, used: 1}, nil
}

// Root is what CR3 takes.
func (t *Tables) Root() uint64 { return t.base }

// FramesFor is how many frames mapping ranges takes at most.
func FramesFor(ranges []Range) int {
	n := 1
	for _, r := range ranges {
		if r.End > r.Start {
			n += 2 + int((r.End-1)/gib-r.Start/gib) + int((r.End-1)>>39-r.Start>>39) + 1
		}
	}
	return n
}

// Map maps every 2 MiB page that r touches, writable and executable.
func (t *Tables) Map(r Range) error {
	if r.End > Limit || r.Start > r.End {
		return fmt.Errorf("idmap: %#x-%#x is outside the address space", r.Start, r.End)
	}
	for addr := r.Start &^ (pageSize - 1); addr < r.End; addr += pageSize {
		pdpt, err := t.next(&t.frames[0][addr>>39&511])
		if err != nil {
			return err
		}
		pd, err := t.next(&pdpt[addr>>30&511])
		if err != nil {
			return err
		}
		pd[addr>>21&511] = addr | present | writable | large
	}
	return nil
}

// next is the table that entry points to, a new one if it is empty.
func (t *Tables) next(entry *uint64) (*[512]uint64, error) {
	if *entry == 0 {
		if t.used == len(t.frames) {
			return nil, ErrFull
		}
		*entry = t.base + uint64(t.used)*FrameSize | present | writable
		t.used++
	}
	return &t.frames[(*entry&addrMask-t.base)/FrameSize], nil
}
