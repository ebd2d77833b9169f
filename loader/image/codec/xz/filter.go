package xz

import (
	"encoding/binary"
	"math/bits"
)

// filters turn what compresses better back into code; start is the address of
// the first byte of b.
var filters = map[uint64]func(b []byte, start uint32){
	filterX86:   x86,
	filterARM64: arm64,
}

// arm64 turns absolute addresses in code, which compress better, into the
// relative ones that they were: those of BL, and of ADRP within 512 MiB (5.3.2;
// Arm ARM C6.2). start is the address of b's first byte.
func arm64(b []byte, start uint32) {
	le := binary.LittleEndian
	for i := 0; i+4 <= len(b); i += 4 {
		pc, v := start+uint32(i), le.Uint32(b[i:])
		switch {
		case v>>26 == 0x25: // BL: a distance in words
			le.PutUint32(b[i:], 0x25<<26|(v-pc>>2)&(1<<26-1))
		case v&0x9f000000 == 0x90000000: // ADRP: a distance in pages, in two parts
			page := v>>29&3 | v>>3&0x1ffffc
			if (page+1<<17)&0x1c0000 != 0 {
				continue
			}
			page -= pc >> 12
			v &= 0x9000001f
			v |= page & 3 << 29
			v |= page & 0x3fffc << 3
			v |= -(page & (1 << 17)) & 0xe00000
			le.PutUint32(b[i:], v)
		}
	}
}

// x86Ahead is how many bytes at the end the filter for x86 code leaves as they
// are: an instruction that it converts has five.
const x86Ahead = 4

// x86 does the same for CALL and JMP with a distance of 32 bits (opcodes e8 and
// e9), within 16 MiB: the highest byte of such an address is 00 or ff, by which
// both filters tell it from bytes that only look like the opcode (5.3.2).
func x86(b []byte, start uint32) {
	le := binary.LittleEndian
	// Bit k of opcodes: there is an opcode k+1 bytes before, not converted.
	opcodes := 0
	for i := 0; ; i++ {
		skip := nextOpcode(b[i:])
		i, opcodes = i+skip, opcodes<<min(skip, 3)&7
		if i >= len(b)-x86Ahead {
			return
		}
		back, single := 0, true // how far back the opcode is
		switch opcodes {
		case 0:
		case 1, 2:
			back = opcodes
		case 4:
			back = 3
		default:
			single = false
		}
		if !single || back > 0 && signByte(b[i+4-back]) || !signByte(b[i+4]) {
			opcodes = (opcodes<<1 | 1) & 7
			continue
		}
		next := start + uint32(i) + 5
		distance := le.Uint32(b[i+1:]) - next
		// What the encoder would have made look like the end of the opcode
		// before, it has turned over and converted once more.
		if shift := 8 * back; back > 0 && signByte(byte(distance>>(24-shift))) {
			distance = distance ^ (1<<(32-shift) - 1) - next
		}
		// Bit 24 is the sign.
		le.PutUint32(b[i+1:], uint32(int32(distance<<7)>>7))
		i += 4
		opcodes = 0
	}
}

// signByte tells whether v can be the highest byte of a short distance.
func signByte(v byte) bool { return v == 0x00 || v == 0xff }

// nextOpcode is how far it is to the next byte e8 or e9, or to the end.
func nextOpcode(b []byte) int {
	const ones = 0x0101010101010101
	i := 0
	for ; i+8 <= len(b); i += 8 {
		// A byte of v is 0 where there is one; the lowest is found by what
		// subtracting 1 from each byte borrows.
		v := binary.LittleEndian.Uint64(b[i:])&(0xfe*ones) ^ 0xe8*ones
		if found := (v - ones) &^ v & (0x80 * ones); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(b) && b[i]&0xfe != 0xe8; i++ {
	}
	return i
}
