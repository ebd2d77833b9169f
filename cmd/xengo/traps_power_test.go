package main

import (
	"encoding/binary"
	"fmt"
	"sort"
	"testing"

	"golang.org/x/arch/ppc64/ppc64asm"
)

// allowedPPC64 lists the symbols of an image that may hold instructions which
// leave the program, and which: calls of the hypervisor in one place each, the
// ways to firmware and back, the return from an interrupt, and traps where the
// runtime gives up or a debugger is called for. No system call is among them.
var allowedPPC64 = map[string][]string{
	"pvboot/hypercall.Trap.abi0":       {"SC 1"},
	"pvboot/arch/ppc64.Hcall.abi0":     {"SC 1"},
	"pvboot/arch/ppc64.Firmware.abi0":  {"RFID"},
	"pvboot/arch/ppc64.firmwareReturn": {"RFID"},
	"pvboot/arch/ppc64.handle":         {"RFID"},
	"runtime.breakpoint.abi0":          {"trap"},
	"runtime.abort.abi0":               {"trap"},
	"runtime.debugCallPanicked.abi0":   {"trap"},
	"runtime.debugCallV2":              {"trap"},
	"debugCall32":                      {"trap"},
	"debugCall64":                      {"trap"},
	"debugCall128":                     {"trap"},
	"debugCall256":                     {"trap"},
	"debugCall512":                     {"trap"},
	"debugCall1024":                    {"trap"},
	"debugCall2048":                    {"trap"},
	"debugCall4096":                    {"trap"},
	"debugCall8192":                    {"trap"},
	"debugCall16384":                   {"trap"},
	"debugCall32768":                   {"trap"},
	"debugCall65536":                   {"trap"},
}

// trapsPPC64 finds such instructions in a function of a program in a byte order.
// Every instruction is one word (but for those of POWER10, which are not used).
func trapsPPC64(order binary.ByteOrder) func(code []byte) ([]string, error) {
	return func(code []byte) ([]string, error) { return trapsInOrder(code, order) }
}

func trapsInOrder(code []byte, order binary.ByteOrder) ([]string, error) {
	if len(code)%4 != 0 && len(code) != 1 { // symbols that mark a place have 1
		return nil, fmt.Errorf("%d bytes are no instructions", len(code))
	}
	seen := map[string]bool{}
	for ; len(code) >= 4; code = code[4:] {
		if name := trapPPC64(order.Uint32(code)); name != "" {
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

// trapPPC64 returns the name of an instruction that leaves the program, and "" for
// any other. Traps that never trap are no-operations (Power ISA 3.0B, book I, 2.4
// "System Call Instructions" and 3.3.11 "Fixed-Point Trap Instructions"; book III,
// 3.3).
func trapPPC64(word uint32) string {
	if word>>26 == 17 { // SC and SCV
		if word&2 == 0 {
			return "SCV"
		}
		return fmt.Sprintf("SC %d", word>>5&0x7f)
	}
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], word)
	inst, err := ppc64asm.Decode(b[:], binary.LittleEndian)
	if err != nil {
		return "" // data between functions, and the other byte order's
	}
	switch inst.Op {
	case ppc64asm.RFID:
		return "RFID"
	case ppc64asm.HRFID:
		return "HRFID"
	case ppc64asm.TW, ppc64asm.TD, ppc64asm.TWI, ppc64asm.TDI:
		if word>>21&31 != 0 {
			return "trap"
		}
	}
	// What ends the processor's work, and what starts another's.
	switch word & 0xfc0007fe {
	case 19<<26 | 370<<1: // STOP
		return "STOP"
	case 19<<26 | 82<<1: // RFSCV
		return "RFSCV"
	case 19<<26 | 50<<1: // RFI
		return "RFI"
	case 31<<26 | 238<<1, 31<<26 | 206<<1: // MSGCLR, MSGSND
		return "message"
	}
	return ""
}

// TestTrapPPC64 also shows that neighbours of traps are none.
func TestTrapPPC64(t *testing.T) {
	for word, want := range map[uint32]string{
		0x44000002: "SC 0",
		0x44000022: "SC 1", // the hypervisor's
		0x44000042: "SC 2",
		0x44000001: "SCV",
		0x4c000024: "RFID",
		0x2400004c: "", // the same in the other byte order
		0x4c000224: "HRFID",
		0x4c0002e4: "STOP",
		0x7fe00008: "trap", // tw 31,0,0
		0x0fe00000: "trap", // twui r0,0
		0x08000048: "",     // tdi 0,0,0x48
		0x4e800020: "",     // blr
		0x48000000: "",     // b .
		0x4c00012c: "",     // isync
		0x7c6000a6: "",     // mfmsr
		0x60000000: "",     // nop
		0x00000000: "",
	} {
		if got := trapPPC64(word); got != want {
			t.Errorf("%#08x is %q, want %q", word, got, want)
		}
	}
}
