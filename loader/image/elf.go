package image

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"pvboot/internal/xennote"
)

// ELF's numbers (System V gABI, chapters 4 and 5; the processor supplements).
const (
	elfMagic   = "\x7fELF"
	elfIdent   = 16
	elfClass   = 4 // offsets in the file
	elfData    = 5
	elfTypeAt  = 16
	elfMachine = 18
	elfClass32 = 1
	elfClass64 = 2
	elfLittle  = 1

	elfExec   = 2 // e_type
	elfDyn    = 3
	elf386    = 3 // e_machine
	elfX86_64 = 62

	ptLoad      = 1
	ptNote      = 4
	shtNote     = 7
	elfAnyRight = 7 // p_flags: read, write, execute
)

// Bounds on what is read of an ELF file besides the bytes to load.
const (
	maxProgs     = 128     // program headers; kernels have about ten
	maxSections  = 4096    // section headers; kernels have about a hundred
	maxNoteBytes = 1 << 20 // of all notes together
)

// elfFile is a kernel in an ELF file, 32 or 64 bit, little-endian.
type elfFile struct {
	src     Source
	ident   []byte // the bytes that identify the file
	header  elfHeader
	progs   []elfProg64
	machine uint16
	entry   uint64 // e_entry, a virtual address
	// loads are the segments to load, by rising physical address. They do
	// not overlap.
	loads []elfLoad
	align uint64           // the largest p_align of loads
	notes []xennote.Record // of every owner, after readNotes
}

// elfLoad is a program header of type PT_LOAD.
type elfLoad struct {
	index                       int
	offset, vaddr, paddr, align uint64
	fileSize, memSize           uint64
}

func (l elfLoad) end() uint64 { return l.paddr + l.memSize }

// isELF tells whether head begins an ELF file for x86.
func isELF(head []byte) bool {
	if len(head) < 52 || string(head[:4]) != elfMagic || head[elfData] != elfLittle {
		return false
	}
	m := binary.LittleEndian.Uint16(head[elfMachine:])
	return m == elf386 || m == elfX86_64
}

// readELF reads what a kernel wants to be loaded. Everything in the result
// lies inside the file, and below 4 GiB in memory.
func readELF(src Source) (*elfFile, error) {
	e, err := readAnyELF(src)
	if err != nil {
		return nil, err
	}
	for _, l := range e.loads {
		if l.end() > 1<<32 {
			return nil, fmt.Errorf("program header %d: %#x bytes at %#x end above 4 GiB", l.index, l.memSize, l.paddr)
		}
	}
	return e, nil
}

// readAnyELF is readELF for memory anywhere.
func readAnyELF(src Source) (*elfFile, error) {
	h, ident, err := readELFHeader(src)
	if err != nil {
		return nil, err
	}
	if h.Type != elfExec && h.Type != elfDyn {
		return nil, fmt.Errorf("type %d: not an executable", h.Type)
	}
	e := &elfFile{src: src, ident: ident, header: h, machine: h.Machine, entry: h.Entry}
	if e.progs, err = e.readProgs(h); err != nil {
		return nil, err
	}
	for i, p := range e.progs {
		if err := e.addLoad(i, p); err != nil {
			return nil, err
		}
	}
	return e, e.sortLoads()
}

// is64 tells the file's class.
func (e *elfFile) is64() bool { return e.ident[elfClass] == elfClass64 }

// bits is 32 or 64.
func (e *elfFile) bits() int {
	if e.is64() {
		return 64
	}
	return 32
}

// addLoad keeps a header that asks for memory. Those without any right are
// not loaded by Xen either.
func (e *elfFile) addLoad(i int, p elfProg64) error {
	if p.Type != ptLoad || p.Flags&elfAnyRight == 0 || p.MemSize == 0 {
		return nil
	}
	if p.FileSize > p.MemSize {
		return fmt.Errorf("program header %d: %d bytes of file for %d of memory", i, p.FileSize, p.MemSize)
	}
	if size := uint64(e.src.Size()); p.FileSize > size || p.Offset > size-p.FileSize {
		return fmt.Errorf("program header %d: truncated: %d bytes at %d of a file of %d", i, p.FileSize, p.Offset, size)
	}
	if p.Paddr+p.MemSize < p.Paddr {
		return fmt.Errorf("program header %d: %#x bytes at %#x end nowhere", i, p.MemSize, p.Paddr)
	}
	e.loads = append(e.loads, elfLoad{
		index: i, offset: p.Offset, vaddr: p.Vaddr, paddr: p.Paddr, align: p.Align,
		fileSize: p.FileSize, memSize: p.MemSize,
	})
	e.align = max(e.align, p.Align)
	return nil
}

func (e *elfFile) sortLoads() error {
	if len(e.loads) == 0 {
		return errors.New("nothing to load")
	}
	slices.SortStableFunc(e.loads, func(a, b elfLoad) int { return cmp.Compare(a.paddr, b.paddr) })
	for i, l := range e.loads[1:] {
		if before := e.loads[i]; l.paddr < before.end() {
			return fmt.Errorf("program headers %d and %d overlap at %#x", before.index, l.index, l.paddr)
		}
	}
	return nil
}

// memory is what the segments span.
func (e *elfFile) memory() Range {
	start := e.loads[0].paddr
	return Range{Start: start, Size: e.loads[len(e.loads)-1].end() - start, Type: RAM}
}

// segments are the loads, each delta bytes above where it wants to be.
func (e *elfFile) segments(delta uint64) []Segment {
	var segs []Segment
	for _, l := range e.loads {
		s := Segment{Name: fmt.Sprintf("kernel segment %d", l.index), Addr: l.paddr + delta, Size: l.memSize}
		if l.fileSize > 0 {
			s.Data = io.NewSectionReader(e.src, int64(l.offset), int64(l.fileSize))
		}
		segs = append(segs, s)
	}
	return segs
}

// readNotes reads what headers of type PT_NOTE name, but for empty ones whose
// offset some linkers leave at 0; when no note of Xen's is among them, the
// sections of type SHT_NOTE (xen/common/libelf, elf_xen_parse).
func (e *elfFile) readNotes() error {
	left := uint64(maxNoteBytes)
	for i, p := range e.progs {
		if p.Type != ptNote || p.Offset == 0 {
			continue
		}
		if err := e.addNotes(p.Offset, p.FileSize, &left); err != nil {
			return fmt.Errorf("program header %d: %w", i, err)
		}
	}
	if slices.ContainsFunc(e.notes, func(r xennote.Record) bool { return r.Owner == xennote.Owner }) {
		return nil
	}
	sections, err := e.readSections(e.header)
	if err != nil {
		return err
	}
	for i, s := range sections {
		if s.Type != shtNote {
			continue
		}
		if err := e.addNotes(s.Offset, s.Size, &left); err != nil {
			return fmt.Errorf("section %d: %w", i, err)
		}
	}
	return nil
}

// addNotes appends the notes in size bytes at offset; left is what may still
// be read of notes.
func (e *elfFile) addNotes(offset, size uint64, left *uint64) error {
	if size > *left {
		return fmt.Errorf("notes of %d bytes, more than %d in all", size, maxNoteBytes)
	}
	*left -= size
	b := make([]byte, size)
	if err := readAt(e.src, b, offset, "notes"); err != nil {
		return err
	}
	// A note that is cut off ends them, as for Xen: 32-bit PvGRUB has one.
	records, _ := xennote.Split(binary.LittleEndian, b)
	e.notes = append(e.notes, records...)
	return nil
}

// note is the last of Xen's notes of a type, as it is for Xen.
func (e *elfFile) note(t xennote.Type) (r xennote.Record, ok bool) {
	for _, n := range e.notes {
		if n.Owner == xennote.Owner && n.Type == t {
			r, ok = n, true
		}
	}
	return r, ok
}
