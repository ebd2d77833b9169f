package linuximage

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// RISCV64 is the Image of Linux Documentation/arch/riscv/boot-image-header.rst.
// Xen, U-Boot and GRUB look at its header; QEMU takes the file as it is.
var RISCV64 = Format{
	arch:    "riscv64",
	machine: elf.EM_RISCV,
	magic:   "RSC\x05",
	magicAt: 56,
	encode:  encodeRISCV64,
}

const (
	// headerVersion is 0.2: the magic number at offset 56 counts.
	headerVersion = 2
	// oldMagic is what versions before had.
	oldMagic = "RISCV\x00\x00\x00"
)

// encodeRISCV64: the first two instructions are a jump by t0 to the entry (The
// RISC-V Instruction Set Manual, volume I, "AUIPC", "JALR").
func encodeRISCV64(h header, b []byte) error {
	if h.entry%2 != 0 || h.entry < HeaderSize || h.entry >= MaxSize {
		return fmt.Errorf("linuximage: entry at offset %#x: cannot be jumped to", h.entry)
	}
	const t0, auipc, jalr = 5, 0x17, 0x67
	low := uint32(h.entry) & 0xfff
	high := (uint32(h.entry) + 0x800) &^ 0xfff // low is signed
	binary.LittleEndian.PutUint32(b[0:], high|t0<<7|auipc)
	binary.LittleEndian.PutUint32(b[4:], low<<20|t0<<15|jalr)
	binary.LittleEndian.PutUint64(b[8:], h.textOffset)
	binary.LittleEndian.PutUint64(b[16:], h.size)
	binary.LittleEndian.PutUint32(b[32:], headerVersion)
	copy(b[48:], oldMagic)
	return nil
}
