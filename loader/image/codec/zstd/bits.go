package zstd

import (
	"encoding/binary"
	"math/bits"
)

// backward reads a bit stream from its end to its beginning (RFC 8878, 4.1
// and 4.2.2): the last byte's highest set bit marks where it starts.
type backward struct {
	b    []byte // not yet taken
	acc  uint64 // its low bits are next
	left int    // how many; negative when more were read than there are
}

func newBackward(b []byte) (r backward, ok bool) {
	if len(b) == 0 || b[len(b)-1] == 0 {
		return r, false
	}
	last := b[len(b)-1]
	r = backward{b: b[:len(b)-1], acc: uint64(last), left: bits.Len8(last) - 1}
	return r, true
}

// fill makes at least 33 bits ready, or all that are left.
func (r *backward) fill() {
	if r.left <= 32 {
		r.more()
	}
}

func (r *backward) more() {
	if n := len(r.b); n >= 4 && r.left >= 0 {
		r.acc = r.acc<<32 | uint64(binary.LittleEndian.Uint32(r.b[n-4:]))
		r.b = r.b[:n-4]
		r.left += 32
		return
	}
	for r.left >= 0 && r.left <= 32 && len(r.b) > 0 {
		n := len(r.b)
		r.acc = r.acc<<8 | uint64(r.b[n-1])
		r.b = r.b[:n-1]
		r.left += 8
	}
}

// peek is the next n bits, at most 32, zeros behind the end of the stream.
func (r *backward) peek(n uint) uint32 {
	mask := uint64(1)<<n - 1
	if r.left >= int(n) {
		return uint32(r.acc >> (uint(r.left) - n) & mask)
	}
	if r.left <= 0 {
		return 0
	}
	return uint32(r.acc << (n - uint(r.left)) & mask)
}

func (r *backward) skip(n uint) { r.left -= int(n) }

// read is peek and skip.
func (r *backward) read(n uint) uint32 {
	r.left -= int(n)
	if r.left < 0 {
		return r.short(n)
	}
	return uint32(r.acc >> (uint(r.left) & 63) & (1<<(n&63) - 1))
}

// short is read behind the end.
func (r *backward) short(n uint) uint32 {
	if -r.left >= int(n) {
		return 0
	}
	return uint32(r.acc << uint(-r.left) & (1<<n - 1))
}

// ended tells whether every bit was read, and none that is not there.
func (r *backward) ended() bool { return r.left == 0 && len(r.b) == 0 }

// forward reads a bit stream from its beginning, the low bits of a byte
// first.
type forward struct {
	b   []byte
	pos int // bits that were read
}

// read is the next n bits, at most 16, zeros behind the end.
func (r *forward) read(n uint) uint32 {
	var v uint32
	for i := range 3 {
		if at := r.pos>>3 + i; at < len(r.b) {
			v |= uint32(r.b[at]) << (8 * i)
		}
	}
	v = v >> (r.pos & 7) & (1<<n - 1)
	r.pos += int(n)
	return v
}

// bytes is how many bytes were begun; false when there are not so many.
func (r *forward) bytes() (int, bool) {
	n := (r.pos + 7) / 8
	return n, n <= len(r.b)
}
