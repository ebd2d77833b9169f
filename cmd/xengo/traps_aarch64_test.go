package main

import (
	"encoding/binary"
	"fmt"
	"sort"
	"testing"
)

// allowedARM64 lists the symbols of an image that may hold instructions which
// leave the program, and which: hypercalls and the firmware's calls in one
// place each, the return from an exception, and breakpoints where the runtime
// gives up or a debugger is called for. No system call is among them.
var allowedARM64 = map[string][]string{
	"pvboot/hypercall.Trap.abi0":         {"HVC"},
	"pvboot/arch/arm64.PSCI.abi0":        {"HVC", "SMC"},
	"pvboot/arch/arm64.Semihosting.abi0": {"HLT"},
	"pvboot/arch/arm64.handle":           {"ERET"},
	"debugCall128":                       {"BRK"},
	"debugCall256":                       {"BRK"},
	"debugCall32":                        {"BRK"},
	"debugCall512":                       {"BRK"},
	"debugCall64":                        {"BRK"},
	"debugCall1024":                      {"BRK"},
	"debugCall2048":                      {"BRK"},
	"debugCall4096":                      {"BRK"},
	"debugCall8192":                      {"BRK"},
	"debugCall16384":                     {"BRK"},
	"debugCall32768":                     {"BRK"},
	"debugCall65536":                     {"BRK"},
	"runtime.breakpoint.abi0":            {"BRK"},
	"runtime.debugCallPanicked.abi0":     {"BRK"},
	"runtime.debugCallV2":                {"BRK"},
}

// trapsARM64 finds such instructions in a function. Every instruction is one
// word, so no disassembler is needed to find where it starts; arm64asm knows
// neither HVC and SMC nor what is newer than v8.0.
func trapsARM64(code []byte) ([]string, error) {
	if len(code)%4 != 0 && len(code) != 1 { // symbols that mark a place have 1
		return nil, fmt.Errorf("%d bytes are no instructions", len(code))
	}
	seen := map[string]bool{}
	for ; len(code) >= 4; code = code[4:] {
		if name := trapARM64(binary.LittleEndian.Uint32(code)); name != "" {
			seen[name] = true
		}
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	sort.Strings(names)
	return names, nil
}

// trapARM64 returns the name of an instruction that leaves the program, and ""
// for any other (Arm ARM, DDI 0487, C4.1 "Branches, Exception Generating and
// System instructions": "Exception generation", "Unconditional branch
// (register)").
func trapARM64(word uint32) string {
	switch {
	case word>>24 == 0xd4:
		switch word & 0xffe0001f {
		case 0xd4000001:
			return "SVC"
		case 0xd4000002:
			return "HVC"
		case 0xd4000003:
			return "SMC"
		case 0xd4200000:
			return "BRK"
		case 0xd4400000:
			return "HLT"
		}
		return "exception" // DCPS and what is not allocated
	case word&0xffdff000 == 0xd69f0000:
		return "ERET" // also DRPS and, with authentication, ERETAA and ERETAB
	}
	return ""
}

// TestTrapARM64 also shows that neighbours of traps are none.
func TestTrapARM64(t *testing.T) {
	for word, want := range map[uint32]string{
		0xd4000001: "SVC",
		0xd4001541: "SVC", // #0xaa
		0xd401d422: "HVC", // #0xea1, Xen's
		0xd4000003: "SMC",
		0xd4200000: "BRK",
		0xd45e0000: "HLT",       // semihosting
		0xd4a00001: "exception", // DCPS1
		0xd4000000: "exception",
		0xd69f03e0: "ERET",
		0xd69f0bff: "ERET", // ERETAA
		0xd6bf03e0: "ERET", // DRPS
		0xd65f03c0: "",     // RET
		0xd61f0200: "",     // BR X16
		0xd63f0200: "",     // BLR X16
		0xd503201f: "",     // NOP
		0xd503207f: "",     // WFI
		0xf8e20023: "",     // LDADDAL
	} {
		if got := trapARM64(word); got != want {
			t.Errorf("%#08x is %q, want %q", word, got, want)
		}
	}
}
