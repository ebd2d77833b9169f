package arm64

import (
	"testing"

	"golang.org/x/arch/arm64/arm64asm"

	"pvboot/arch/departure"
)

// The last code must fit its place, end in ERET and not name any address: it
// runs from a copy. What the decoder does not know is named here.
func TestLastCode(t *testing.T) {
	const (
		nop   = 0
		eret  = 0xd69f03e0
		icall = 0xd508751f
	)
	code := trampolineCode()
	if len(code) == 0 || len(code) > departure.Frame {
		t.Fatalf("%d bytes of code in a room of %d", len(code), departure.Frame)
	}
	last := uint32(0)
	for at := 0; at < len(code); at += 4 {
		word := uint32(code[at]) | uint32(code[at+1])<<8 | uint32(code[at+2])<<16 | uint32(code[at+3])<<24
		if word == nop || word == icall {
			continue
		}
		last = word
		inst, err := arm64asm.Decode(code[at:])
		if err != nil {
			t.Errorf("at %#x: %08x: %v", at, word, err)
			continue
		}
		switch inst.Op {
		case arm64asm.ADR, arm64asm.ADRP, arm64asm.BL, arm64asm.BLR, arm64asm.RET, arm64asm.BR:
			t.Errorf("at %#x: %v leaves the copy", at, inst)
		}
		for _, arg := range inst.Args {
			rel, ok := arg.(arm64asm.PCRel)
			if !ok {
				continue
			}
			if to := at + int(rel); to < 0 || to >= len(code) || inst.Op == arm64asm.LDR {
				t.Errorf("at %#x: %v leads out of the copy", at, inst)
			}
		}
	}
	if last != eret {
		t.Errorf("ends in %08x, want ERET", last)
	}
}
