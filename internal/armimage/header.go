// Package armimage turns a program that Go's linker wrote for arm64 into what
// boot loaders for arm64 take: a Linux Image, which is memory as it shall be,
// with a header of 64 bytes at its start. Xen refuses anything else as
// kernel= of an arm64 domain, and QEMU, U-Boot and GRUB take it too.
//
// Sources: Linux Documentation/arch/arm64/booting.rst, "Call the kernel
// image"; Arm ARM (DDI 0487), C6.2 "B"; System V gABI, chapter 5.
package armimage

import (
	"encoding/binary"
	"fmt"
)

// HeaderSize is the size of the header in bytes.
const HeaderSize = 64

// magicAt is where the magic number, "ARM\x64", stands in the header.
const magicAt = 56

var magic = [4]byte{'A', 'R', 'M', 0x64}

// flagPages4K says that the program uses pages of 4 KiB (booting.rst, flags,
// bits 1 and 2). Bit 3 is not set: the image must lie near the start of RAM.
const flagPages4K = 1 << 1

// header is the part of an Image's header that a program differs in. The rest
// is the same for all: little-endian, pages of 4 KiB, as near to the start of
// RAM as it can be.
type header struct {
	entry      uint64 // in bytes from the start of the image
	textOffset uint64 // in bytes from the start of RAM
	size       uint64 // in bytes, with what the file does not hold
}

// branchRange is how far a B instruction reaches ahead, in bytes (DDI 0487,
// C6.2 "B": 26 bits, signed, of words).
const branchRange = 128 << 20

// encode returns the header's bytes. The first instruction is a branch to the
// entry.
func (h header) encode() ([HeaderSize]byte, error) {
	var b [HeaderSize]byte
	if h.entry%4 != 0 || h.entry < HeaderSize || h.entry >= branchRange {
		return b, fmt.Errorf("armimage: entry at offset %#x: cannot be branched to", h.entry)
	}
	binary.LittleEndian.PutUint32(b[0:], 0x14000000|uint32(h.entry/4))
	binary.LittleEndian.PutUint64(b[8:], h.textOffset)
	binary.LittleEndian.PutUint64(b[16:], h.size)
	binary.LittleEndian.PutUint64(b[24:], flagPages4K)
	copy(b[magicAt:], magic[:])
	return b, nil
}

// Is reports whether a file that begins with b is an Image.
func Is(b []byte) bool {
	return len(b) >= HeaderSize && [4]byte(b[magicAt:]) == magic
}
