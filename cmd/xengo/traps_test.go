package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// binaryImage is an image with the symbols of what it was made of.
type binaryImage struct {
	goarch  string
	data    []byte
	symbols *elf.File
}

// buildImage builds a guest with symbols.
func buildImage(t *testing.T, goarch, pkg string) *binaryImage {
	t.Helper()
	out := filepath.Join(t.TempDir(), "image")
	var stderr bytes.Buffer
	if code := xengo([]string{"build", "-arch", goarch, "-symbols", "-o", out, pkg}, &stderr, &stderr); code != exitOK {
		t.Fatalf("xengo build %s: exit code %d\n%s", pkg, code, stderr.Bytes())
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if goarch != "amd64" {
		out += ".elf"
	}
	f, err := elf.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &binaryImage{goarch, data, f}
}

// at returns the image's own bytes for an address: in an ELF file where its
// segments say, in an image that is memory as it is by the distance from the
// first.
func (b *binaryImage) at(addr, size uint64) ([]byte, error) {
	base := uint64(0)
	for _, p := range b.symbols.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		if base == 0 {
			base = p.Vaddr
		}
		if addr >= p.Vaddr && addr-p.Vaddr+size <= p.Filesz {
			off := addr - p.Vaddr + p.Off
			switch b.goarch {
			case "amd64":
			case "ppc64", "ppc64le":
				off = addr - base + 0x1000 // the file's header
			default:
				off = addr - base
			}
			return b.data[off:][:size], nil
		}
	}
	return nil, fmt.Errorf("%#x is in no segment", addr)
}

// traps finds trap instructions in an image: symbol → mnemonics.
func (b *binaryImage) traps(disassemble func(code []byte) ([]string, error)) (map[string][]string, error) {
	symbols, err := b.symbols.Symbols()
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	covered := uint64(0)
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Size == 0 {
			continue
		}
		code, err := b.at(s.Value, s.Size)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		covered += s.Size
		names, err := disassemble(code)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		if len(names) > 0 {
			found[s.Name] = names
		}
	}
	if text := b.symbols.Section(".text"); text == nil || covered < text.Size*3/4 {
		return nil, fmt.Errorf("only %d bytes of the text belong to a symbol", covered)
	}
	return found, nil
}

// doctored is a copy whose function starts with other code and goes on with
// no-ops.
func (b *binaryImage) doctored(t *testing.T, symbol string, code, nop []byte) *binaryImage {
	t.Helper()
	symbols, err := b.symbols.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if s.Name != symbol {
			continue
		}
		out := &binaryImage{b.goarch, bytes.Clone(b.data), b.symbols}
		text, err := out.at(s.Value, s.Size)
		if err != nil {
			t.Fatal(err)
		}
		copy(text, bytes.Repeat(nop, len(text)/len(nop)))
		if copy(text, code) != len(code) {
			t.Fatalf("%s has no room for %d bytes", symbol, len(code))
		}
		return out
	}
	t.Fatalf("no symbol %s", symbol)
	return nil
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

// words lays instructions of one word out.
func words(w ...uint32) []byte {
	var b []byte
	for _, w := range w {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func TestTrapInstructions(t *testing.T) {
	for _, test := range []struct {
		goarch      string
		disassemble func(code []byte) ([]string, error)
		allowed     map[string][]string
		hypercall   []string // what Trap must have
		code, nop   []byte   // for the doctored image
		want        []string // what must be found there
	}{
		{
			"amd64", trapsAMD64, allowedAMD64, []string{"SYSCALL", "VMCALL", "VMMCALL"},
			[]byte{0x0f, 0x05, 0x0f, 0x34}, []byte{0x90}, []string{"SYSCALL", "SYSENTER"},
		},
		{
			"arm64", trapsARM64, allowedARM64, []string{"HVC"},
			words(
				0xd4000001, // SVC #0
				0xd4000003, // SMC #0
				0xd69f03e0, // ERET
				0xd4ffffff, // unallocated
			), words(0xd503201f), []string{"ERET", "SMC", "SVC", "exception"},
		},
		{
			"riscv64", trapsRISCV64, allowedRISCV64, []string{"ECALL"},
			words(
				0x00000073, // ECALL
				0x30200073, // MRET
				0x10200073, // SRET
			), []byte{0x01, 0x00}, []string{"ECALL", "SRET", "privileged"},
		},
		{
			"ppc64le", trapsPPC64(binary.LittleEndian), allowedPPC64, []string{"SC 1"},
			words(
				0x44000002, // sc
				0x44000022, // sc 1
				0x4c000024, // rfid
				0x7fe00008, // trap
			), words(0x60000000), []string{"RFID", "SC 0", "SC 1", "trap"},
		},
		{
			"ppc64", trapsPPC64(binary.BigEndian), allowedPPC64, []string{"SC 1"},
			[]byte{0x44, 0, 0, 2, 0x4c, 0, 0, 0x24}, []byte{0x60, 0, 0, 0}, []string{"RFID", "SC 0"},
		},
	} {
		t.Run(test.goarch, func(t *testing.T) {
			image := buildImage(t, test.goarch, "../../guest/testdata/hello")
			found, err := image.traps(test.disassemble)
			if err != nil {
				t.Fatal(err)
			}
			if bad := disallowed(found, test.allowed); len(bad) > 0 {
				t.Errorf("trap instructions outside the listed symbols:\n%s", strings.Join(bad, "\n"))
			}
			// What makes the test able to fail: the hypercall is there, and is
			// reported when the list does not have it; so are system calls put
			// into the image.
			if diff := cmp.Diff(test.hypercall, found["pvboot/hypercall.Trap.abi0"]); diff != "" {
				t.Errorf("Trap: %s", diff)
			}
			if bad := disallowed(found, nil); len(bad) < 3 {
				t.Errorf("with an empty list only %v is reported", bad)
			}
			found, err = image.doctored(t, "main.main", test.code, test.nop).traps(test.disassemble)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, name := range test.want {
				want = append(want, "main.main: "+name)
			}
			if diff := cmp.Diff(want, disallowed(found, test.allowed)); diff != "" {
				t.Errorf("a doctored image: %s", diff)
			}
		})
	}
}

func TestReproducible(t *testing.T) {
	for goarch := range targets {
		a, b := buildImage(t, goarch, "../../guest/testdata/hello"), buildImage(t, goarch, "../../guest/testdata/hello")
		if !bytes.Equal(a.data, b.data) {
			t.Errorf("%s: two builds differ", goarch)
		}
	}
}
