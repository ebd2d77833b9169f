package riscv64

import (
	"testing"

	"golang.org/x/arch/riscv64/riscv64asm"

	"pvboot/arch/departure"
)

// The last code must fit its place, end in SRET and not name any address: it
// runs from a copy. What the decoder does not know is named here.
func TestLastCode(t *testing.T) {
	const (
		sret   = 0x10200073
		sfence = 0x12000073
	)
	code := trampolineCode()
	if len(code) == 0 || len(code) > departure.Frame {
		t.Fatalf("%d bytes of code in a room of %d", len(code), departure.Frame)
	}
	ends := false
	for at := 0; at < len(code); {
		if len(code)-at >= 4 {
			word := uint32(code[at]) | uint32(code[at+1])<<8 | uint32(code[at+2])<<16 | uint32(code[at+3])<<24
			if word == sret || word == sfence {
				ends = word == sret
				at += 4
				continue
			}
		}
		if ends { // what aligns the function behind
			if code[at] != 0 {
				t.Errorf("at %#x: code behind SRET", at)
			}
			at++
			continue
		}
		inst, err := riscv64asm.Decode(code[at:])
		if err != nil {
			t.Fatalf("at %#x: % x: %v", at, code[at:min(at+4, len(code))], err)
		}
		target, isJump := 0, false
		switch inst.Op {
		case riscv64asm.AUIPC, riscv64asm.JALR, riscv64asm.C_JALR, riscv64asm.C_JR:
			t.Errorf("at %#x: %v leaves the copy", at, inst)
		case riscv64asm.JAL, riscv64asm.C_J:
			isJump = true
			if inst.Args[0] == riscv64asm.X1 {
				t.Errorf("at %#x: %v is a call", at, inst)
			}
		case riscv64asm.BEQ, riscv64asm.BNE, riscv64asm.BLT, riscv64asm.BGE, riscv64asm.BLTU, riscv64asm.BGEU,
			riscv64asm.C_BEQZ, riscv64asm.C_BNEZ:
			isJump = true
		}
		for _, arg := range inst.Args {
			if offset, ok := arg.(riscv64asm.Simm); ok && isJump {
				target = at + int(offset.Imm)
			}
		}
		if isJump && (target < 0 || target >= len(code) || target == at) {
			t.Errorf("at %#x: %v leads out of the copy", at, inst)
		}
		at += inst.Len
	}
	if !ends {
		t.Error("does not end in SRET")
	}
}
