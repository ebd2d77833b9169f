package riscv64

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"pvboot/arch/departure"
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
	moves := []departure.Move{{Dst: 1, Src: 2, Size: 3}, {Dst: 4, Size: 5}}
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
			if got := binary.NativeEndian.Uint64(area[addr-base+uintptr(i)*8:]); got != w {
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
	_, err := prepare(make([]byte, size-1), 0x80000000, nil, nil, target)
	if want := fmt.Sprintf("riscv64: %v: %d bytes at %#x", departure.ErrArea, size-1, 0x80000000); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if _, err := prepare(make([]byte, size), 0x80000000, nil, nil, &Target{PC: 1}); err == nil {
		t.Error("an odd entry accepted")
	}
}
