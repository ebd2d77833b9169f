//go:build ppc64 || ppc64le

package ppc64

import (
	"encoding/binary"
	"testing"

	"golang.org/x/arch/ppc64/ppc64asm"

	"pvboot/arch/departure"
)

// The last code must fit its place, end in RFID and not name any address: it
// runs from a copy.
func TestLastCode(t *testing.T) {
	code := trampolineCode()
	if len(code) == 0 || len(code) > departure.Frame {
		t.Fatalf("%d bytes of code in a room of %d", len(code), departure.Frame)
	}
	last := ppc64asm.Inst{}
	for at := 0; at < len(code); at += 4 {
		if binary.NativeEndian.Uint32(code[at:]) == 0 {
			continue // what aligns the function behind
		}
		if last.Op == ppc64asm.RFID {
			t.Errorf("at %#x: code behind RFID", at)
		}
		inst, err := ppc64asm.Decode(code[at:], nativeOrder())
		if err != nil {
			t.Fatalf("at %#x: % x: %v", at, code[at:at+4], err)
		}
		last = inst
		switch inst.Op {
		case ppc64asm.BL, ppc64asm.BLA, ppc64asm.BA, ppc64asm.BCL, ppc64asm.BCLA, ppc64asm.BCA, ppc64asm.BCLR, ppc64asm.BCLRL, ppc64asm.BCCTR, ppc64asm.BCCTRL:
			t.Errorf("at %#x: %v leaves the copy", at, inst)
		}
		for _, arg := range inst.Args {
			rel, ok := arg.(ppc64asm.PCRel)
			if !ok {
				continue
			}
			if to := at + int(rel); to < 0 || to >= len(code) || to == at {
				t.Errorf("at %#x: %v leads out of the copy", at, inst)
			}
		}
	}
	if last.Op != ppc64asm.RFID {
		t.Errorf("ends in %v, want RFID", last)
	}
}
