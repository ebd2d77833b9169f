package amd64

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/arch/x86/x86asm"

	"pvboot/arch/departure"
	"pvboot/arch/idmap"
)

// The last code must fit its places, decode to the end, and not name any
// address: it runs from a copy.
func TestLastCode(t *testing.T) {
	tests := []struct {
		name string
		code []byte
		mode int
		room int
		last x86asm.Op
	}{
		{"trampoline", trampolineCode(), 64, trampolineSize, x86asm.LRET},
		{"flat32", flat32Code(), 32, flat32Size, x86asm.RET},
		{"departPV", departPVCode(), 64, atPVSecond, x86asm.UD2},
		{"departPV2", departPV2Code(), 64, atPVOps - atPVSecond, x86asm.UD2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if len(tt.code) == 0 || len(tt.code) > tt.room {
				t.Fatalf("%d bytes of code in a room of %d", len(tt.code), tt.room)
			}
			var last x86asm.Op
			code := tt.code
			for len(code) > 0 && code[len(code)-1] == 0xcc { // the linker's padding
				code = code[:len(code)-1]
			}
			for at := 0; at < len(code); {
				inst, err := x86asm.Decode(code[at:], tt.mode)
				if err != nil {
					t.Fatalf("at %#x: % x: %v", at, code[at:min(at+15, len(code))], err)
				}
				for _, arg := range inst.Args {
					if mem, ok := arg.(x86asm.Mem); ok && (mem.Base == x86asm.RIP || mem.Base == 0 && mem.Index == 0) {
						t.Errorf("at %#x: %v names an address", at, inst)
					}
				}
				if inst.Op == x86asm.CALL {
					t.Errorf("at %#x: %v calls away", at, inst)
				}
				last, at = inst.Op, at+inst.Len
			}
			if last != tt.last {
				t.Errorf("ends in %v, want %v", last, tt.last)
			}
		})
	}
}

func TestPrepare(t *testing.T) {
	target := &Target{PC: 0x1000200, Map: []idmap.Range{{Start: 5 << 30, End: 6 << 30}}}
	if err := target.Regs.Set("rsi", 0x9f000); err != nil {
		t.Fatal(err)
	}
	if err := target.Regs.Set("x0", 1); err == nil {
		t.Error("register x0 accepted")
	}
	moves := []departure.Move{{Dst: 1, Src: 2, Size: 3}, {Dst: 4, Size: 5}}
	const base = 0x100000
	area := bytes.Repeat([]byte{0xee}, DepartureSize(len(moves), target))
	d, err := prepare(area, base, moves, target)
	if err != nil {
		t.Fatal(err)
	}
	word := func(addr uintptr) uint64 { return binary.LittleEndian.Uint64(area[addr-base:]) }
	if got := word(d.frame + 6*8); got != 0x9f000 {
		t.Errorf("rsi %#x", got)
	}
	if got := word(d.frame + 16*8); got != target.PC {
		t.Errorf("pc %#x", got)
	}
	for i, want := range []uint64{1, 2, 3, 4, 0, 5, 0, 0, 0} {
		if got := word(d.moves + uintptr(i)*8); got != want {
			t.Errorf("move word %d is %d, want %d", i, got, want)
		}
	}
	if got := word(base + atGDT + 16); got != code64 || d.flat != 0 {
		t.Errorf("code descriptor %#x, flat %#x", got, d.flat)
	}
	target.Flat32 = true
	if d, err = prepare(area, base, moves, target); err != nil {
		t.Fatal(err)
	}
	if got := word(base + atGDT + 16); got != code32 || d.flat != base+atFlat32 {
		t.Errorf("code descriptor %#x, flat %#x", got, d.flat)
	}
	if got, limit := word(base+atGDT+0x20), binary.LittleEndian.Uint16(area[atGDTR:]); got != tss32 || limit < 0x27 {
		t.Errorf("TSS descriptor %#x, table limit %#x", got, limit)
	}
}

func TestPrepareRefused(t *testing.T) {
	target := &Target{}
	size := DepartureSize(0, target)
	for _, tt := range []struct {
		name string
		base uint64
		size int
	}{
		{"unaligned", 0x1001, size},
		{"above 4 GiB", 1 << 32, size},
		{"across 4 GiB", 1<<32 - 4096, size},
		{"too small", 0x1000, size - 4096},
	} {
		if _, err := prepare(make([]byte, tt.size), tt.base, nil, target); !errors.Is(err, ErrArea) {
			t.Errorf("%s: error %v, want %v", tt.name, err, ErrArea)
		}
	}
}
