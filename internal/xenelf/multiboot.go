package xenelf

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// Multiboot2 Specification 2.0, section 3.1 "OS image format".
const (
	mb2Magic      = 0xe85250d6
	mb2I386       = 0
	mb2TagAddress = 2
	mb2TagEntry   = 3
	mb2Align      = 8 // of the header and of each tag
)

// mb2Header is a header with the tags that say where to load and to enter.
type mb2Header struct {
	Magic, Architecture, Length, Checksum uint32

	Address struct {
		Type, Flags                       uint16
		Size                              uint32
		HeaderAddr, Load, LoadEnd, BSSEnd uint32
	}
	Entry struct {
		Type, Flags        uint16
		Size               uint32
		EntryAddr, Padding uint32 // with padding, which Size leaves out
	}
	End struct {
		Type, Flags uint16
		Size        uint32
	}
}

// AddMultiboot2 puts a Multiboot 2 header behind the notes of an image that
// Finish made, and returns the image. A boot loader enters it at the physical
// address entry, in 32-bit mode, as Xen does with PVH.
//
// The header gives addresses, for GRUB refuses ELF files without section
// headers. So all segments must lie in the file as they do in memory. There is
// no Multiboot 1 header: QEMU's -kernel prefers that to PVH, and then takes no
// 64-bit ELF file.
func AddMultiboot2(image []byte, entry uint64) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, fmt.Errorf("xenelf: %w", err)
	}
	defer f.Close()
	if f.Data != elf.ELFDATA2LSB {
		return nil, fmt.Errorf("xenelf: %v: Multiboot has little-endian images only", f.Data)
	}
	base, loadEnd, bssEnd, at, err := multibootLayout(f)
	if err != nil {
		return nil, err
	}
	if bssEnd > 1<<32-1 || entry < base || entry >= loadEnd {
		return nil, fmt.Errorf("xenelf: %#x-%#x entered at %#x is no image for 32-bit code", base, bssEnd, entry)
	}
	var h mb2Header
	length := uint32(binary.Size(h))
	h.Magic, h.Architecture, h.Length = mb2Magic, mb2I386, length
	h.Checksum = -(h.Magic + h.Architecture + h.Length)
	h.Address.Type, h.Address.Size = mb2TagAddress, uint32(binary.Size(h.Address))
	h.Address.HeaderAddr, h.Address.Load = uint32(base+at), uint32(base)
	h.Address.LoadEnd, h.Address.BSSEnd = uint32(loadEnd), uint32(bssEnd)
	h.Entry.Type, h.Entry.Size, h.Entry.EntryAddr = mb2TagEntry, uint32(binary.Size(h.Entry))-4, uint32(entry)
	h.End.Size = uint32(binary.Size(h.End))

	out := bytes.Clone(image)
	if at+uint64(length) > headerRoom {
		return nil, fmt.Errorf("xenelf: a Multiboot header at %d does not fit before the text", at)
	}
	_, err = binary.Encode(out[at:], binary.LittleEndian, h)
	return out, err
}

// multibootLayout is where the file's first byte lies, where its bytes and its
// bss end, and the offset of the room behind the notes.
func multibootLayout(f *elf.File) (base, loadEnd, bssEnd, room uint64, err error) {
	room = headerRoom
	for i, p := range f.Progs {
		switch p.Type {
		case elf.PT_NOTE:
			room = (p.Off + p.Filesz + mb2Align - 1) &^ (mb2Align - 1)
		case elf.PT_LOAD:
			if i == 0 {
				base = p.Paddr - p.Off
			}
			if p.Paddr-p.Off != base || p.Paddr < bssEnd {
				return 0, 0, 0, 0, fmt.Errorf("xenelf: segment at %#x does not lie in the file as in memory", p.Paddr)
			}
			loadEnd, bssEnd = p.Paddr+p.Filesz, p.Paddr+p.Memsz
		}
	}
	return base, loadEnd, bssEnd, room, nil
}
