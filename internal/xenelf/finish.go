// Package xenelf finishes an ELF image that Go's linker wrote so that Xen can
// start it: it puts Xen's ELF notes where PT_NOTE points and drops what is not
// loaded.
//
// Sources: System V gABI, chapters 4 and 5; the loader in Xen's
// xen/common/libelf.
package xenelf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"

	"pvboot/internal/xennote"
)

// headerRoom is where the text begins in a file of Go's linker: ELF header,
// program headers and the notes must fit before it.
const headerRoom = 4096

// Sizes of ELF64 structures (gABI, chapter 4 and 5).
const (
	ehdrSize = 64
	phdrSize = 56
	shdrSize = 64
)

// Finish returns the image with only its loadable segments and a PT_NOTE with
// the notes. Physical addresses are made equal to virtual ones. With symbols
// true everything else stays too, for debuggers and tests; an image with its
// symbols boots the same.
//
// notes is asked for with the image's entry address.
func Finish(image []byte, symbols bool, notes func(entry uint64) []xennote.Note) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, fmt.Errorf("xenelf: %w", err)
	}
	defer f.Close()
	if f.Class != elf.ELFCLASS64 || f.Type != elf.ET_EXEC {
		return nil, fmt.Errorf("xenelf: %v %v: want a static 64-bit executable", f.Class, f.Type)
	}
	loads, end, err := loadable(f)
	if err != nil {
		return nil, err
	}
	var order xennote.Order = binary.LittleEndian
	if f.Data == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	noteBytes := xennote.Encode(order, notes(f.Entry))
	noteAt := uint64(ehdrSize+phdrSize*(len(loads)+1)+7) &^ 7
	if noteAt+uint64(len(noteBytes)) > headerRoom {
		return nil, fmt.Errorf("xenelf: notes of %d bytes do not fit before the text", len(noteBytes))
	}
	base := loads[0].Vaddr

	out := bytes.Clone(image)
	if !symbols {
		out = out[:end]
	}
	header := bytes.NewBuffer(nil)
	header.Write(image[:ehdrSize])
	note := elf.Prog64{
		Type: uint32(elf.PT_NOTE), Flags: uint32(elf.PF_R), Off: noteAt, Vaddr: base + noteAt, Paddr: base + noteAt,
		Filesz: uint64(len(noteBytes)), Memsz: uint64(len(noteBytes)), Align: 4,
	}
	for _, p := range append(loads, note) {
		if err := binary.Write(header, f.ByteOrder, p); err != nil {
			return nil, fmt.Errorf("xenelf: %w", err)
		}
	}
	clear(out[:headerRoom])
	copy(out, header.Bytes())
	copy(out[noteAt:], noteBytes)
	return fixHeader(out, image, order, len(loads)+1, symbols)
}

// loadable returns the PT_LOAD headers and where the last one's bytes end.
func loadable(f *elf.File) (loads []elf.Prog64, end uint64, err error) {
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Memsz == 0 {
			continue
		}
		loads = append(loads, elf.Prog64{
			Type: uint32(p.Type), Flags: uint32(p.Flags), Off: p.Off, Vaddr: p.Vaddr, Paddr: p.Vaddr,
			Filesz: p.Filesz, Memsz: p.Memsz, Align: p.Align,
		})
		end = max(end, p.Off+p.Filesz)
	}
	if len(loads) == 0 || loads[0].Off != 0 || loads[0].Filesz < headerRoom {
		return nil, 0, fmt.Errorf("xenelf: the first segment does not begin with %d bytes for headers", headerRoom)
	}
	return loads, end, nil
}

// fixHeader sets the program header count. The section headers, which Go's
// linker puts where the notes go, move to the end, or go away (gABI,
// Elf64_Ehdr).
func fixHeader(out, image []byte, order xennote.Order, phnum int, symbols bool) ([]byte, error) {
	const phoff, shoff, phnumAt, shnum, shstrndx = 32, 40, 56, 60, 62
	order.PutUint64(out[phoff:], ehdrSize)
	order.PutUint16(out[phnumAt:], uint16(phnum))
	if !symbols {
		order.PutUint64(out[shoff:], 0)
		order.PutUint16(out[shnum:], 0)
		order.PutUint16(out[shstrndx:], 0)
		return out, nil
	}
	at, size := order.Uint64(image[shoff:]), uint64(order.Uint16(image[shnum:]))*shdrSize
	if at > uint64(len(image)) || size > uint64(len(image))-at {
		return nil, fmt.Errorf("xenelf: section headers at %d are beyond the end", at)
	}
	for len(out)%8 != 0 {
		out = append(out, 0)
	}
	order.PutUint64(out[shoff:], uint64(len(out)))
	return append(out, image[at:at+size]...), nil
}
