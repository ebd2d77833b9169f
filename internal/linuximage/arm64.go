package linuximage

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
)

// ARM64 is the Image of Linux Documentation/arch/arm64/booting.rst, "Call the
// kernel image". Xen refuses anything else as kernel= of an arm64 domain, and
// QEMU, U-Boot and GRUB take it too.
var ARM64 = Format{
	arch:    "arm64",
	machine: elf.EM_AARCH64,
	magic:   "ARM\x64",
	magicAt: 56,
	encode:  encodeARM64,
}

// flagPages4K says that the program uses pages of 4 KiB (booting.rst, flags,
// bits 1 and 2). Bit 3 is not set: the image must lie near the start of RAM.
const flagPages4K = 1 << 1

// branchRange is how far a B instruction reaches ahead, in bytes (Arm ARM, DDI
// 0487, C6.2 "B": 26 bits, signed, of words).
const branchRange = 128 << 20

// encodeARM64: the first instruction is a branch to the entry.
func encodeARM64(h header, b []byte) error {
	if h.entry%4 != 0 || h.entry < HeaderSize || h.entry >= branchRange {
		return fmt.Errorf("linuximage: entry at offset %#x: cannot be branched to", h.entry)
	}
	binary.LittleEndian.PutUint32(b[0:], 0x14000000|uint32(h.entry/4))
	binary.LittleEndian.PutUint64(b[8:], h.textOffset)
	binary.LittleEndian.PutUint64(b[16:], h.size)
	binary.LittleEndian.PutUint64(b[24:], flagPages4K)
	return nil
}
