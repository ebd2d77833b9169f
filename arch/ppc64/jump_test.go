package ppc64

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/arch/departure"
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
	target := &Target{PC: 0x2000000, Code: []departure.Range{{Start: 0x2000004, End: 0x3000001}, {Start: 7, End: 7}, {Start: 0x1ffffff, End: 0x2000000}, {Start: 0x8000, End: 0x8001}}}
	for name, value := range map[string]uint64{"r3": 0x7e00000, "r4": 0x2000000} {
		if err := target.SetReg(name, value); err != nil {
			t.Fatal(err)
		}
	}
	moves := []departure.Move{{Dst: 1, Src: 2, Size: 3}, {Dst: 4, Size: 5}}
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
	_, err := prepare(make([]byte, size-1), 0x8000000, nil, nil, target)
	if want := fmt.Sprintf("ppc64: %v: %d bytes at %#x", departure.ErrArea, size-1, 0x8000000); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if _, err := prepare(make([]byte, size), 0x8000000, nil, nil, &Target{PC: 2}); err == nil {
		t.Error("an odd entry accepted")
	}
}

func TestLines(t *testing.T) {
	for _, tt := range []struct{ list, want []departure.Range }{
		{nil, nil},
		{[]departure.Range{{Start: 8, End: 8}, {Start: 9, End: 5}}, nil},
		{[]departure.Range{{Start: 1, End: 2}}, []departure.Range{{Start: 0, End: 128}}},
		{[]departure.Range{{Start: 300, End: 301}, {Start: 0, End: 128}, {Start: 100, End: 129}}, []departure.Range{{Start: 0, End: 384}}},
		{[]departure.Range{{Start: 0, End: 1}, {Start: 256, End: 257}}, []departure.Range{{Start: 0, End: 128}, {Start: 256, End: 384}}},
	} {
		if diff := cmp.Diff(tt.want, lines(tt.list)); diff != "" {
			t.Errorf("lines(%v): %s", tt.list, diff)
		}
	}
}
