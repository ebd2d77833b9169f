package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"

	"pvboot/internal/xennote"
)

// testELF describes an ELF file to make.
type testELF struct {
	bits     int // 32 or 64
	machine  uint16
	typ      uint16
	entry    uint64
	loads    []elfProg64 // offsets and types are filled in
	notes    []xennote.Note
	sections bool     // the notes stand in a section, not in a segment
	reloc    []uint32 // words of a PHYS32_RELOC note, nil for none
	front    []byte   // bytes between headers and segments, at 512
	guest    string   // of a section __xen_guest, in 64-bit files without notes
	symbols  []string // that have the addresses 1, 2, ...; nil for no symbol table
}

// bytes makes the file; the bytes of each segment count up from its number.
func (e testELF) bytes(t testing.TB) []byte {
	t.Helper()
	le := binary.LittleEndian
	if e.typ == 0 {
		e.typ = elfExec
	}
	if e.machine == 0 {
		e.machine = elfX86_64
	}
	notes := xennote.Encode(le, e.notes)
	if e.reloc != nil {
		notes = appendStruct(t, notes, []uint32{4, uint32(4 * len(e.reloc)), uint32(xennote.Phys32Reloc)})
		notes = appendStruct(t, append(notes, "Xen\x00"...), e.reloc)
	}
	const frontAt, dataAt = 512, 4096
	body := make([]byte, dataAt)
	copy(body[frontAt:], e.front)
	var progs []byte
	var headers []elfProg64
	for i, l := range e.loads {
		l.Type, l.Offset = ptLoad, uint64(len(body))
		if l.Flags == 0 {
			l.Flags = 5
		}
		headers = append(headers, l)
		for n := range l.FileSize {
			body = append(body, byte(uint64(i)+n))
		}
	}
	noteAt := uint64(len(body))
	body = append(body, notes...)
	h := elfHeader{Type: e.typ, Machine: e.machine, Version: 1, Entry: e.entry}
	var section []byte
	if e.sections {
		h.Shoff, h.Shnum = uint64(len(body)), 2
		null, note := elfSection64{}, elfSection64{Type: shtNote, Offset: noteAt, Size: uint64(len(notes))}
		for _, s := range []elfSection64{null, note} {
			if e.bits == 64 {
				section = appendStruct(t, section, s)
				h.Shentsize = 64
			} else {
				section = appendStruct(t, section, elfSection32{Type: s.Type, Offset: uint32(s.Offset), Size: uint32(s.Size)})
				h.Shentsize = 40
			}
		}
	} else if e.guest != "" {
		const names = "\x00.names\x00__xen_guest\x00"
		h.Shentsize, h.Shnum, h.StringSections = 64, 3, 1
		strs := elfSection64{Name: 1, Type: 3, Offset: uint64(len(body)), Size: uint64(len(names))}
		guest := elfSection64{Name: 8, Type: 1, Offset: strs.Offset + strs.Size, Size: uint64(len(e.guest)) + 1}
		body = append(append(append(body, names...), e.guest...), 0)
		h.Shoff = uint64(len(body))
		for _, s := range []elfSection64{{}, strs, guest} {
			section = appendStruct(t, section, s)
		}
	} else if len(notes) > 0 {
		headers = append(headers, elfProg64{Type: ptNote, Offset: noteAt, FileSize: uint64(len(notes))})
	}
	if e.symbols != nil {
		symtab, strtab := e.symbolTable(t)
		at := uint64(len(body))
		body = append(append(body, symtab...), strtab...)
		h.Shoff, h.Shnum, h.Shentsize = uint64(len(body)), 3, 64
		if e.bits == 32 {
			h.Shentsize = 40
		}
		for _, s := range []elfSection64{
			{},
			{Type: shtSymtab, Offset: at, Size: uint64(len(symtab)), Link: 2, Info: 1, EntSize: uint64(len(symtab) / (len(e.symbols) + 1))},
			{Type: shtStrtab, Offset: at + uint64(len(symtab)), Size: uint64(len(strtab))},
		} {
			section = s.append(section, e.bits == 64)
		}
	}
	h.Phnum = uint16(len(headers))
	ident := append([]byte(elfMagic), elfClass64, elfLittle, 1)
	ident = append(ident, make([]byte, elfIdent-len(ident))...)
	if e.bits == 64 {
		h.Phoff, h.Phentsize, h.Ehsize = 64, 56, 64
		for _, p := range headers {
			progs = appendStruct(t, progs, p)
		}
		ident = appendStruct(t, ident, h)
	} else {
		ident[elfClass] = elfClass32
		h.Phoff, h.Phentsize, h.Ehsize = 52, 32, 52
		for _, p := range headers {
			progs = appendStruct(t, progs, elfProg32{
				Type: p.Type, Offset: uint32(p.Offset), Vaddr: uint32(p.Vaddr), Paddr: uint32(p.Paddr),
				FileSize: uint32(p.FileSize), MemSize: uint32(p.MemSize), Flags: p.Flags, Align: uint32(p.Align),
			})
		}
		ident = appendStruct(t, ident, elfHeader32{
			Type: h.Type, Machine: h.Machine, Version: 1, Entry: uint32(h.Entry), Phoff: uint32(h.Phoff), Shoff: uint32(h.Shoff),
			Ehsize: h.Ehsize, Phentsize: h.Phentsize, Phnum: h.Phnum, Shentsize: h.Shentsize, Shnum: h.Shnum,
		})
	}
	copy(body, append(ident, progs...))
	return append(body, section...)
}

// symbolTable makes the symbol table and its strings.
func (e testELF) symbolTable(t testing.TB) (symtab, strtab []byte) {
	strtab = []byte{0}
	for i, name := range append([]string{""}, e.symbols...) {
		at := uint32(len(strtab))
		if i == 0 {
			at = 0
		} else {
			strtab = append(append(strtab, name...), 0)
		}
		if e.bits == 64 {
			symtab = appendStruct(t, symtab, elf.Sym64{Name: at, Info: 2, Value: uint64(i)})
		} else {
			symtab = appendStruct(t, symtab, elf.Sym32{Name: at, Info: 2, Value: uint32(i)})
		}
	}
	return symtab, strtab
}

func appendStruct(t testing.TB, b []byte, v any) []byte {
	t.Helper()
	b, err := binary.Append(b, binary.LittleEndian, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pvhELF is a kernel of two segments with a gap between them.
func pvhELF(edit func(e *testELF)) testELF {
	e := testELF{
		bits: 64,
		loads: []elfProg64{
			{Vaddr: 0xffffffff81000000, Paddr: 16 * mib, FileSize: 3000, MemSize: 3000, Align: 2 * mib},
			{Vaddr: 0xffffffff81400000, Paddr: 20 * mib, FileSize: 700, MemSize: mib, Align: 2 * mib},
		},
		notes: []xennote.Note{
			{Type: xennote.GuestOS, Text: "linux"},
			{Type: xennote.Phys32Entry, Number: 16*mib + 0x150},
		},
	}
	if edit != nil {
		edit(&e)
	}
	return e
}

func TestELFDamaged(t *testing.T) {
	edit := func(at int, b ...byte) []byte {
		f := pvhELF(nil).bytes(t)
		copy(f[at:], b)
		return f
	}
	const prog0 = 64 // the first program header
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"relocatable object", edit(elfTypeAt, 1), "type 1: not an executable"},
		{"class", edit(elfClass, 3), "class 3 is neither 32 nor 64 bit"},
		{"no headers", edit(56, 0, 0), "0 program headers, want 1 to 128"},
		{"many headers", edit(56, 0xff, 0xff), "65535 program headers, want 1 to 128"},
		{"header size", edit(54, 32), "program headers of 32 bytes, want 56"},
		{"header offset", edit(32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "truncated: program headers: 168 bytes at 18446744073709551615 of a file of 7844"},
		{"cut off", pvhELF(nil).bytes(t)[:5000], "program header 0: truncated: 3000 bytes at 4096 of a file of 5000"},
		{"cut in the header", pvhELF(nil).bytes(t)[:60], "truncated: ELF header: 48 bytes at 16 of a file of 60"},
		{"offset wraps", edit(prog0+8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "program header 0: truncated: 3000 bytes at 18446744073709551360 of a file of 7844"},
		{"memory less than file", edit(prog0+40, 1, 0), "program header 0: 3000 bytes of file for 1 of memory"},
		{"high address", edit(prog0+24, 0, 0, 0, 0xff, 0, 0, 0, 1), "program header 0: 0xbb8 bytes at 0x1000000ff000000 end above 4 GiB"},
		{"overlap", edit(prog0+24, 0, 0, 0x40, 1), "program headers 0 and 1 overlap at 0x1400000"},
		{"no rights", edit(prog0+4, 0), "PHYS32_ENTRY 0x1000150 is outside the kernel, 0x1400000-0x1500000"},
		{"notes beyond the end", edit(prog0+2*56+32, 0xff, 0xff), "program header 2: truncated: notes: 65535 bytes at 7796 of a file of 7844"},
		{"endless notes", edit(prog0+2*56+32, 0, 0, 0, 1), "program header 2: notes of 16777216 bytes, more than 1048576 in all"},
		{"bad note", edit(7796+4, 0xff, 0xff, 0xff, 0xff), "no PHYS32_ENTRY note: not a PVH kernel"},
		{"nothing to load", testELF{bits: 64, notes: []xennote.Note{{Type: xennote.Phys32Entry}}}.bytes(t), "nothing to load"},
		{"bad sections", func() []byte {
			f := pvhELF(func(e *testELF) { e.sections = true }).bytes(t)
			f[60] = 0xff
			return f
		}(), "truncated: section headers: 16320 bytes at 7844 of a file of 7972"},
		{"many sections", func() []byte {
			f := pvhELF(func(e *testELF) { e.sections = true }).bytes(t)
			f[60], f[61] = 0xff, 0xff
			return f
		}(), "65535 section headers, at most 4096"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Build(Request{Name: "/vmlinux", Kernel: bytes.NewReader(tt.file), Machine: Machine{Arch: "amd64", Memory: pvhMap(64)}})
			if err == nil || err.Error() != "/vmlinux: ELF: "+tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestELFMachines(t *testing.T) {
	arm := pvhELF(func(e *testELF) { e.machine = 183 }).bytes(t)
	_, err := Build(Request{Name: "/vmlinux", Kernel: bytes.NewReader(arm), Machine: Machine{Arch: "amd64", Memory: pvhMap(64)}})
	if err == nil || !strings.HasSuffix(err.Error(), ErrFormat.Error()) {
		t.Errorf("arm64 on amd64: %v", err)
	}
	x86 := pvhELF(nil).bytes(t)
	_, err = Build(Request{Name: "/vmlinux", Kernel: bytes.NewReader(x86), Machine: Machine{Arch: "arm64", Memory: pvhMap(64)}})
	if err == nil || err.Error() != "/vmlinux: kernel of another architecture: ELF (amd64) on arm64" {
		t.Errorf("amd64 on arm64: %v", err)
	}
}
