package ppc64

import (
	"cmp"
	"fmt"
	"slices"

	"pvboot/arch/departure"
)

// Target is the state in which the processor enters what comes next: in real mode
// and 64-bit mode, in the program's byte order, external interrupts off, in
// hypervisor mode if the program is, with the partition's translation as it was
// found.
type Target struct {
	PC   uint64
	Regs [32]uint64 // r0 to r31
	// Code is memory that may hold instructions of the target: no stale ones are
	// left.
	Code []departure.Range
}

// SetReg sets a general register by its name, "r0" to "r31".
func (t *Target) SetReg(name string, value uint64) error {
	n, ok := departure.Register(name, "r", len(t.Regs))
	if !ok {
		return fmt.Errorf("ppc64: no register %q", name)
	}
	t.Regs[n] = value
	return nil
}

// DepartureSize is how many bytes of memory [Depart] needs, a multiple of
// 4096. There are no page tables among them: in real mode addresses are physical,
// and caches stay coherent.
func DepartureSize(moves int, t *Target) int { return departure.Size(0, moves, len(t.Code)) }

// arguments are leave's.
type arguments struct {
	code, moves, ranges, frame uintptr
}

// prepare fills area, which lies at physical address base, and returns what
// leave takes. code is the last code; the frame is 32 registers and where to go on.
func prepare(area []byte, base uint64, code []byte, moves []departure.Move, t *Target) (*arguments, error) {
	if t.PC%4 != 0 {
		return nil, fmt.Errorf("ppc64: entry %#x is no address of an instruction", t.PC)
	}
	frame := append(t.Regs[:len(t.Regs):len(t.Regs)], t.PC)
	if err := departure.Begin(area, base, DepartureSize(len(moves), t), code, frame...); err != nil {
		return nil, fmt.Errorf("ppc64: %w", err)
	}
	atRanges := departure.Rest + departure.PutMoves(area[departure.Rest:], moves)
	departure.PutRanges(area[atRanges:], lines(t.Code))
	return &arguments{
		code:   uintptr(base),
		moves:  uintptr(base + departure.Rest),
		ranges: uintptr(base) + uintptr(atRanges),
		frame:  uintptr(base + departure.Frame),
	}, nil
}

// lineSize is the size of a cache line of every processor that this is for
// (POWER9 Processor User's Manual).
const lineSize = 128

// lines returns the ranges in whole cache lines and in order, each line once; none
// is empty.
func lines(list []departure.Range) []departure.Range {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b departure.Range) int { return cmp.Compare(a.Start, b.Start) })
	var merged []departure.Range
	for _, r := range sorted {
		if r.End <= r.Start {
			continue
		}
		r = departure.Range{Start: r.Start &^ (lineSize - 1), End: (r.End + lineSize - 1) &^ (lineSize - 1)}
		if last := len(merged) - 1; last >= 0 && r.Start <= merged[last].End {
			merged[last].End = max(merged[last].End, r.End)
			continue
		}
		merged = append(merged, r)
	}
	return merged
}
