package codec

import (
	"encoding/binary"
	"io"

	"pvboot/loader/image/codec/lzma"
)

// Size is how long the contents of src say that they are, in bytes; false when
// the format or this file does not tell. It is no more than a claim: only
// unpacking shows whether it is true.
func (c *Codec) Size(src *io.SectionReader) (n int64, ok bool) {
	if c.size == nil {
		return 0, false
	}
	if n, ok = c.size(src); !ok || n < 0 {
		return 0, false
	}
	return n, true
}

// at reads n bytes; nil if there are not so many.
func at(src *io.SectionReader, off int64, n int) []byte {
	b := make([]byte, n)
	if got, _ := src.ReadAt(b, off); off < 0 || got < n {
		return nil
	}
	return b
}

// gzipSize is ISIZE, the last word (RFC 1952, 2.3.1).
func gzipSize(src *io.SectionReader) (int64, bool) {
	const header, trailer = 10, 8
	b := at(src, src.Size()-4, 4)
	if b == nil || src.Size() <= header+trailer {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint32(b)), true
}

// zstdSize is the content size in the header of the frame (RFC 8878, 3.1.1.1).
func zstdSize(src *io.SectionReader) (int64, bool) {
	b := at(src, 4, 1)
	if b == nil {
		return 0, false
	}
	single, length := b[0]>>5&1 != 0, []int{0, 2, 4, 8}[b[0]>>6]
	before := int64(5 + []int{0, 1, 2, 4}[b[0]&3])
	if single {
		length = max(length, 1)
	} else {
		before++ // the window
	}
	var wide [8]byte
	if length == 0 || copy(wide[:], at(src, before, length)) < length {
		return 0, false
	}
	n := int64(binary.LittleEndian.Uint64(wide[:]))
	if length == 2 {
		n += 256
	}
	return n, true
}

// lzmaSize stands in the header, unless a marker ends the contents.
func lzmaSize(src *io.SectionReader) (int64, bool) {
	b := at(src, lzma.HeaderSize-8, 8)
	if b == nil {
		return 0, false
	}
	n := int64(binary.LittleEndian.Uint64(b))
	return n, n != -1
}

// xzSize is the sum of the sizes in the index at the end (The .xz File Format,
// 2.1.2 and 4).
func xzSize(src *io.SectionReader) (int64, bool) {
	const footer, maxIndex = 12, 1 << 20
	b := at(src, src.Size()-footer, footer)
	if b == nil || string(b[10:]) != "YZ" {
		return 0, false
	}
	size := (int64(binary.LittleEndian.Uint32(b[4:])) + 1) * 4
	if size > maxIndex {
		return 0, false
	}
	b = at(src, src.Size()-footer-size, int(size))
	if b == nil || b[0] != 0 {
		return 0, false
	}
	b = b[1:]
	number := func() (v uint64, ok bool) {
		v, n := binary.Uvarint(b) // as in 1.2
		if n <= 0 {
			return 0, false
		}
		b = b[n:]
		return v, true
	}
	blocks, ok := number()
	total := int64(0)
	for ; ok && blocks > 0; blocks-- {
		var n uint64
		if _, ok = number(); ok {
			n, ok = number()
		}
		if total += int64(n); n > 1<<40 || total > 1<<40 {
			return 0, false
		}
	}
	return total, ok
}
