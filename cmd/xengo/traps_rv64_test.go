package main

import (
	"encoding/binary"
	"fmt"
	"sort"
	"testing"

	"golang.org/x/arch/riscv64/riscv64asm"
)

// allowedRISCV64 lists the symbols of an image that may hold instructions which
// leave the program, and which: hypercalls and the firmware's calls in one place
// each, the return from an exception, and breakpoints where the runtime gives up
// or a debugger is called for. No system call is among them.
var allowedRISCV64 = map[string][]string{
	"pvboot/hypercall.Trap.abi0":       {"ECALL"},
	"pvboot/arch/riscv64.SBICall.abi0": {"ECALL"},
	"pvboot/arch/riscv64.handle":       {"SRET"},
	"runtime.breakpoint.abi0":          {"EBREAK"},
	"runtime.abort.abi0":               {"EBREAK"},
	"runtime.morestack.abi0":           {"EBREAK"},
	"runtime.switchToCrashStack0":      {"EBREAK"},
	"runtime.systemstack_switch.abi0":  {"EBREAK"},
}

// trapsRISCV64 finds such instructions in a function. Instructions of 16 and 32
// bits alternate (volume I of the RISC-V manual, "Instruction Length Encoding");
// riscv64asm knows none of the privileged ones, and is asked to read all others,
// so that no trap hides behind a place from where the reading is out of step.
func trapsRISCV64(code []byte) ([]string, error) {
	seen := map[string]bool{}
	for at := 0; at < len(code); {
		name, size := trapRISCV64(code[at:])
		if name != "" {
			seen[name] = true
		}
		if size == 0 {
			inst, err := riscv64asm.Decode(code[at:])
			if err != nil {
				return nil, fmt.Errorf("at %#x of %d: % x: %w", at, len(code), code[at:min(at+4, len(code))], err)
			}
			size = inst.Len
		}
		at += size
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	sort.Strings(names)
	return names, nil
}

// trapRISCV64 returns the name of an instruction that leaves the program, and
// how many bytes it has; 0 for one that riscv64asm is to read (volume II,
// "RISC-V Privileged Instruction Set Listings"; volume I, "C.EBREAK").
func trapRISCV64(code []byte) (name string, size int) {
	if len(code) < 2 {
		return "", len(code)
	}
	switch half := binary.LittleEndian.Uint16(code); {
	case half == 0x9002:
		return "EBREAK", 2
	case half == 0: // defined to be illegal: what the runtime crashes by, and padding
		return "", 2
	}
	if len(code) < 4 {
		return "", 0
	}
	word := binary.LittleEndian.Uint32(code)
	if word&0x707f != 0x73 { // SYSTEM, PRIV
		return "", 0
	}
	switch word {
	case 0x00000073:
		return "ECALL", 4
	case 0x00100073:
		return "EBREAK", 4
	case 0x10200073:
		return "SRET", 4
	case 0x10500073, 0x12000073: // WFI, SFENCE.VMA
		return "", 4
	}
	return "privileged", 4 // MRET, other fences, what is not allocated
}

// TestTrapRISCV64 also shows that neighbours of traps are none.
func TestTrapRISCV64(t *testing.T) {
	for _, test := range []struct {
		code []byte
		want string
	}{
		{words(0x00000073), "[ECALL]"},
		{words(0x00100073), "[EBREAK]"},
		{words(0x10200073), "[SRET]"},
		{words(0x30200073), "[privileged]"},            // MRET
		{words(0x62000073), "[privileged]"},            // HFENCE.GVMA
		{words(0x10500073, 0x12000073, 0x100f), "[]"},  // WFI, SFENCE.VMA, FENCE.I
		{words(0xc01022f3, 0x18029073), "[]"},          // RDTIME, CSRRW
		{[]byte{0x02, 0x90}, "[EBREAK]"},               // C.EBREAK
		{[]byte{0x01, 0x00, 0x73, 0, 0, 0}, "[ECALL]"}, // C.NOP, ECALL
		{[]byte{0x13, 0x00, 0x73, 0x00}, "[]"},         // ADDI X0, X6, 7
		{append([]byte{0x01, 0x00}, words(0x00730013)...), "[]"},
	} {
		got, err := trapsRISCV64(test.code)
		if err != nil || fmt.Sprint(got) != test.want {
			t.Errorf("% x is %v, %v, want %s", test.code, got, err, test.want)
		}
	}
	if got, err := trapsRISCV64(words(0xffffffff)); err == nil {
		t.Errorf("what is no instruction is %v", got)
	}
}
