package ppc64

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSetReg(t *testing.T) {
	target := &Target{}
	for _, name := range []string{"r0", "r3", "r31"} {
		if err := target.SetReg(name, 7); err != nil {
			t.Error(err)
		}
	}
	if target.Regs[0] != 7 || target.Regs[3] != 7 || target.Regs[31] != 7 {
		t.Errorf("registers %v", target.Regs)
	}
	for _, name := range []string{"r32", "r", "r01", "r+1", "3", "x3", "rsi", ""} {
		if err := target.SetReg(name, 1); err == nil {
			t.Errorf("register %q accepted", name)
		}
	}
}

func TestPrepare(t *testing.T) {
	target := &Target{PC: 0x2000000, Code: []Range{{0x2000004, 0x3000001}, {7, 7}, {0x1ffffff, 0x2000000}, {0x8000, 0x8001}}}
	for name, value := range map[string]uint64{"r3": 0x7e00000, "r4": 0x2000000} {
		if err := target.SetReg(name, value); err != nil {
			t.Fatal(err)
		}
	}
	moves := []Move{{Dst: 1, Src: 2, Size: 3}, {Dst: 4, Size: 5}}
	code := []byte{1, 2, 3, 4}
	const base = 0x8000000
	area := bytes.Repeat([]byte{0xee}, DepartureSize(len(moves), target))
	d, err := prepare(area, base, code, moves, target)
	if err != nil {
		t.Fatal(err)
	}
	words := func(what string, addr uintptr, want ...uint64) {
		t.Helper()
		for i, w := range want {
			if got := binary.NativeEndian.Uint64(area[addr-base+uintptr(i)*8:]); got != w {
				t.Errorf("%s: word %d is %#x, want %#x", what, i, got, w)
			}
		}
	}
	if !bytes.HasPrefix(area[d.code-base:], code) {
		t.Error("the code is not where it is entered")
	}
	words("frame", d.frame, 0, 0, 0, 0x7e00000, 0x2000000, 0)
	words("entry", d.frame+32*8, target.PC)
	words("moves", d.moves, 1, 2, 3, 4, 0, 5, 0, 0, 0)
	words("code", d.ranges, 0x8000, 0x8080, 0x1ffff80, 0x3000080, 0, 0)
}

func TestPrepareRefused(t *testing.T) {
	target := &Target{}
	size := DepartureSize(0, target)
	for _, tt := range []struct {
		name string
		base uint64
		size int
	}{
		{"unaligned", 0x8000008, size},
		{"too small", 0x8000000, size - 4096},
	} {
		if _, err := prepare(make([]byte, tt.size), tt.base, nil, nil, target); !errors.Is(err, ErrArea) {
			t.Errorf("%s: error %v, want %v", tt.name, err, ErrArea)
		}
	}
	if _, err := prepare(make([]byte, size), 0x8000000, make([]byte, trampolineSize+4), nil, target); err == nil {
		t.Error("code that overwrites the registers accepted")
	}
	if _, err := prepare(make([]byte, size), 0x8000000, nil, nil, &Target{PC: 2}); err == nil {
		t.Error("an odd entry accepted")
	}
}

func TestLines(t *testing.T) {
	for _, tt := range []struct{ list, want []Range }{
		{nil, nil},
		{[]Range{{8, 8}, {9, 5}}, nil},
		{[]Range{{1, 2}}, []Range{{0, 128}}},
		{[]Range{{300, 301}, {0, 128}, {100, 129}}, []Range{{0, 384}}},
		{[]Range{{0, 1}, {256, 257}}, []Range{{0, 128}, {256, 384}}},
	} {
		if diff := cmp.Diff(tt.want, lines(tt.list)); diff != "" {
			t.Errorf("lines(%v): %s", tt.list, diff)
		}
	}
}
