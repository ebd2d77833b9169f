package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// elfHeader is the file header of both classes.
type elfHeader struct {
	Type, Machine         uint16
	Version               uint32
	Entry, Phoff, Shoff   uint64
	Flags                 uint32
	Ehsize, Phentsize     uint16
	Phnum, Shentsize      uint16
	Shnum, StringSections uint16
}

// elfHeader32 is the same in a 32-bit file.
type elfHeader32 struct {
	Type, Machine         uint16
	Version               uint32
	Entry, Phoff, Shoff   uint32
	Flags                 uint32
	Ehsize, Phentsize     uint16
	Phnum, Shentsize      uint16
	Shnum, StringSections uint16
}

// Program and section headers (gABI, Elf32_Phdr to Elf64_Shdr).
type (
	elfProg64 struct {
		Type, Flags              uint32
		Offset, Vaddr, Paddr     uint64
		FileSize, MemSize, Align uint64
	}
	elfProg32 struct {
		Type, Offset, Vaddr, Paddr      uint32
		FileSize, MemSize, Flags, Align uint32
	}
	elfSection64 struct {
		Name, Type                uint32
		Flags, Addr, Offset, Size uint64
		Link, Info                uint32
		AddrAlign, EntSize        uint64
	}
	elfSection32 struct {
		Name, Type, Flags, Addr, Offset, Size uint32
		Link, Info, AddrAlign, EntSize        uint32
	}
)

// append encodes the header, without what identifies the file.
func (h elfHeader) append(b []byte, is64 bool) []byte {
	if is64 {
		return appendFixed(b, h)
	}
	return appendFixed(b, elfHeader32{
		Type: h.Type, Machine: h.Machine, Version: h.Version,
		Entry: uint32(h.Entry), Phoff: uint32(h.Phoff), Shoff: uint32(h.Shoff), Flags: h.Flags,
		Ehsize: h.Ehsize, Phentsize: h.Phentsize, Phnum: h.Phnum,
		Shentsize: h.Shentsize, Shnum: h.Shnum, StringSections: h.StringSections,
	})
}

// append encodes the section header.
func (s elfSection64) append(b []byte, is64 bool) []byte {
	if is64 {
		return appendFixed(b, s)
	}
	return appendFixed(b, elfSection32{
		Name: s.Name, Type: s.Type, Flags: uint32(s.Flags), Addr: uint32(s.Addr), Offset: uint32(s.Offset), Size: uint32(s.Size),
		Link: s.Link, Info: s.Info, AddrAlign: uint32(s.AddrAlign), EntSize: uint32(s.EntSize),
	})
}

// appendFixed appends a structure of fixed size.
func appendFixed(b []byte, v any) []byte {
	b, err := binary.Append(b, binary.LittleEndian, v)
	if err != nil {
		panic(err) // its type has no fixed size
	}
	return b
}

// readELFHeader reads the file header of either class into the wider one, and
// the bytes that identify the file.
func readELFHeader(src Source) (h elfHeader, ident []byte, err error) {
	ident = make([]byte, elfIdent)
	if err := readAt(src, ident, 0, "ELF header"); err != nil {
		return h, nil, err
	}
	if string(ident[:4]) != elfMagic || ident[elfData] != elfLittle {
		return h, nil, errors.New("not a little-endian ELF file")
	}
	switch ident[elfClass] {
	case elfClass64:
		err = readStruct(src, elfIdent, "ELF header", &h)
		return h, ident, err
	case elfClass32:
		var n elfHeader32
		err = readStruct(src, elfIdent, "ELF header", &n)
		return elfHeader{
			Type: n.Type, Machine: n.Machine, Version: n.Version,
			Entry: uint64(n.Entry), Phoff: uint64(n.Phoff), Shoff: uint64(n.Shoff), Flags: n.Flags,
			Ehsize: n.Ehsize, Phentsize: n.Phentsize, Phnum: n.Phnum,
			Shentsize: n.Shentsize, Shnum: n.Shnum, StringSections: n.StringSections,
		}, ident, err
	}
	return h, nil, fmt.Errorf("class %d is neither 32 nor 64 bit", ident[elfClass])
}

// readProgs reads the program headers.
func (e *elfFile) readProgs(h elfHeader) ([]elfProg64, error) {
	if h.Phnum == 0 || h.Phnum > maxProgs {
		return nil, fmt.Errorf("%d program headers, want 1 to %d", h.Phnum, maxProgs)
	}
	progs := make([]elfProg64, h.Phnum)
	if e.is64() {
		return progs, readTable(e.src, h.Phoff, h.Phentsize, "program headers", progs)
	}
	narrow := make([]elfProg32, h.Phnum)
	if err := readTable(e.src, h.Phoff, h.Phentsize, "program headers", narrow); err != nil {
		return nil, err
	}
	for i, p := range narrow {
		progs[i] = elfProg64{
			Type: p.Type, Flags: p.Flags, Offset: uint64(p.Offset), Vaddr: uint64(p.Vaddr), Paddr: uint64(p.Paddr),
			FileSize: uint64(p.FileSize), MemSize: uint64(p.MemSize), Align: uint64(p.Align),
		}
	}
	return progs, nil
}

// readSections reads the section headers, if there are any.
func (e *elfFile) readSections(h elfHeader) ([]elfSection64, error) {
	if h.Shoff == 0 || h.Shnum == 0 {
		return nil, nil
	}
	if h.Shnum > maxSections {
		return nil, fmt.Errorf("%d section headers, at most %d", h.Shnum, maxSections)
	}
	sections := make([]elfSection64, h.Shnum)
	if e.is64() {
		return sections, readTable(e.src, h.Shoff, h.Shentsize, "section headers", sections)
	}
	narrow := make([]elfSection32, h.Shnum)
	if err := readTable(e.src, h.Shoff, h.Shentsize, "section headers", narrow); err != nil {
		return nil, err
	}
	for i, n := range narrow {
		sections[i] = elfSection64{
			Name: n.Name, Type: n.Type, Flags: uint64(n.Flags), Addr: uint64(n.Addr), Offset: uint64(n.Offset), Size: uint64(n.Size),
			Link: n.Link, Info: n.Info, AddrAlign: uint64(n.AddrAlign), EntSize: uint64(n.EntSize),
		}
	}
	return sections, nil
}

// maxSectionNames bounds the string table of section names, in bytes.
const maxSectionNames = 64 << 10

// findSection finds the first section of a name; 0, which is none, when no section
// has it.
func (e *elfFile) findSection(name string) (index int, section elfSection64, err error) {
	sections, err := e.readSections(e.header)
	if err != nil || int(e.header.StringSections) >= len(sections) {
		return 0, section, err
	}
	table := sections[e.header.StringSections]
	if table.Size > maxSectionNames {
		return 0, section, fmt.Errorf("section names of %d bytes, more than %d", table.Size, maxSectionNames)
	}
	names := make([]byte, table.Size)
	if err := readAt(e.src, names, table.Offset, "section names"); err != nil {
		return 0, section, err
	}
	for i, s := range sections {
		if i > 0 && uint64(s.Name) < table.Size && bytes.HasPrefix(names[s.Name:], []byte(name+"\x00")) {
			return i, s, nil
		}
	}
	return 0, section, nil
}

// readAt fills b from offset of src.
func readAt(src Source, b []byte, offset uint64, what string) error {
	if size := uint64(src.Size()); uint64(len(b)) > size || offset > size-uint64(len(b)) {
		return fmt.Errorf("truncated: %s: %d bytes at %d of a file of %d", what, len(b), offset, size)
	}
	if n, err := src.ReadAt(b, int64(offset)); n < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%s: read at %d: %w", what, offset+uint64(n), err)
	}
	return nil
}

// readStruct reads a structure of fixed size.
func readStruct(src Source, offset uint64, what string, v any) error {
	b := make([]byte, binary.Size(v))
	if err := readAt(src, b, offset, what); err != nil {
		return err
	}
	return binary.Read(bytes.NewReader(b), binary.LittleEndian, v)
}

// readTable reads len(table) structures of entrySize bytes each.
func readTable[T any](src Source, offset uint64, entrySize uint16, what string, table []T) error {
	if want := binary.Size(table) / len(table); int(entrySize) != want {
		return fmt.Errorf("%s of %d bytes, want %d", what, entrySize, want)
	}
	return readStruct(src, offset, what, table)
}
