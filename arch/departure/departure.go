// Package departure lays out the memory that a loader's last code works from while
// it gives all other memory to what comes next: a page with that code and the
// registers to enter with, then what an architecture needs besides, then a list of
// moves and a list of ranges. All words are in the processor's byte order.
package departure

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Move is one of the last copies before the target starts: Size bytes from
// Src to Dst, or zeros to Dst when Src is 0. Physical addresses.
type Move struct{ Dst, Src, Size uint64 }

// Range is the physical addresses [Start, End).
type Range struct{ Start, End uint64 }

const (
	pageSize = 4096
	// Frame is where the registers are, in bytes from the area's beginning; the
	// code is at 0.
	Frame = 2048
	// Rest is where the page of code and registers ends.
	Rest = pageSize

	moveSize  = 24
	rangeSize = 16
)

// ErrArea means that an area cannot be used.
var ErrArea = errors.New("departure area must be page aligned and large enough")

// Size is how many bytes an area needs, a multiple of 4096: besides is what lies
// between the first page and the lists.
func Size(besides, moves, ranges int) int {
	n := Rest + besides + (moves+1)*moveSize + (ranges+1)*rangeSize
	return (n + pageSize - 1) &^ (pageSize - 1)
}

// Begin clears an area at physical address base that has to be of size bytes or
// more, and writes its first page.
func Begin(area []byte, base uint64, size int, code []byte, frame ...uint64) error {
	if base%pageSize != 0 || len(area) < size {
		return fmt.Errorf("%w: %d bytes at %#x", ErrArea, len(area), base)
	}
	if len(code) > Frame {
		return fmt.Errorf("the last code has %d bytes, its room %d", len(code), Frame)
	}
	clear(area)
	copy(area, code)
	put(area[Frame:Rest], frame...)
	return nil
}

// PutMoves writes moves with an end behind them, a move of nothing, and returns how
// many bytes that takes.
func PutMoves(b []byte, moves []Move) int {
	for i, m := range append(moves[:len(moves):len(moves)], Move{}) {
		put(b[moveSize*i:], m.Dst, m.Src, m.Size)
	}
	return (len(moves) + 1) * moveSize
}

// PutRanges writes ranges with an end behind them, a range of nothing.
func PutRanges(b []byte, ranges []Range) {
	for i, r := range append(ranges[:len(ranges):len(ranges)], Range{}) {
		put(b[rangeSize*i:], r.Start, r.End)
	}
}

func put(b []byte, words ...uint64) {
	for i, word := range words {
		binary.NativeEndian.PutUint64(b[8*i:], word)
	}
}

// Register is the number of a register out of n, from a name such as "x7" for the
// prefix "x".
func Register(name, prefix string, n int) (number int, ok bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	v, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil || v >= uint64(n) || strconv.FormatUint(v, 10) != digits {
		return 0, false
	}
	return int(v), true
}
