package image

import (
	"encoding/binary"
	"fmt"
	"io"

	"pvboot/internal/xennote"
)

// Types of sections (gABI, "Section Header").
const (
	shtSymtab = 2
	shtStrtab = 3
)

// elfSymbols is what Xen puts behind a kernel whose note BSD_SYMTAB says "yes": a
// u32 with the length of what follows, then an ELF file of nothing but the kernel's
// symbols, which is the kernel's header with three section headers, the symbol table
// and its strings, each on a boundary of words, and offsets counted from its header
// (public/elfnote.h; the picture in xen/common/libelf/libelf-loader.c).
type elfSymbols struct {
	file           Source // nil when it is yet to be unpacked
	head           []byte // up to the symbol table
	symtab, strtab elfSection64
	stringsAt      uint64
	size           uint64
	align          uint64
}

// wantsSymbols tells whether a note asks for them, after readNotes.
func (e *elfFile) wantsSymbols() bool { return e.text(xennote.BSDSymtab) == "yes" }

// bsdSymbols finds a kernel's symbols; nil if it has none in the way that Xen looks
// for them.
func (e *elfFile) bsdSymbols() (*elfSymbols, error) {
	sections, err := e.readSections(e.header)
	if err != nil {
		return nil, err
	}
	s := &elfSymbols{file: e.src}
	for i, symtab := range sections {
		if i == 0 || symtab.Type != shtSymtab {
			continue
		}
		if symtab.Link == 0 || int(symtab.Link) >= len(sections) || sections[symtab.Link].Type != shtStrtab {
			return nil, nil
		}
		s.symtab, s.strtab = symtab, sections[symtab.Link]
		for _, part := range []elfSection64{s.symtab, s.strtab} {
			if size := uint64(e.src.Size()); part.Size > size || part.Offset > size-part.Size {
				return nil, fmt.Errorf("symbols: truncated: %d bytes at %d of a file of %d", part.Size, part.Offset, size)
			}
		}
		s.layOut(e)
		return s, nil
	}
	return nil, nil
}

// layOut finds places, and writes the headers.
func (s *elfSymbols) layOut(e *elfFile) {
	const lengthSize, sectionCount = 4, 3
	h := e.header
	h.Ehsize, h.Shentsize, s.align = 64, 64, 8
	if !e.is64() {
		h.Ehsize, h.Shentsize, s.align = 52, 40, 4
	}
	up := func(v uint64) uint64 { v, _ = alignUp(v, s.align); return v }
	symbolsAt := up(lengthSize + uint64(h.Ehsize) + sectionCount*uint64(h.Shentsize))
	s.stringsAt = up(symbolsAt + s.symtab.Size)
	end := s.stringsAt + s.strtab.Size
	s.size = up(end)

	h.Version, h.Phoff, h.Phentsize, h.Phnum = 1, 0, 0, 0
	h.Shoff, h.Shnum, h.StringSections = uint64(h.Ehsize), sectionCount, 0
	symtab, strtab := s.symtab, s.strtab
	symtab.Offset, symtab.Link = symbolsAt-lengthSize, 2
	strtab.Offset = s.stringsAt - lengthSize
	s.head = binary.LittleEndian.AppendUint32(nil, uint32(end-lengthSize))
	s.head = append(s.head, e.ident...)
	s.head = h.append(s.head, e.is64())
	for _, section := range []elfSection64{{}, symtab, strtab} {
		s.head = section.append(s.head, e.is64())
	}
	s.head = append(s.head, make([]byte, symbolsAt-uint64(len(s.head)))...)
}

// same tells whether both are laid out alike.
func (s *elfSymbols) same(t *elfSymbols) bool {
	if s == nil || t == nil {
		return s == t
	}
	return string(s.head) == string(t.head) && s.symtab == t.symtab && s.strtab == t.strtab
}

// behind is where they are when the kernel ends at an address.
func (s *elfSymbols) behind(end uint64) Range {
	at, _ := alignUp(end, s.align)
	return Range{Start: at, Size: s.size, Type: RAM}
}

// Size implements [Source].
func (s *elfSymbols) Size() int64 { return int64(s.size) }

// ReadAt implements [Source].
func (s *elfSymbols) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off > s.Size() {
		return 0, fmt.Errorf("symbols: read at %d of %d", off, s.size)
	}
	short := int64(len(b)) > s.Size()-off
	b = b[:min(int64(len(b)), s.Size()-off)]
	clear(b)
	if off < int64(len(s.head)) {
		copy(b, s.head[off:])
	}
	for _, part := range []struct {
		what string
		elfSection64
		at int64
	}{{"symbol table", s.symtab, int64(len(s.head))}, {"symbols' names", s.strtab, int64(s.stringsAt)}} {
		from := max(part.at, off)
		to := min(part.at+int64(part.Size), off+int64(len(b)))
		if from >= to {
			continue
		}
		if err := readAt(s.file, b[from-off:to-off], part.Offset+uint64(from-part.at), part.what); err != nil {
			return 0, err
		}
	}
	if short {
		return len(b), io.EOF
	}
	return len(b), nil
}
