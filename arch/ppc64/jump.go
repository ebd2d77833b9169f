package ppc64

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Move is one of the last copies before the target starts: Size bytes from
// Src to Dst, or zeros to Dst when Src is 0. Physical addresses.
type Move struct{ Dst, Src, Size uint64 }

// Range is the physical addresses [Start, End).
type Range struct{ Start, End uint64 }

// Target is the state in which the processor enters what comes next: in real mode
// and 64-bit mode, in the program's byte order, external interrupts off, in
// hypervisor mode if the program is, with the partition's translation as it was
// found.
type Target struct {
	PC   uint64
	Regs [32]uint64 // r0 to r31
	// Code is memory that may hold instructions of the target: no stale ones are
	// left.
	Code []Range
}

// SetReg sets a general register by its name, "r0" to "r31".
func (t *Target) SetReg(name string, value uint64) error {
	digits, ok := strings.CutPrefix(name, "r")
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil || n >= uint64(len(t.Regs)) || strconv.FormatUint(n, 10) != digits {
		return fmt.Errorf("ppc64: no register %q", name)
	}
	t.Regs[n] = value
	return nil
}

// A departure area holds all that the last code needs: code and registers, then
// the moves, then the ranges of code. It needs no page tables: in real mode
// addresses are physical, and caches stay coherent.
const (
	atTrampoline = 0
	atFrame      = 2048 // 32 registers, then where to go on
	atMoves      = 4096

	trampolineSize = atFrame - atTrampoline
	moveSize       = 24
	rangeSize      = 16
)

// DepartureSize is how many bytes of memory [Depart] needs, a multiple of
// 4096.
func DepartureSize(moves int, t *Target) int {
	n := atMoves + (moves+1)*moveSize + (len(t.Code)+1)*rangeSize
	return (n + 4095) &^ 4095
}

// ErrArea means that a departure area cannot be used.
var ErrArea = errors.New("ppc64: departure area must be page aligned and large enough")

// departure is the arguments of leave.
type departure struct {
	code, moves, ranges, frame uintptr
}

// prepare fills area, which lies at physical address base, and returns what
// leave takes. code is the last code.
func prepare(area []byte, base uint64, code []byte, moves []Move, t *Target) (*departure, error) {
	if base%4096 != 0 || len(area) < DepartureSize(len(moves), t) {
		return nil, fmt.Errorf("%w: %d bytes at %#x", ErrArea, len(area), base)
	}
	if len(code) > trampolineSize {
		return nil, fmt.Errorf("ppc64: the last code has %d bytes, its room %d", len(code), trampolineSize)
	}
	if t.PC%4 != 0 {
		return nil, fmt.Errorf("ppc64: entry %#x is no address of an instruction", t.PC)
	}
	clear(area)
	copy(area[atTrampoline:], code)
	order := binary.NativeEndian
	for i, v := range append(t.Regs[:len(t.Regs):len(t.Regs)], t.PC) {
		order.PutUint64(area[atFrame+8*i:], v)
	}
	for i, m := range moves {
		at := area[atMoves+moveSize*i:]
		order.PutUint64(at, m.Dst)
		order.PutUint64(at[8:], m.Src)
		order.PutUint64(at[16:], m.Size)
	}
	atRanges := atMoves + (len(moves)+1)*moveSize
	for i, r := range lines(t.Code) {
		order.PutUint64(area[atRanges+rangeSize*i:], r.Start)
		order.PutUint64(area[atRanges+rangeSize*i+8:], r.End)
	}
	return &departure{
		code:   uintptr(base + atTrampoline),
		moves:  uintptr(base + atMoves),
		ranges: uintptr(base) + uintptr(atRanges),
		frame:  uintptr(base + atFrame),
	}, nil
}

// lineSize is the size of a cache line of every processor that this is for
// (POWER9 Processor User's Manual).
const lineSize = 128

// lines returns the ranges in whole cache lines and in order, each line once; none
// is empty.
func lines(list []Range) []Range {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b Range) int { return cmp.Compare(a.Start, b.Start) })
	var merged []Range
	for _, r := range sorted {
		if r.End <= r.Start {
			continue
		}
		r = Range{r.Start &^ (lineSize - 1), (r.End + lineSize - 1) &^ (lineSize - 1)}
		if last := len(merged) - 1; last >= 0 && r.Start <= merged[last].End {
			merged[last].End = max(merged[last].End, r.End)
			continue
		}
		merged = append(merged, r)
	}
	return merged
}
