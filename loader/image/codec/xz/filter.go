package xz

import "encoding/binary"

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
