package ext4

import (
	"encoding/binary"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crc32c continues sum over b without the usual inversions at start and end,
// as ext4 and jbd2 use it. The first sum is ^uint32(0).
func crc32c(sum uint32, b []byte) uint32 { return ^crc32.Update(^sum, castagnoli, b) }

// crc32cLE continues sum over a little-endian number.
func crc32cLE(sum, v uint32) uint32 {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	return crc32c(sum, b[:])
}

// crc32cZero continues sum over n zero bytes: a checksum field skipped.
func crc32cZero(sum uint32, n int) uint32 { return crc32c(sum, make([]byte, n)) }

// crc16 is CRC-16/ARC (polynomial 0x8005 reflected) continued from sum, as
// uninit_bg uses it for group descriptors.
func crc16(sum uint16, b []byte) uint16 {
	for _, c := range b {
		sum ^= uint16(c)
		for range 8 {
			low := sum & 1
			sum >>= 1
			if low != 0 {
				sum ^= 0xa001
			}
		}
	}
	return sum
}

// crc32be is the most-significant-bit-first CRC-32 of polynomial 0x04c11db7,
// without inversions, that the journal's old "checksum" feature uses.
func crc32be(sum uint32, b []byte) uint32 {
	for _, c := range b {
		sum = sum<<8 ^ crc32beTable[byte(sum>>24)^c]
	}
	return sum
}

var crc32beTable = func() (t [256]uint32) {
	for i := range t {
		v := uint32(i) << 24
		for range 8 {
			high := v >> 31
			v <<= 1
			if high != 0 {
				v ^= 0x04c11db7
			}
		}
		t[i] = v
	}
	return t
}()
