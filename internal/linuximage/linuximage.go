// Package linuximage turns a program that Go's linker wrote into what boot
// loaders take as a kernel: a Linux Image, which is memory as it shall be, with a
// header of 64 bytes at its start. What the header has is a [Format].
//
// Sources, beside those of the formats: System V gABI, chapter 5.
package linuximage

import (
	"bytes"
	"debug/elf"
	"fmt"
)

// HeaderSize is the size of the header in bytes.
const HeaderSize = 64

// Format is an architecture's Image.
type Format struct {
	arch    string
	machine elf.Machine
	magic   string
	magicAt int // in the header
	// encode fills the header but for the magic number.
	encode func(h header, b []byte) error
}

// header is the part of an Image's header that a program differs in. The rest
// is the same for all: little-endian, pages of 4 KiB, as near to the start of
// RAM as it can be.
type header struct {
	entry      uint64 // in bytes from the start of the image
	textOffset uint64 // in bytes from the start of RAM
	size       uint64 // in bytes, with what the file does not hold
}

// Is reports whether a file that begins with b is an Image.
func (f *Format) Is(b []byte) bool {
	return len(b) >= HeaderSize && string(b[f.magicAt:][:len(f.magic)]) == f.magic
}

// header returns the bytes of a header.
func (f *Format) header(h header) (b [HeaderSize]byte, err error) {
	if err := f.encode(h, b[:]); err != nil {
		return b, err
	}
	copy(b[f.magicAt:], f.magic)
	return b, nil
}

// headerRoom is what Go's linker leaves before the text for its own headers,
// in bytes. The Image's header takes its place.
const headerRoom = 4096

// MaxSize caps the memory of an image, in bytes: it lies in one piece, and a
// branch must reach its entry.
const MaxSize = 128 << 20

// Finish returns the Image of a static executable. ramBase is the address at
// which RAM begins where the image will run: the executable must be linked
// above it, on a page, because the Image asks for this distance.
func (format *Format) Finish(linked []byte, ramBase uint64) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(linked))
	if err != nil {
		return nil, fmt.Errorf("linuximage: %w", err)
	}
	defer f.Close()
	if f.Class != elf.ELFCLASS64 || f.Data != elf.ELFDATA2LSB || f.Type != elf.ET_EXEC || f.Machine != format.machine {
		return nil, fmt.Errorf("linuximage: %v %v %v %v: want a static little-endian executable for %s", f.Class, f.Data, f.Type, f.Machine, format.arch)
	}
	loads, base, size, err := loadable(f)
	if err != nil {
		return nil, err
	}
	if base < ramBase || base%headerRoom != 0 {
		return nil, fmt.Errorf("linuximage: linked to run at %#x: want a page above %#x", base, ramBase)
	}
	h := header{entry: f.Entry - base, textOffset: base - ramBase, size: size}
	if f.Entry < base+headerRoom || !inText(loads, f.Entry) {
		return nil, fmt.Errorf("linuximage: entry %#x is in no code", f.Entry)
	}
	head, err := format.header(h)
	if err != nil {
		return nil, err
	}
	image, err := flatten(loads, base)
	if err != nil {
		return nil, err
	}
	clear(image[:headerRoom])
	copy(image, head[:])
	return image, nil
}

// loadable returns the segments with contents or room, which must follow one
// another, the address of the first, and the size of the memory they take.
func loadable(f *elf.File) (loads []*elf.Prog, base, size uint64, err error) {
	for i, p := range f.Progs {
		if p.Type != elf.PT_LOAD || p.Memsz == 0 {
			continue
		}
		if p.Filesz > p.Memsz {
			return nil, 0, 0, fmt.Errorf("linuximage: segment %d: %d bytes for %d bytes of memory", i, p.Filesz, p.Memsz)
		}
		if len(loads) == 0 {
			base = p.Vaddr
		}
		if p.Vaddr < base || p.Vaddr-base < size {
			return nil, 0, 0, fmt.Errorf("linuximage: segment %d: address %#x lies in or before the segment before it", i, p.Vaddr)
		}
		at := p.Vaddr - base
		if at > MaxSize || p.Memsz > MaxSize-at {
			return nil, 0, 0, fmt.Errorf("linuximage: segment %d: more than %d MiB of memory", i, MaxSize>>20)
		}
		loads, size = append(loads, p), at+p.Memsz
	}
	if len(loads) == 0 || loads[0].Filesz < headerRoom {
		return nil, 0, 0, fmt.Errorf("linuximage: the first segment does not begin with %d bytes for headers", headerRoom)
	}
	return loads, base, size, nil
}

// inText reports whether an instruction at addr is in the file.
func inText(loads []*elf.Prog, addr uint64) bool {
	for _, p := range loads {
		if p.Flags&elf.PF_X != 0 && addr >= p.Vaddr && addr-p.Vaddr < p.Filesz {
			return true
		}
	}
	return false
}

// flatten lays the segments' contents out as memory from base on, up to the
// last byte that is in the file.
func flatten(loads []*elf.Prog, base uint64) ([]byte, error) {
	size := uint64(0)
	for _, p := range loads {
		if p.Filesz > 0 {
			size = p.Vaddr - base + p.Filesz
		}
	}
	image := make([]byte, size)
	for _, p := range loads {
		if p.Filesz == 0 {
			continue
		}
		at := p.Vaddr - base
		if _, err := p.ReadAt(image[at:at+p.Filesz], 0); err != nil {
			return nil, fmt.Errorf("linuximage: %d bytes at file offset %d: %w", p.Filesz, p.Off, err)
		}
	}
	return image, nil
}
