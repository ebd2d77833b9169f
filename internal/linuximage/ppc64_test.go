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

	"golang.org/x/arch/ppc64/ppc64asm"
)

const basePPC64 = 0x400000

// goodPPC64 is two pages of code, a gap of a page, a page of data and 0x1234 bytes
// without contents.
func goodPPC64() *program {
	p := good(&ARM64)
	p.header.Machine = uint16(elf.EM_PPC64)
	p.header.Entry = basePPC64 + 0x1f00
	p.loads[0].Vaddr, p.loads[2].Vaddr = basePPC64, basePPC64+0x3000
	return p
}

// orders are both, with what ELF calls them.
var orders = []struct {
	order binary.ByteOrder
	data  elf.Data
}{{binary.LittleEndian, elf.ELFDATA2LSB}, {binary.BigEndian, elf.ELFDATA2MSB}}

// run follows the first instructions of an image as a processor does that reads
// instructions in an order, and returns where they end, and whether the other
// order and 64-bit mode have been turned on.
func run(code []byte, base uint64, order, program binary.ByteOrder) (at uint64, wide bool, err error) {
	regs := map[ppc64asm.Reg]uint64{}
	var lr, srr0, srr1 uint64
	msr := uint64(0x1000)
	if order == binary.LittleEndian {
		msr |= 1
	}
	at = base
	for range 40 {
		if at-base >= uint64(len(code)) || at < base {
			return at, msr>>63 == 1, nil
		}
		inst, err := ppc64asm.Decode(code[at-base:], order)
		if err != nil {
			return at, false, fmt.Errorf("at %#x: %w", at, err)
		}
		next := at + 4
		reg := func(i int) ppc64asm.Reg { return inst.Args[i].(ppc64asm.Reg) }
		imm := func(i int) uint64 { return uint64(inst.Args[i].(ppc64asm.Imm)) }
		switch inst.Op {
		case ppc64asm.TDI:
			if reg(1) != ppc64asm.R0 || imm(0) != 0 {
				return at, false, fmt.Errorf("at %#x: %v traps", at, inst)
			}
		case ppc64asm.B:
			next = at + uint64(inst.Args[0].(ppc64asm.PCRel))
		case ppc64asm.BCL:
			lr = at + 4
			if inst.Args[2].(ppc64asm.PCRel) != 4 {
				return at, false, fmt.Errorf("at %#x: %v", at, inst)
			}
		case ppc64asm.MFSPR:
			if inst.Args[1].(ppc64asm.SpReg) != 8 {
				return at, false, fmt.Errorf("at %#x: %v", at, inst)
			}
			regs[reg(0)] = lr
		case ppc64asm.ADDI:
			regs[reg(0)] = regs[reg(1)] + imm(2)
		case ppc64asm.LI:
			regs[reg(0)] = imm(1)
		case ppc64asm.MFMSR:
			regs[reg(0)] = msr
		case ppc64asm.XORI:
			regs[reg(0)] = regs[reg(1)] ^ imm(2)
		case ppc64asm.OR:
			regs[reg(0)] = regs[reg(1)] | regs[reg(2)]
		case ppc64asm.RLDICR:
			if imm(2) != 63 || imm(3) != 0 {
				return at, false, fmt.Errorf("at %#x: %v", at, inst)
			}
			regs[reg(0)] = regs[reg(1)] << 63
		case ppc64asm.MTSPR:
			switch inst.Args[0].(ppc64asm.SpReg) {
			case 26:
				srr0 = regs[reg(1)]
			case 27:
				srr1 = regs[reg(1)]
			default:
				return at, false, fmt.Errorf("at %#x: %v", at, inst)
			}
		case ppc64asm.MTMSRD:
			msr = regs[reg(0)]&^1 | msr&1
		case ppc64asm.ISYNC:
		case ppc64asm.RFID:
			next, msr = srr0, srr1
			order = binary.BigEndian
			if msr&1 != 0 {
				order = binary.LittleEndian
			}
		default:
			return at, false, fmt.Errorf("at %#x: %v", at, inst)
		}
		// The last branch leads out of what is followed.
		if next-base >= headerRoom {
			if order != program {
				err = fmt.Errorf("at %#x: the byte order is not the program's", at)
			}
			return next, msr>>63 == 1, err
		}
		at = next
	}
	return at, false, fmt.Errorf("at %#x: no end", at)
}

// TestStartPPC64 enters an image in either byte order.
func TestStartPPC64(t *testing.T) {
	for _, program := range orders {
		code := make([]byte, headerRoom)
		copy(code, startPPC64(program.order, 0x1f00))
		for _, entered := range orders {
			at, wide, err := run(code, basePPC64, entered.order, program.order)
			if err != nil || at != basePPC64+0x1f00 || !wide {
				t.Errorf("%v program, entered %v: at %#x, 64-bit mode %v: %v", program.order, entered.order, at, wide, err)
			}
		}
	}
}

func TestFinishPPC64(t *testing.T) {
	linked := goodPPC64().file()
	image, err := FinishPPC64(linked, basePPC64)
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	if f.Machine != elf.EM_PPC64 || f.Type != elf.ET_EXEC || f.Entry != basePPC64 || len(f.Progs) != 1 {
		t.Fatalf("%v", f.FileHeader)
	}
	want := elf.ProgHeader{
		Type: elf.PT_LOAD, Flags: elf.PF_R | elf.PF_W | elf.PF_X, Off: 0x1000, Vaddr: basePPC64, Filesz: 0x4000, Memsz: 0x5234, Align: 0x1000,
	}
	if f.Progs[0].ProgHeader != want {
		t.Errorf("segment %+v, want %+v", f.Progs[0].ProgHeader, want)
	}
	for at, b := range map[int]byte{0x2000: 't', 0x2fff: 't', 0x3000: 0, 0x4000: 'd', 0x4fff: 'd'} {
		if image[at] != b {
			t.Errorf("byte %#x is %#x, want %#x", at, image[at], b)
		}
	}
	if !IsPPC64(image) || IsPPC64(linked) || IsPPC64(nil) || IsPPC64(image[:100]) {
		t.Error("what is an image is not told from what is none")
	}
}

func TestRefusedPPC64(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*program)
		want   string
	}{
		{"another processor", func(p *program) { p.header.Machine = uint16(elf.EM_AARCH64) }, "ELFCLASS64 ET_EXEC EM_AARCH64: want a static executable for ppc64"},
		{"position independent", func(p *program) { p.header.Type = uint16(elf.ET_DYN) }, "ET_DYN EM_PPC64: want a static"},
		{"elsewhere", func(p *program) { p.loads[0].Vaddr = 0x3ff000 }, "linked to run at 0x3ff000: want 0x400000"},
		{"no segments", func(p *program) { p.loads = nil }, "the first segment does not begin"},
		{"contents cut off", func(p *program) { p.loads[2].Off = 0x2001 }, "4096 bytes at file offset 8193: EOF"},
		{"entry in the header", func(p *program) { p.header.Entry = basePPC64 + 0xffc }, "entry 0x400ffc is in no code"},
		{"odd entry", func(p *program) { p.header.Entry = basePPC64 + 0x1002 }, "entry 0x401002 is in no code"},
		{"entry in data", func(p *program) { p.header.Entry = basePPC64 + 0x3000 }, "entry 0x403000 is in no code"},
	} {
		p := goodPPC64()
		test.change(p)
		_, err := FinishPPC64(p.file(), basePPC64)
		if err == nil || !strings.HasPrefix(err.Error(), "linuximage: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// TestLinkedPPC64 is about what Go's linker writes for xengo's flags, in both byte
// orders: a big-endian program's entry is a function descriptor.
func TestLinkedPPC64(t *testing.T) {
	dir := t.TempDir()
	main := filepath.Join(dir, "main.go")
	if err := os.WriteFile(main, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for i, goarch := range []string{"ppc64le", "ppc64"} {
		out := filepath.Join(dir, goarch)
		cmd := exec.Command("go", "build", "-o", out, "-ldflags=-w -buildid= -T 0x401000 -R 0x1000", main)
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+goarch, "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, text)
		}
		linked, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		image, err := FinishPPC64(linked, basePPC64)
		if err != nil {
			t.Fatal(err)
		}
		f, err := elf.NewFile(bytes.NewReader(linked))
		if err != nil {
			t.Fatal(err)
		}
		symbols, err := f.Symbols()
		if err != nil {
			t.Fatal(err)
		}
		want := uint64(0)
		for _, s := range symbols {
			if s.Name == "_rt0_ppc64le_linux" || goarch == "ppc64" && s.Name == "_main" {
				want = s.Value
			}
		}
		at, _, err := run(image[0x1000:0x2000], basePPC64, orders[i].order, orders[i].order)
		if err != nil || at != want || want == 0 {
			t.Errorf("%s: entered at %#x, want %#x: %v", goarch, at, want, err)
		}
	}
}

// FuzzFinishPPC64 changes the headers only: what is between them is any bytes.
func FuzzFinishPPC64(f *testing.F) {
	const headers = 64 + 3*56
	f.Add(goodPPC64().file()[:headers])
	p := goodPPC64()
	p.header.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	f.Add(p.file()[:headers])
	p = goodPPC64()
	p.loads[2].Off = 1 << 63
	f.Add(p.file()[:headers])
	f.Fuzz(func(t *testing.T, changed []byte) {
		linked := goodPPC64().file()
		copy(linked, changed)
		image, err := FinishPPC64(linked, basePPC64)
		if err != nil {
			return
		}
		if !IsPPC64(image) {
			t.Fatal("the image is none")
		}
		for _, o := range orders {
			if o.data == elf.Data(image[elf.EI_DATA]) {
				if at, wide, err := run(image[0x1000:0x2000], basePPC64, o.order, o.order); err != nil || !wide || at-basePPC64 >= uint64(len(image)) {
					t.Errorf("entered at %#x, 64-bit mode %v: %v", at, wide, err)
				}
			}
		}
	})
}
