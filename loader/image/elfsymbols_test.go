package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/golden"
	"pvboot/internal/xennote"
)

// withSymbols adds symbols, and the note that wants them.
func withSymbols(e *testELF) {
	e.symbols = []string{"start", "panicstr", "ksyms"}
	for i := range 200 {
		e.symbols = append(e.symbols, fmt.Sprintf("symbol%d", i))
	}
	e.notes = append(e.notes, xennote.Note{Type: xennote.BSDSymtab, Text: "yes"})
}

// checkSymbols holds what is in memory at a kernel's end against what debug/elf
// finds in it.
func checkSymbols(t *testing.T, b []byte, want []string) {
	t.Helper()
	length := int(binary.LittleEndian.Uint32(b))
	if length > len(b)-4 || length < len(b)-4-7 {
		t.Fatalf("length %d in %d bytes", length, len(b))
	}
	f, err := elf.NewFile(bytes.NewReader(b[4 : 4+length]))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Progs) > 0 || len(f.Sections) != 3 {
		t.Errorf("%d program headers, %d sections", len(f.Progs), len(f.Sections))
	}
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, s := range symbols {
		if got = append(got, s.Name); s.Value != uint64(i+1) {
			t.Errorf("%s: %#x", s.Name, s.Value)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("symbols (-want +got):\n%s", diff)
	}
	for i, s := range f.Sections[1:] {
		if word := 4; f.Class == elf.ELFCLASS64 && (s.Offset+4)%8 != 0 || s.Offset%uint64(word) != 0 {
			t.Errorf("section %d at %d", i+1, s.Offset)
		}
	}
}

func TestPVHSymbols(t *testing.T) {
	for _, bits := range []int{64, 32} {
		e := pvhELF(func(e *testELF) {
			e.bits = bits
			e.loads[1].MemSize = mib + 5
			withSymbols(e)
		})
		for name, file := range map[string][]byte{"plain": e.bytes(t), "gzip": gzipped(e.bytes(t))} {
			plan, err := Build(Request{Name: "/vmlinux", Kernel: bytes.NewReader(file), Machine: Machine{Arch: "amd64", Memory: pvhMap(64)}})
			if err != nil {
				t.Fatal(err)
			}
			s := plan.Segments[2]
			if at := uint64(21*mib + 8); s.Name != "kernel symbols" || s.Addr != at {
				t.Errorf("%d bits, %s: %s at %#x, want them at %#x", bits, name, s.Name, s.Addr, at)
			}
			b := make([]byte, s.Data.Size())
			if _, err := s.Data.ReadAt(b, 0); err != nil {
				t.Fatal(err)
			}
			checkSymbols(t, b, e.symbols)
			if next := plan.Segments[3]; next.Addr < s.Addr+s.Size {
				t.Errorf("%s at %#x, over the symbols", next.Name, next.Addr)
			}
		}
	}
}

// However it is read, it is the same.
func TestSymbolsInPieces(t *testing.T) {
	f, err := readELF(bytes.NewReader(pvhELF(withSymbols).bytes(t)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.bsdSymbols()
	if err != nil {
		t.Fatal(err)
	}
	want := make([]byte, s.Size())
	if _, err := s.ReadAt(want, 0); err != nil {
		t.Fatal(err)
	}
	for size := 1; size < 700; size++ {
		var got []byte
		for piece := make([]byte, size); len(got) < len(want); {
			n, err := s.ReadAt(piece, int64(len(got)))
			if got = append(got, piece[:n]...); n == 0 || err != nil && len(got) < len(want) {
				t.Fatalf("%d bytes at a time: %v at %d", size, err, len(got))
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%d bytes at a time: differs", size)
		}
	}
	for _, off := range []int64{-1, s.Size() + 1} {
		if _, err := s.ReadAt(make([]byte, 1), off); err == nil || err == io.EOF {
			t.Errorf("read at %d: %v", off, err)
		}
	}
}

func TestPVSymbols(t *testing.T) {
	e := miniELF(func(e *testELF) {
		e.loads[1].MemSize = 5000
		without(xennote.HypercallPage)(e)
		withSymbols(e)
	})
	file := e.bytes(t)
	linux := pvELF(withSymbols)
	for _, tt := range []struct {
		name string
		elf  testELF
		file []byte
		end  uint64 // of the kernel
	}{
		{"plain", e, file, 9008 + 5000},
		{"gzip", e, gzipped(file), 9008 + 5000},
		{"xz", e, golden.Output(t, "pv-symbols.xz", file, "xz", "-zc"), 9008 + 5000},
		{"Linux", linux, linux.bytes(t), 19*mib + 5},
		{"Linux in gzip", linux, gzipped(linux.bytes(t)), 19*mib + 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan := mustPVBuild(t, tt.file, Request{Machine: pvMachine(64)})
			s, got, err := loadKernel(plan, 5000)
			if err != nil {
				t.Fatal(err)
			}
			at := (tt.end + 7) &^ 7
			if !bytes.Equal(got[:at-s.Addr], tt.elf.memoryOf(s.Addr, at-s.Addr)) {
				t.Error("the kernel differs")
			}
			symtab, strtab := tt.elf.symbolTable(t)
			size := uint64(264+len(symtab)+len(strtab)+7) &^ 7
			checkSymbols(t, got[at-s.Addr:at-s.Addr+size], tt.elf.symbols)
			if end := (at + size + pageSize - 1) &^ (pageSize - 1); s.Addr+s.Size < end {
				t.Errorf("the kernel's pages end at %#x, its symbols at %#x", s.Addr+s.Size, end)
			}
			d := finish(t, plan)
			if err := d.walk(plan.PV); err != nil {
				t.Error(err)
			}
			checkSegments(t, plan)
		})
	}
}

func TestSymbolsRefused(t *testing.T) {
	edit := func(at int, b ...byte) func(f []byte) []byte {
		return func(f []byte) []byte {
			copy(f[len(f)-3*64+at:], b)
			return f
		}
	}
	for _, tt := range []struct {
		name string
		edit func(f []byte) []byte
		want string // an error; "" for a kernel without symbols
	}{
		{"not asked for", func([]byte) []byte {
			return pvhELF(func(e *testELF) { withSymbols(e); e.notes[2].Text = "no" }).bytes(t)
		}, ""},
		{"none there", func([]byte) []byte { return pvhELF(func(e *testELF) { withSymbols(e); e.symbols = nil }).bytes(t) }, ""},
		{"without strings", edit(64+40, 0), ""},
		{"strings of no section", edit(64+40, 3), ""},
		{"strings of another type", edit(2*64+4, 1), ""},
		{"symbols beyond the end", edit(64+32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "symbols: truncated: 18446744073709551615 bytes at 7864 of a file of 14864"},
		{"strings beyond the end", edit(2*64+24, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "symbols: truncated: 1912 bytes at 18446744073709551615 of a file of 14864"},
	} {
		file := tt.edit(pvhELF(withSymbols).bytes(t))
		plan, err := Build(Request{Name: "/vmlinux", Kernel: bytes.NewReader(file), Machine: Machine{Arch: "amd64", Memory: pvhMap(64)}})
		switch {
		case tt.want == "" && err != nil, tt.want != "" && (err == nil || err.Error() != "/vmlinux: ELF: "+tt.want):
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		case err == nil && plan.Segments[2].Name == "kernel symbols":
			t.Errorf("%s: symbols", tt.name)
		}
	}
}
