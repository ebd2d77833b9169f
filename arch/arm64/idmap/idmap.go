// Package idmap builds identity-mapped AArch64 stage 1 translation tables as
// plain data, so that they can be walked in tests on any host. All that is
// mapped is Normal memory, write-back, inner shareable, for EL1 to read,
// write and execute.
//
// Source: Arm ARM (DDI 0487), chapter D8 "The AArch64 Virtual Memory System
// Architecture": "VMSAv8-64 translation using the 4KB granule", "Table
// descriptor format", "Block descriptor and Page descriptor formats".
package idmap

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Descriptor bits. Output addresses are bits [47:12] of a table descriptor
// and [47:21] of a level 2 block.
const (
	valid     = 1 << 0
	table     = 1 << 1  // with valid, above the last level: the next table
	attrIndex = 0 << 2  // MAIR_EL1's Attr0
	readWrite = 0 << 6  // AP[2:1]: EL1 alone, read and write
	inner     = 3 << 8  // SH: inner shareable
	accessed  = 1 << 10 // AF: no fault at the first use
	userNever = 1 << 54 // UXN
	addrMask  = 0x0000_ffff_ffff_f000

	block = valid | attrIndex | readWrite | inner | accessed | userNever
)

const (
	// FrameSize is the size of one table in bytes.
	FrameSize = 4096
	pageSize  = 2 << 20
	gib       = 1 << 30
	// Limit is the first address past what TCR maps.
	Limit = 1 << 48
)

// Values of the registers that go with the tables.
const (
	// MAIR is MAIR_EL1: Attr0 is Normal, inner and outer write-back
	// non-transient, read and write allocate.
	MAIR = 0xff

	// TCR is TCR_EL1 without IPS, the size of physical addresses, which is
	// the processor's: T0SZ 16 (48 bits, tables start at level 0), tables
	// write-back and inner shareable, 4 KiB granule, no walks of TTBR1.
	TCR = 16 | 1<<8 | 1<<10 | 3<<12 | 0<<14 | 1<<23

	// IPSShift is where TCR_EL1 takes IPS, which has the encoding of
	// ID_AA64MMFR0_EL1.PARange; MaxIPS is the largest that a 4 KiB granule
	// without FEAT_LPA2 knows, 48 bits.
	IPSShift = 32
	MaxIPS   = 5
)

// Range is the address range [Start, End).
type Range struct{ Start, End uint64 }

// ErrFull means that the memory for tables is used up.
var ErrFull = errors.New("idmap: out of page-table frames")

// Tables are translation tables in frames that lie one behind the other in
// memory.
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

// Root is what TTBR0_EL1 takes.
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

// Map maps every 2 MiB block that r touches.
func (t *Tables) Map(r Range) error {
	if r.End > Limit || r.Start > r.End {
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
		level2[addr>>21&511] = addr | block
	}
	return nil
}

// next is the table that entry points to, a new one if it is empty.
func (t *Tables) next(entry *uint64) (*[512]uint64, error) {
	if *entry == 0 {
		if t.used == len(t.frames) {
			return nil, ErrFull
		}
		*entry = t.base + uint64(t.used)*FrameSize | table | valid
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
