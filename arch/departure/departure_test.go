package departure

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// words are n of those at an offset.
func words(area []byte, at, n int) []uint64 {
	var list []uint64
	for i := range n {
		list = append(list, binary.NativeEndian.Uint64(area[at+8*i:]))
	}
	return list
}

func TestArea(t *testing.T) {
	moves := []Move{{1, 2, 3}, {Dst: 4, Size: 5}}
	ranges := []Range{{6, 7}}
	const besides = 8
	area := bytes.Repeat([]byte{0xee}, Size(besides, len(moves), len(ranges)))
	if len(area) != 2*pageSize {
		t.Errorf("size %d", len(area))
	}
	code := []byte{1, 2, 3, 4}
	if err := Begin(area, 0x1000, len(area), code, 8, 9); err != nil {
		t.Fatal(err)
	}
	n := PutMoves(area[Rest+besides:], moves)
	PutRanges(area[Rest+besides+n:], ranges)
	if !bytes.HasPrefix(area, code) {
		t.Error("no code at the beginning")
	}
	for _, tt := range []struct {
		what string
		at   int
		want []uint64
	}{
		{"registers", Frame, []uint64{8, 9, 0}},
		{"moves", Rest + besides, []uint64{1, 2, 3, 4, 0, 5, 0, 0, 0}},
		{"ranges", Rest + besides + n, []uint64{6, 7, 0, 0}},
	} {
		if diff := cmp.Diff(tt.want, words(area, tt.at, len(tt.want))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.what, diff)
		}
	}
}

// Lists of any length fit their area.
func TestSize(t *testing.T) {
	for n := range 600 {
		moves, ranges := make([]Move, n), make([]Range, n/2)
		area := make([]byte, Size(16, len(moves), len(ranges)))
		PutRanges(area[Rest+16+PutMoves(area[Rest+16:], moves):], ranges)
		if len(area)%pageSize != 0 {
			t.Fatalf("%d moves: size %d", n, len(area))
		}
	}
}

func TestBegin(t *testing.T) {
	size := Size(0, 0, 0)
	for _, tt := range []struct {
		name string
		base uint64
		size int
		code int
		area bool // that is what is wrong
	}{
		{"unaligned", 0x40000008, size, 0, true},
		{"too small", 0x40000000, size - 4096, 0, true},
		{"code that overwrites the registers", 0x40000000, size, Frame + 4, false},
	} {
		err := Begin(make([]byte, tt.size), tt.base, size, make([]byte, tt.code))
		if err == nil || errors.Is(err, ErrArea) != tt.area {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}

func TestRegister(t *testing.T) {
	for name, want := range map[string]int{"x0": 0, "x7": 7, "x30": 30} {
		if got, ok := Register(name, "x", 31); got != want || !ok {
			t.Errorf("%s: %d, %v", name, got, ok)
		}
	}
	for _, name := range []string{"x31", "x", "x01", "x+1", "0", "w0", "x999", ""} {
		if _, ok := Register(name, "x", 31); ok {
			t.Errorf("register %q accepted", name)
		}
	}
}
