package linuximage

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// FinishPPC64 returns the image of a static executable for ppc64le or ppc64: an
// ELF file like a vmlinux, which is what boot loaders for these take. It has one
// segment of physical address 0, which may be loaded anywhere, and is entered at
// its first byte in whichever byte order: QEMU's machine "pseries" and kexec look
// at the segment; skiboot takes the file for memory as it is. base is where the
// executable is linked to begin.
//
// Sources: Linux arch/powerpc/kernel/head_64.S; skiboot core/init.c, "try_load_elf64";
// Power ISA 3.0B, books I and III, for the instructions.
func FinishPPC64(linked []byte, base uint64) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(linked))
	if err != nil {
		return nil, fmt.Errorf("linuximage: %w", err)
	}
	defer f.Close()
	if f.Class != elf.ELFCLASS64 || f.Type != elf.ET_EXEC || f.Machine != elf.EM_PPC64 {
		return nil, fmt.Errorf("linuximage: %v %v %v: want a static executable for ppc64", f.Class, f.Type, f.Machine)
	}
	loads, start, size, err := loadable(f)
	if err != nil {
		return nil, err
	}
	if start != base {
		return nil, fmt.Errorf("linuximage: linked to run at %#x: want %#x", start, base)
	}
	memory, err := flatten(loads, base)
	if err != nil {
		return nil, err
	}
	entry, err := entryPPC64(f, memory, base)
	if err != nil {
		return nil, err
	}
	if entry < base+headerRoom || entry%4 != 0 || !inText(loads, entry) {
		return nil, fmt.Errorf("linuximage: entry %#x is in no code", entry)
	}
	clear(memory[:headerRoom])
	copy(memory, startPPC64(f.ByteOrder, uint32(entry-base)))

	var out bytes.Buffer
	header := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_PPC64), Version: uint32(elf.EV_CURRENT),
		Entry: base, Phoff: headerSize64, Ehsize: headerSize64, Phentsize: progSize64, Phnum: 1, Flags: flagsPPC64(f.Data),
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(f.Data), byte(elf.EV_CURRENT)
	prog := elf.Prog64{
		Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W | elf.PF_X), Off: headerRoom,
		Vaddr: base, Paddr: 0, Filesz: uint64(len(memory)), Memsz: size, Align: headerRoom,
	}
	for _, part := range []any{header, prog} {
		if err := binary.Write(&out, f.ByteOrder, part); err != nil {
			return nil, fmt.Errorf("linuximage: %w", err)
		}
	}
	out.Write(make([]byte, headerRoom-out.Len()))
	out.Write(memory)
	return out.Bytes(), nil
}

// Sizes of ELF64 structures (gABI, chapters 4 and 5).
const (
	headerSize64 = 64
	progSize64   = 56
)

// flagsPPC64 is the ABI that a kernel of this byte order has: ELF v2 or v1 (64-Bit
// ELF V2 ABI Specification: Power Architecture, 4.1 "ELF Header").
func flagsPPC64(data elf.Data) uint32 {
	if data == elf.ELFDATA2LSB {
		return 2
	}
	return 1
}

// entryPPC64 is the address of the first instruction: a big-endian executable has
// that of a function descriptor as its entry.
func entryPPC64(f *elf.File, memory []byte, base uint64) (uint64, error) {
	if f.Data == elf.ELFDATA2LSB {
		return f.Entry, nil
	}
	at := f.Entry - base
	if f.Entry < base || at > uint64(len(memory)) || uint64(len(memory))-at < 8 {
		return 0, fmt.Errorf("linuximage: entry %#x is in no segment", f.Entry)
	}
	return f.ByteOrder.Uint64(memory[at:]), nil
}

// IsPPC64 reports whether a file is an image of FinishPPC64.
func IsPPC64(file []byte) bool {
	f, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		return false
	}
	defer f.Close()
	return f.Machine == elf.EM_PPC64 && len(f.Progs) == 1 && f.Progs[0].Off == headerRoom && f.Progs[0].Vaddr == f.Entry && f.Progs[0].Paddr == 0
}

// startPPC64 is the first instructions: they go over to the program's byte order
// and to 64-bit mode, and on to what lies entry bytes from their start. They change
// r10 to r12 and LR. The first one does nothing in the program's byte order, and is
// b .+8 in the other.
func startPPC64(order binary.ByteOrder, entry uint32) []byte {
	own := []uint32{
		0x08000048, // tdi 0,0,0x48
		0x48000030, // b to what is behind the other byte order's
	}
	swapped := []uint32{
		0x429f0005, // bcl 20,31,.+4
		0x7d4802a6, // mflr r10
		0x394a0028, // addi r10,r10,40: what is behind
		0x7d6000a6, // mfmsr r11
		0x696b0001, // xori r11,r11,1: LE
		0x39800001, // li r12,1
		0x798cf806, // sldi r12,r12,63: SF
		0x7d6b6378, // or r11,r11,r12
		0x7d5a03a6, // mtsrr0 r10
		0x7d7b03a6, // mtsrr1 r11
		0x4c000024, // rfid
	}
	then := []uint32{
		0x7d6000a6, // mfmsr r11
		0x39800001, // li r12,1
		0x798cf806, // sldi r12,r12,63
		0x7d6b6378, // or r11,r11,r12
		0x7d600164, // mtmsrd r11
		0x4c00012c, // isync
	}
	var other binary.AppendByteOrder = binary.LittleEndian
	var same binary.AppendByteOrder = binary.BigEndian
	if order.Uint16([]byte{1, 0}) == 1 {
		other, same = same, other
	}
	var b []byte
	for _, w := range own {
		b = same.AppendUint32(b, w)
	}
	for _, w := range swapped {
		b = other.AppendUint32(b, w)
	}
	for _, w := range then {
		b = same.AppendUint32(b, w)
	}
	return same.AppendUint32(b, 0x48000000|(entry-uint32(len(b)))&0x3fffffc) // b
}
