package main

import (
	"bytes"
	"fmt"
	"sort"

	"golang.org/x/arch/x86/x86asm"
)

// allowedAMD64 lists the symbols of an image that may hold instructions which
// leave the program, and which: hypercalls in one place and one before that
// can be called, and breakpoints
// (INT3) where the runtime gives up or a debugger is called for.
// No system call is among them.
var allowedAMD64 = map[string][]string{
	"pvboot/hypercall.Trap.abi0":        {"SYSCALL", "VMCALL", "VMMCALL"},
	"pvboot/arch/amd64.entryPV":         {"SYSCALL"},
	"pvboot/arch/amd64.departPV.abi0":   {"SYSCALL"},
	"pvboot/arch/amd64.departPV2.abi0":  {"SYSCALL"},
	"debugCall128":                      {"INT3"},
	"debugCall256":                      {"INT3"},
	"debugCall32":                       {"INT3"},
	"debugCall512":                      {"INT3"},
	"debugCall64":                       {"INT3"},
	"debugCall1024":                     {"INT3"},
	"debugCall2048":                     {"INT3"},
	"debugCall4096":                     {"INT3"},
	"debugCall8192":                     {"INT3"},
	"debugCall16384":                    {"INT3"},
	"debugCall32768":                    {"INT3"},
	"debugCall65536":                    {"INT3"},
	"go:textfipsend":                    {"INT3"},
	"go:textfipsstart":                  {"INT3"},
	"runtime.abort.abi0":                {"INT3"},
	"runtime.breakpoint.abi0":           {"INT3"},
	"runtime.debugCallPanicked.abi0":    {"INT3"},
	"runtime.debugCallV2":               {"INT3"},
	"runtime.exitThread.abi0":           {"INT3"},
	"runtime.sigreturn__sigaction.abi0": {"INT3"},
	"runtime.systemstack.abi0":          {"INT3"},
}

// trapsAMD64 disassembles a function.
func trapsAMD64(code []byte) ([]string, error) {
	seen := map[string]bool{}
	for at := 0; at < len(code); {
		n, name, err := decode(code[at:])
		if err != nil {
			return nil, fmt.Errorf("offset %#x: % x: %w", at, code[at:min(len(code), at+12)], err)
		}
		switch name {
		case "SYSCALL", "SYSENTER", "INT", "INT3", "INTO", "ICEBP", "VMCALL", "VMMCALL":
			seen[name] = true
		}
		at += n
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	sort.Strings(names)
	return names, nil
}

// system are instructions that x86asm does not know or takes for others,
// whole: SDM vol. 2, APM vol. 3.
var system = []struct {
	code []byte
	name string
}{
	{[]byte{0x0f, 0x01, 0xc1}, "VMCALL"},
	{[]byte{0x0f, 0x01, 0xd9}, "VMMCALL"},
	{[]byte{0x0f, 0x01, 0xd1}, "XSETBV"},
	{[]byte{0x0f, 0x01, 0xd0}, "XGETBV"},
	{[]byte{0x0f, 0x01, 0xf9}, "RDTSCP"},
	{[]byte{0xf1}, "ICEBP"},
	{[]byte{0xcc}, "INT3"},
	{[]byte{0xcd, 0x03}, "INT3"}, // as Go's assembler writes INT $3
}

// decode returns length and name of the instruction at the start of code.
func decode(code []byte) (n int, name string, err error) {
	for _, s := range system {
		if bytes.HasPrefix(code, s.code) {
			return len(s.code), s.name, nil
		}
	}
	if n := vector(code); n > 0 {
		return n, "vector", nil
	}
	inst, err := x86asm.Decode(code, 64)
	if err != nil {
		if n := newer(code); n > 0 {
			return n, "newer", nil
		}
		return 0, "", err
	}
	return inst.Len, inst.Op.String(), nil
}

// vector returns the length of an instruction with a VEX or EVEX prefix, which
// x86asm does not decode (SDM vol. 2, 2.3 and 2.7); 0 for any other.
func vector(code []byte) int {
	var opcodeMap byte
	at := 0
	switch {
	case len(code) > 3 && code[0] == 0xc5:
		opcodeMap, at = 1, 2
	case len(code) > 4 && code[0] == 0xc4:
		opcodeMap, at = code[1]&0x1f, 3
	case len(code) > 5 && code[0] == 0x62:
		opcodeMap, at = code[1]&7, 4
	default:
		return 0
	}
	op := code[at]
	at++
	if opcodeMap == 1 && op == 0x77 { // VZEROUPPER has no ModRM
		return at
	}
	at = modRM(code, at)
	if opcodeMap == 3 || opcodeMap == 1 && (op >= 0x70 && op <= 0x73 || op == 0xc2 || op >= 0xc4 && op <= 0xc6) {
		at++ // an immediate byte
	}
	return at
}

// newer returns the length of newer instructions that x86asm does not know:
// RDSEED, those of group 15, and those in the maps 0F 38 (SHA) and 0F 3A.
func newer(code []byte) int {
	at := 0
	for at < len(code) && (code[at] == 0x66 || code[at] == 0xf2 || code[at] == 0xf3 || code[at]&0xf0 == 0x40) {
		at++
	}
	if len(code) < at+3 || code[at] != 0x0f {
		return 0
	}
	switch code[at+1] {
	case 0xc7, 0xae:
		return modRM(code, at+2)
	case 0x38:
		return modRM(code, at+3)
	case 0x3a:
		return modRM(code, at+3) + 1
	}
	return 0
}

// modRM returns where an instruction goes on after the ModRM byte at code[at],
// SIB and displacement (SDM vol. 2, table 2-2).
func modRM(code []byte, at int) int {
	if at >= len(code) {
		return at
	}
	mod, rm := code[at]>>6, code[at]&7
	at++
	if mod != 3 && rm == 4 && at < len(code) {
		if base := code[at] & 7; mod == 0 && base == 5 {
			at += 4
		}
		at++
	}
	switch {
	case mod == 1:
		at++
	case mod == 2 || mod == 0 && rm == 5:
		at += 4
	}
	return at
}
