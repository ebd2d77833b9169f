package main

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/arch/x86/x86asm"
)

// allowedTraps lists the symbols of an image that may hold instructions which
// leave the program, and which: hypercalls in one place, and breakpoints
// (INT3) where the runtime gives up or a debugger is called for.
// No system call is among them.
var allowedTraps = map[string][]string{
	"pvboot/hypercall.Trap.abi0":        {"VMCALL", "VMMCALL"},
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

// traps finds trap instructions in an image with symbols: symbol → mnemonics.
func traps(image []byte) (map[string][]string, error) {
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, err
	}
	symbols, err := f.Symbols()
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	covered := uint64(0)
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Size == 0 {
			continue
		}
		code, err := codeAt(f, s.Value, s.Size)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		covered += s.Size
		names, err := trapsIn(code)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		if len(names) > 0 {
			found[s.Name] = names
		}
	}
	if text := f.Section(".text"); text == nil || covered < text.Size*3/4 {
		return nil, fmt.Errorf("only %d bytes of the text belong to a symbol", covered)
	}
	return found, nil
}

// codeAt reads from the segment that holds an address.
func codeAt(f *elf.File, addr, size uint64) ([]byte, error) {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && addr >= p.Vaddr && addr-p.Vaddr+size <= p.Filesz {
			code := make([]byte, size)
			_, err := p.ReadAt(code, int64(addr-p.Vaddr))
			return code, err
		}
	}
	return nil, fmt.Errorf("%#x is in no segment", addr)
}

// trapsIn disassembles a function.
func trapsIn(code []byte) ([]string, error) {
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

// disallowed compares what was found with a list.
func disallowed(found, allowed map[string][]string) []string {
	var bad []string
	for symbol, names := range found {
		for _, name := range names {
			if !strings.Contains(" "+strings.Join(allowed[symbol], " ")+" ", " "+name+" ") {
				bad = append(bad, symbol+": "+name)
			}
		}
	}
	sort.Strings(bad)
	return bad
}

// buildImage builds a guest with symbols.
func buildImage(t *testing.T, pkg string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "image")
	var stderr bytes.Buffer
	if code := xengo([]string{"build", "-symbols", "-o", out, pkg}, &stderr, &stderr); code != exitOK {
		t.Fatalf("xengo build %s: exit code %d\n%s", pkg, code, stderr.Bytes())
	}
	image, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func TestTrapInstructions(t *testing.T) {
	image := buildImage(t, "../../guest/testdata/hello")
	found, err := traps(image)
	if err != nil {
		t.Fatal(err)
	}
	if bad := disallowed(found, allowedTraps); len(bad) > 0 {
		t.Errorf("trap instructions outside the listed symbols:\n%s", strings.Join(bad, "\n"))
	}
	// What makes the test able to fail: the hypercall is there, and is
	// reported when the list does not have it; so is a system call put into
	// the image.
	if diff := cmp.Diff([]string{"VMCALL", "VMMCALL"}, found["pvboot/hypercall.Trap.abi0"]); diff != "" {
		t.Errorf("Trap: %s", diff)
	}
	if bad := disallowed(found, nil); len(bad) < 3 {
		t.Errorf("with an empty list only %v is reported", bad)
	}
	found, err = traps(doctor(t, image, "main.main"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"main.main: SYSCALL", "main.main: SYSENTER"}, disallowed(found, allowedTraps)); diff != "" {
		t.Errorf("a doctored image: %s", diff)
	}
}

// doctor overwrites the start of a function with SYSCALL, SYSENTER and no-ops.
func doctor(t *testing.T, image []byte, symbol string) []byte {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Name != symbol {
			continue
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_LOAD && s.Value >= p.Vaddr && s.Value < p.Vaddr+p.Filesz {
				out := bytes.Clone(image)
				code := out[s.Value-p.Vaddr+p.Off:][:s.Size]
				copy(code, bytes.Repeat([]byte{0x90}, len(code)))
				copy(code, []byte{0x0f, 0x05, 0x0f, 0x34})
				return out
			}
		}
	}
	t.Fatalf("no symbol %s", symbol)
	return nil
}

func TestReproducible(t *testing.T) {
	a, b := buildImage(t, "../../guest/testdata/hello"), buildImage(t, "../../guest/testdata/hello")
	if !bytes.Equal(a, b) {
		t.Error("two builds differ")
	}
}
