package riscv64

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

func TestSetReg(t *testing.T) {
	target := &Target{}
	for _, name := range []string{"x1", "a0", "x31"} {
		if err := target.SetReg(name, 7); err != nil {
			t.Error(err)
		}
	}
	if target.Regs[1] != 7 || target.Regs[10] != 7 || target.Regs[31] != 7 {
		t.Errorf("registers %v", target.Regs)
	}
	for _, name := range []string{"x0", "zero", "x32", "x", "x01", "x+1", "0", "a8", "rsi", ""} {
		if err := target.SetReg(name, 1); err == nil {
			t.Errorf("register %q accepted", name)
		}
	}
}

func TestPrepare(t *testing.T) {
	target := &Target{PC: 0x80200000}
	for name, value := range map[string]uint64{"a0": 3, "a1": 0x87e00000} {
		if err := target.SetReg(name, value); err != nil {
			t.Fatal(err)
		}
	}
	moves := []Move{{Dst: 1, Src: 2, Size: 3}, {Dst: 4, Size: 5}}
	code := []byte{1, 2, 3, 4}
	const base = 0x88000000
	area := bytes.Repeat([]byte{0xee}, DepartureSize(len(moves)))
	d, err := prepare(area, base, code, moves, target)
	if err != nil {
		t.Fatal(err)
	}
	words := func(what string, addr uintptr, want ...uint64) {
		t.Helper()
		for i, w := range want {
			if got := binary.LittleEndian.Uint64(area[addr-base+uintptr(i)*8:]); got != w {
				t.Errorf("%s: word %d is %#x, want %#x", what, i, got, w)
			}
		}
	}
	if !bytes.HasPrefix(area[d.code-base:], code) {
		t.Error("the code is not where it is entered")
	}
	words("frame", d.frame, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0x87e00000, 0)
	words("entry", d.frame+32*8, target.PC)
	words("moves", d.moves, 1, 2, 3, 4, 0, 5, 0, 0, 0)
}

func TestPrepareRefused(t *testing.T) {
	target := &Target{}
	size := DepartureSize(0)
	for _, tt := range []struct {
		name string
		base uint64
		size int
	}{
		{"unaligned", 0x80000008, size},
		{"too small", 0x80000000, size - 4096},
	} {
		if _, err := prepare(make([]byte, tt.size), tt.base, nil, nil, target); !errors.Is(err, ErrArea) {
			t.Errorf("%s: error %v, want %v", tt.name, err, ErrArea)
		}
	}
	if _, err := prepare(make([]byte, size), 0x80000000, make([]byte, trampolineSize+4), nil, target); err == nil {
		t.Error("code that overwrites the registers accepted")
	}
	if _, err := prepare(make([]byte, size), 0x80000000, nil, nil, &Target{PC: 1}); err == nil {
		t.Error("an odd entry accepted")
	}
}
