package armimage

import (
	"bytes"
	"debug/elf"
	"fmt"
)

// headerRoom is what Go's linker leaves before the text for its own headers,
// in bytes. The Image's header takes its place.
const headerRoom = 4096

// MaxSize caps the memory of an image, in bytes: it lies in one piece, and a
// branch must reach its entry.
const MaxSize = branchRange

// Finish returns the Image of a static executable. ramBase is the address at
// which RAM begins where the image will run: the executable must be linked
// above it, on a page, because the Image asks for this distance.
func Finish(linked []byte, ramBase uint64) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(linked))
	if err != nil {
		return nil, fmt.Errorf("armimage: %w", err)
	}
	defer f.Close()
	if f.Class != elf.ELFCLASS64 || f.Data != elf.ELFDATA2LSB || f.Type != elf.ET_EXEC || f.Machine != elf.EM_AARCH64 {
		return nil, fmt.Errorf("armimage: %v %v %v %v: want a static little-endian executable for arm64", f.Class, f.Data, f.Type, f.Machine)
	}
	loads, base, size, err := loadable(f)
	if err != nil {
		return nil, err
	}
	if base < ramBase || base%headerRoom != 0 {
		return nil, fmt.Errorf("armimage: linked to run at %#x: want a page above %#x", base, ramBase)
	}
	h := header{entry: f.Entry - base, textOffset: base - ramBase, size: size}
	if f.Entry < base+headerRoom || !inText(loads, f.Entry) {
		return nil, fmt.Errorf("armimage: entry %#x is in no code", f.Entry)
	}
	head, err := h.encode()
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
			return nil, 0, 0, fmt.Errorf("armimage: segment %d: %d bytes for %d bytes of memory", i, p.Filesz, p.Memsz)
		}
		if len(loads) == 0 {
			base = p.Vaddr
		}
		if p.Vaddr < base || p.Vaddr-base < size {
			return nil, 0, 0, fmt.Errorf("armimage: segment %d: address %#x lies in or before the segment before it", i, p.Vaddr)
		}
		at := p.Vaddr - base
		if at > MaxSize || p.Memsz > MaxSize-at {
			return nil, 0, 0, fmt.Errorf("armimage: segment %d: more than %d MiB of memory", i, MaxSize>>20)
		}
		loads, size = append(loads, p), at+p.Memsz
	}
	if len(loads) == 0 || loads[0].Filesz < headerRoom {
		return nil, 0, 0, fmt.Errorf("armimage: the first segment does not begin with %d bytes for headers", headerRoom)
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
			return nil, fmt.Errorf("armimage: %d bytes at file offset %d: %w", p.Filesz, p.Off, err)
		}
	}
	return image, nil
}
