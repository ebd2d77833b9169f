package zstd

import (
	"encoding/binary"
	"math/bits"
)

// Constants of XXH64 (xxHash specification 0.1.1, "XXH64 Algorithm").
const (
	prime1 uint64 = 0x9E3779B185EBCA87
	prime2 uint64 = 0xC2B2AE3D27D4EB4F
	prime3 uint64 = 0x165667B19E3779F9
	prime4 uint64 = 0x85EBCA77C2B2AE63
	prime5 uint64 = 0x27D4EB2F165667C5
)

func xxhRound(acc, lane uint64) uint64 {
	return bits.RotateLeft64(acc+lane*prime2, 31) * prime1
}

// xxh64 is the hash of b with seed 0.
func xxh64(b []byte) uint64 {
	le := binary.LittleEndian
	h := prime5
	length := uint64(len(b))
	if len(b) >= 32 {
		one, two := prime1, prime2
		acc := [4]uint64{one + two, two, 0, -one}
		for ; len(b) >= 32; b = b[32:] {
			acc[0] = xxhRound(acc[0], le.Uint64(b))
			acc[1] = xxhRound(acc[1], le.Uint64(b[8:]))
			acc[2] = xxhRound(acc[2], le.Uint64(b[16:]))
			acc[3] = xxhRound(acc[3], le.Uint64(b[24:]))
		}
		h = bits.RotateLeft64(acc[0], 1) + bits.RotateLeft64(acc[1], 7) +
			bits.RotateLeft64(acc[2], 12) + bits.RotateLeft64(acc[3], 18)
		for _, a := range acc {
			h = (h^xxhRound(0, a))*prime1 + prime4
		}
	}
	h += length
	for ; len(b) >= 8; b = b[8:] {
		h = bits.RotateLeft64(h^xxhRound(0, le.Uint64(b)), 27)*prime1 + prime4
	}
	if len(b) >= 4 {
		h = bits.RotateLeft64(h^uint64(le.Uint32(b))*prime1, 23)*prime2 + prime3
		b = b[4:]
	}
	for _, v := range b {
		h = bits.RotateLeft64(h^uint64(v)*prime5, 11) * prime1
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}
