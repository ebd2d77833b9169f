package linuximage

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/riscv64/riscv64asm"
)

const ramBase = 0x40000000

// formats are all, with what a processor makes of the first instructions of an
// image at address 0: where it goes on.
var formats = []struct {
	*Format
	entry func(image []byte) (uint64, error)
}{
	{&ARM64, entryARM64},
	{&RISCV64, entryRISCV64},
}

func entryARM64(image []byte) (uint64, error) {
	inst, err := arm64asm.Decode(image[:4])
	if err != nil {
		return 0, err
	}
	target, ok := inst.Args[0].(arm64asm.PCRel)
	if inst.Op != arm64asm.B || !ok {
		return 0, fmt.Errorf("%v", inst)
	}
	return uint64(target), nil
}

func entryRISCV64(image []byte) (uint64, error) {
	first, err := riscv64asm.Decode(image)
	if err != nil {
		return 0, err
	}
	second, err := riscv64asm.Decode(image[first.Len:])
	if err != nil {
		return 0, err
	}
	high, ok1 := first.Args[1].(riscv64asm.Uimm)
	at, ok2 := second.Args[1].(riscv64asm.RegOffset)
	if first.Op != riscv64asm.AUIPC || second.Op != riscv64asm.JALR || !ok1 || !ok2 ||
		first.Args[0] != riscv64asm.X5 || second.Args[0] != riscv64asm.X0 || at.OfsReg != riscv64asm.X5 {
		return 0, fmt.Errorf("%v; %v", first, second)
	}
	return uint64(int64(int32(high.Imm<<12)) + int64(at.Ofs.Imm)), nil
}

// program is a small executable as the tests change it.
type program struct {
	header elf.Header64
	loads  []elf.Prog64
	bytes  map[uint64][]byte // contents by file offset
}

// good is two pages of code, a gap of a page, a page of data and 0x1234 bytes
// without contents.
func good(f *Format) *program {
	page := func(b byte) []byte { return bytes.Repeat([]byte{b}, 4096) }
	return &program{
		header: elf.Header64{
			Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type:  uint16(elf.ET_EXEC), Machine: uint16(f.machine), Version: uint32(elf.EV_CURRENT),
			Entry: ramBase + 0x201f00, Phoff: 64, Ehsize: 64, Phentsize: 56,
		},
		loads: []elf.Prog64{
			{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Off: 0, Vaddr: ramBase + 0x200000, Filesz: 0x2000, Memsz: 0x2000},
			{Type: uint32(elf.PT_GNU_STACK)},
			{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W), Off: 0x2000, Vaddr: ramBase + 0x203000, Filesz: 0x1000, Memsz: 0x2234},
		},
		bytes: map[uint64][]byte{0x1000: page('t'), 0x2000: page('d')},
	}
}

func (p *program) file() []byte {
	p.header.Phnum = uint16(len(p.loads))
	b := bytes.NewBuffer(nil)
	binary.Write(b, binary.LittleEndian, p.header)
	binary.Write(b, binary.LittleEndian, p.loads)
	out := append(b.Bytes(), make([]byte, 0x3000-b.Len())...)
	for at, text := range p.bytes {
		copy(out[at:], text)
	}
	return out
}

func TestFinish(t *testing.T) {
	headers := map[string]map[int][]byte{
		"arm64": {
			0:  {0xc0, 0x07, 0x00, 0x14}, // b .+0x1f00
			8:  {0x00, 0x00, 0x20},       // 2 MiB after the start of RAM
			16: {0x34, 0x52},             // memory with what has no contents
			24: {2},                      // little-endian, pages of 4 KiB
			56: []byte("ARM\x64"),
		},
		"riscv64": {
			0:  {0x97, 0x22, 0x00, 0x00}, // auipc t0, 2
			4:  {0x67, 0x80, 0x02, 0xf0}, // jr -0x100(t0)
			8:  {0x00, 0x00, 0x20},
			16: {0x34, 0x52},
			32: {2}, // version 0.2; flags 0: little-endian
			48: []byte("RISCV"),
			56: []byte("RSC\x05"),
		},
	}
	for _, f := range formats {
		t.Run(f.arch, func(t *testing.T) {
			image, err := f.Finish(good(f.Format).file(), ramBase)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]byte, 0x4000)
			for at, text := range headers[f.arch] {
				copy(want[at:], text)
			}
			copy(want[0x1000:], bytes.Repeat([]byte{'t'}, 4096))
			copy(want[0x3000:], bytes.Repeat([]byte{'d'}, 4096))
			if diff := cmp.Diff(want, image); diff != "" {
				t.Error(diff)
			}
			if !f.Is(image) || !f.Is(image[:HeaderSize]) {
				t.Error("the image is none")
			}
			if f.Is(image[:HeaderSize-1]) || f.Is(good(f.Format).file()) || f.Is(nil) {
				t.Error("what is no image is one")
			}
			for _, other := range formats {
				if other.Format != f.Format && other.Is(image) {
					t.Errorf("an image for %s is one for %s", f.arch, other.arch)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*program)
		want   string
	}{
		{"another processor", func(p *program) { p.header.Machine = uint16(elf.EM_X86_64) }, "ELFCLASS64 ELFDATA2LSB ET_EXEC EM_X86_64: want a static little-endian executable for arm64"},
		{"position independent", func(p *program) { p.header.Type = uint16(elf.ET_DYN) }, "ET_DYN EM_AARCH64: want a static"},
		{"no segments", func(p *program) { p.loads = nil }, "the first segment does not begin with 4096 bytes for headers"},
		{"short first segment", func(p *program) { p.loads[0].Filesz = 4095 }, "the first segment does not begin with 4096 bytes for headers"},
		{"segments out of order", func(p *program) { p.loads[0], p.loads[2] = p.loads[2], p.loads[0] }, "segment 2: address 0x40200000 lies in or before the segment before it"},
		{"segments overlap", func(p *program) { p.loads[2].Vaddr = ramBase + 0x201fff }, "segment 2: address 0x40201fff lies in or before"},
		{"more contents than memory", func(p *program) { p.loads[2].Filesz = 0x2235 }, "segment 2: 8757 bytes for 8756 bytes of memory"},
		{"far segment", func(p *program) { p.loads[2].Vaddr += MaxSize }, "segment 2: more than 128 MiB of memory"},
		{"large segment", func(p *program) { p.loads[2].Memsz = MaxSize - 0x2fff }, "segment 2: more than 128 MiB of memory"},
		{"endless segment", func(p *program) { p.loads[2].Memsz = 1<<64 - 1 }, "segment 2: more than 128 MiB of memory"},
		{"contents cut off", func(p *program) { p.loads[2].Off = 0x2001 }, "4096 bytes at file offset 8193: EOF"},
		{"below RAM", func(p *program) { p.loads[0].Vaddr = ramBase - 0x1000 }, "linked to run at 0x3ffff000: want a page above 0x40000000"},
		{"not on a page", func(p *program) { p.loads[0].Vaddr -= 4 }, "linked to run at 0x401ffffc: want a page"},
		{"entry in the header", func(p *program) { p.header.Entry = ramBase + 0x200ffc }, "entry 0x40200ffc is in no code"},
		{"entry before the image", func(p *program) { p.header.Entry = 0 }, "entry 0x0 is in no code"},
		{"entry in the gap", func(p *program) { p.header.Entry = ramBase + 0x202000 }, "entry 0x40202000 is in no code"},
		{"entry in data", func(p *program) { p.header.Entry = ramBase + 0x203000 }, "entry 0x40203000 is in no code"},
		{"odd entry", func(p *program) { p.header.Entry = ramBase + 0x201002 }, "entry at offset 0x1002: cannot be branched to"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := good(&ARM64)
			test.change(p)
			_, err := ARM64.Finish(p.file(), ramBase)
			if err == nil || !strings.HasPrefix(err.Error(), "linuximage: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Finish: %v, want %q", err, test.want)
			}
		})
	}
	if _, err := ARM64.Finish([]byte("#!/bin/sh\n"), ramBase); err == nil {
		t.Error("a script became an image")
	}
	if _, err := RISCV64.Finish(good(&ARM64).file(), ramBase); err == nil || !strings.Contains(err.Error(), "EM_AARCH64: want a static little-endian executable for riscv64") {
		t.Errorf("a program for arm64 became an image for riscv64: %v", err)
	}
}

// TestEntry decodes what is written: Finish's own check of the range is of
// use only if MaxSize fits the instructions.
func TestEntry(t *testing.T) {
	for _, f := range formats {
		for _, entry := range []uint64{HeaderSize, 0x7fc, 0x800, 0xffc, 0x1000, 0x12345678 % MaxSize, MaxSize - 0x1000 + 0x7fc, MaxSize - 4} {
			b, err := f.header(header{entry: entry})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := f.entry(b[:]); err != nil || got != entry {
				t.Errorf("%s: entry %#x: %#x, %v", f.arch, entry, got, err)
			}
		}
		for _, entry := range []uint64{0, HeaderSize - 4, 0x1001, MaxSize, 1 << 63} {
			if _, err := f.header(header{entry: entry}); err == nil {
				t.Errorf("%s: entry %#x: no error", f.arch, entry)
			}
		}
	}
}

// TestLinked is about what Go's linker writes for xengo's flags.
func TestLinked(t *testing.T) {
	for _, f := range formats {
		t.Run(f.arch, func(t *testing.T) { testLinked(t, f.Format) })
	}
}

func testLinked(t *testing.T, format *Format) {
	dir := t.TempDir()
	main := filepath.Join(dir, "main.go")
	if err := os.WriteFile(main, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	cmd := exec.Command("go", "build", "-o", out, "-ldflags=-w -buildid= -T 0x40201000 -R 0x1000", main)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+format.arch, "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	linked, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	image, err := format.Finish(linked, ramBase)
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(linked))
	if err != nil {
		t.Fatal(err)
	}
	// Sections say independently of segments where each byte belongs.
	sections := 0
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC == 0 || s.Type == elf.SHT_NOBITS || s.Addr < ramBase+0x201000 {
			continue
		}
		want, err := s.Data()
		if err != nil {
			t.Fatal(err)
		}
		if at := s.Addr - ramBase - 0x200000; !bytes.Equal(want, image[at:at+s.Size]) {
			t.Errorf("%s is not at %#x", s.Name, at)
		}
		sections++
	}
	if sections < 4 {
		t.Errorf("%d sections", sections)
	}
	size := binary.LittleEndian.Uint64(image[16:])
	end := uint64(0)
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_ALLOC != 0 {
			end = max(end, s.Addr+s.Size)
		}
	}
	if want := end - ramBase - 0x200000; size != want || uint64(len(image)) >= size {
		t.Errorf("memory of %#x bytes, file of %#x, want %#x and less", size, len(image), want)
	}
}

// FuzzFinish changes the headers only: what is between them is any bytes.
func FuzzFinish(f *testing.F) {
	const headers = 64 + 3*56
	for i, format := range formats {
		f.Add(i, good(format.Format).file()[:headers])
		p := good(format.Format)
		p.loads[2].Off = 1 << 63
		f.Add(i, p.file()[:headers])
		p = good(format.Format)
		p.loads[0].Vaddr = 1<<64 - 0x1000
		f.Add(i, p.file()[:headers])
	}
	f.Fuzz(func(t *testing.T, i int, changed []byte) {
		format := formats[uint(i)%uint(len(formats))]
		linked := good(format.Format).file()
		copy(linked, changed)
		image, err := format.Finish(linked, ramBase)
		if err != nil {
			return
		}
		size := binary.LittleEndian.Uint64(image[16:])
		entry, err := format.entry(image)
		if err != nil || !format.Is(image) || size > MaxSize || uint64(len(image)) > size {
			t.Fatalf("%v: %d bytes of %d", err, len(image), size)
		}
		if entry < headerRoom || entry >= uint64(len(image)) {
			t.Errorf("entry at %#x of %#x", entry, len(image))
		}
	})
}
