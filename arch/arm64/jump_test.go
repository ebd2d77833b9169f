package arm64

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"pvboot/arch/departure"
	"pvboot/arch/idmap"
)

func TestSetReg(t *testing.T) {
	target := &Target{}
	for _, name := range []string{"x0", "x30"} {
		if err := target.SetReg(name, 7); err != nil {
			t.Error(err)
		}
	}
	if target.Regs[0] != 7 || target.Regs[30] != 7 {
		t.Errorf("registers %v", target.Regs)
	}
	for _, name := range []string{"x31", "x", "x01", "x+1", "0", "w0", "rsi", ""} {
		if err := target.SetReg(name, 1); err == nil {
			t.Errorf("register %q accepted", name)
		}
	}
}

func TestPrepare(t *testing.T) {
	target := &Target{
		PC:    0x40200000,
		Clean: []idmap.Range{{Start: 0x40000000, End: 0x42000000}, {Start: 7, End: 7}, {Start: 0x47e00000, End: 0x47e01234}, {Start: 5 << 30, End: 6 << 30}},
	}
	if err := target.SetReg("x0", 0x47e00000); err != nil {
		t.Fatal(err)
	}
	moves := []departure.Move{{Dst: 1, Src: 2, Size: 3}, {Dst: 4, Size: 5}}
	code := []byte{1, 2, 3, 4}
	const base = 0x48000000
	area := bytes.Repeat([]byte{0xee}, DepartureSize(len(moves), target))
	d, err := prepare(area, base, code, moves, target)
	if err != nil {
		t.Fatal(err)
	}
	word := func(addr uintptr) uint64 { return binary.NativeEndian.Uint64(area[addr-base:]) }
	words := func(what string, addr uintptr, want ...uint64) {
		t.Helper()
		for i, w := range want {
			if got := word(addr + uintptr(i)*8); got != w {
				t.Errorf("%s: word %d is %#x, want %#x", what, i, got, w)
			}
		}
	}
	if !bytes.HasPrefix(area[d.code-base:], code) {
		t.Error("the code is not where it is entered")
	}
	words("frame", d.frame, 0x47e00000, 0, 0, 0)
	words("return state", d.frame+31*8, target.PC, 0x3c5)
	words("moves", d.moves, 1, 2, 3, 4, 0, 5, 0, 0, 0)
	words("ranges to clean", d.cleans, 0x40000000, 0x42000000, 0x47e00000, 0x47e01234, 5<<30, 6<<30, 0, 0)
	if d.base != base || d.end != base+uintptr(len(area)) || d.root != base+departure.Rest {
		t.Errorf("departure %+v", d)
	}
	// The area itself, what is moved and what is cleaned must be mapped.
	for _, addr := range []uint64{base, 5 << 30, 6<<30 - 1, 0x40000000, 0x47e01233} {
		at := d.root
		for shift := 39; shift >= 21; shift -= 9 {
			at = uintptr(word(at+uintptr(addr>>shift&511)*8) & 0xfffffffff000)
		}
		if uint64(at) != addr&^(2<<20-1) {
			t.Errorf("%#x is mapped to %#x", addr, at)
		}
	}
}

func TestPrepareRefused(t *testing.T) {
	target := &Target{}
	size := DepartureSize(0, target)
	_, err := prepare(make([]byte, size-1), 0x40000000, nil, nil, target)
	if want := fmt.Sprintf("arm64: %v: %d bytes at %#x", departure.ErrArea, size-1, 0x40000000); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	// Wherever the area lies, its tables suffice.
	for _, base := range []uint64{0, 1<<39 - 4096, 1<<30 - 4096, 1<<40 - 8192} {
		if _, err := prepare(make([]byte, size), base, nil, nil, target); err != nil {
			t.Errorf("area at %#x: %v", base, err)
		}
	}
	target.Clean = []idmap.Range{{Start: 1 << 48, End: 1<<48 + 1}}
	if _, err := prepare(make([]byte, DepartureSize(0, target)), 0x40000000, nil, nil, target); err == nil {
		t.Error("a range past 48 bits accepted")
	}
}
