package gzip

import (
	"hash/crc32"
	"testing"
)

func TestSum(t *testing.T) {
	var f folder
	data := noise(100_000)
	for _, n := range []int{0, 1, 7, 8, 2399, 9599, 9600, 9601, 9631, 9632, 9633, 17_791, 17_792, 17_793, 65_536, 99_999} {
		for _, before := range []uint32{0, 1, 0x12345678, ^uint32(0)} {
			if got, want := f.update(before, data[:n]), crc32.Update(before, crc32.IEEETable, data[:n]); got != want {
				t.Errorf("%d bytes behind %#x: %#x, want %#x", n, before, got, want)
			}
		}
	}
}
