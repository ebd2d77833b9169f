package crc

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

func TestSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var f CRC32
	data := make([]byte, 100_000)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	for _, n := range []int{0, 1, 7, 8, 2399, 9599, 9600, 9601, 9631, 9632, 9633, 17_791, 17_792, 17_793, 65_536, 99_999} {
		for _, before := range []uint32{0, 1, 0x12345678, ^uint32(0)} {
			if got, want := f.Update(before, data[:n]), crc32.Update(before, crc32.IEEETable, data[:n]); got != want {
				t.Errorf("%d bytes behind %#x: %#x, want %#x", n, before, got, want)
			}
		}
	}
}
