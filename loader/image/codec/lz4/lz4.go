// Package lz4 unpacks files of LZ4's legacy frame format, which kernels are
// packed in, into memory that holds all of their contents. The format has
// neither an end nor a checksum.
//
// Source: lz4_Frame_format.md, "Legacy frame"; lz4_Block_format.md.
package lz4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Errors that a caller may want to tell apart. An input that is cut off is
// io.ErrUnexpectedEOF.
var (
	ErrTooLarge = errors.New("unpacks to more than there is room for")
	ErrDamaged  = errors.New("damaged")
)

const (
	magic     = 0x184c2102
	maxBlock  = 8 << 20                      // unpacked
	maxPacked = maxBlock + maxBlock/255 + 16 // LZ4_COMPRESSBOUND
	minMatch  = 4
)

// Unpack unpacks all of src into dst and returns how many bytes it holds.
func Unpack(dst []byte, src io.Reader) (int, error) {
	var word [4]byte
	if _, err := io.ReadFull(src, word[:]); err != nil {
		return 0, noEOF(err)
	}
	if binary.LittleEndian.Uint32(word[:]) != magic {
		return 0, damaged("no frame")
	}
	n := 0
	var block []byte
	for {
		if _, err := io.ReadFull(src, word[:]); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
		size := binary.LittleEndian.Uint32(word[:])
		switch {
		case size == magic: // another frame
			continue
		case size == 0 || size > maxPacked:
			return n, damaged("bad block size")
		}
		if uint32(cap(block)) < size {
			block = make([]byte, size)
		}
		block = block[:size]
		if _, err := io.ReadFull(src, block); err != nil {
			return n, noEOF(err)
		}
		got, err := unpackBlock(dst[n:], block)
		n += got
		if err != nil {
			return n, err
		}
	}
}

// Head unpacks the first n bytes, fewer if there are not so many.
func Head(src io.Reader, n int) ([]byte, error) {
	dst := make([]byte, n)
	got, err := Unpack(dst, src)
	if errors.Is(err, ErrTooLarge) {
		err = nil
	}
	return dst[:got], err
}

// unpackBlock unpacks a block, which does not refer to others. It fills dst
// before it says ErrTooLarge.
func unpackBlock(dst, b []byte) (n int, err error) {
	full := error(ErrTooLarge)
	if len(dst) > maxBlock {
		dst, full = dst[:maxBlock], damaged("block too large")
	}
	for len(b) > 0 {
		token := b[0]
		b = b[1:]
		literals := 0
		if literals, b, err = length(b, int(token>>4)); err != nil {
			return n, err
		}
		if literals > len(b) {
			return n, damaged("literals cut off")
		}
		got := copy(dst[n:], b[:literals])
		n += got
		if got < literals {
			return n, full
		}
		b = b[literals:]
		if len(b) == 0 {
			return n, nil // the last sequence has no match
		}
		if len(b) < 2 {
			break
		}
		distance := int(binary.LittleEndian.Uint16(b))
		match := 0
		if match, b, err = length(b[2:], int(token&15)); err != nil {
			return n, err
		}
		match += minMatch
		if distance == 0 || distance > n {
			return n, damaged("match before the beginning")
		}
		from, end := n-distance, min(n+match, len(dst))
		match -= end - n
		for n < end {
			n += copy(dst[n:end], dst[from:n])
		}
		if match > 0 {
			return n, full
		}
	}
	return n, damaged("block without an end")
}

// length adds to a length of 15 the bytes that follow, up to one below 255.
func length(b []byte, v int) (int, []byte, error) {
	if v < 15 {
		return v, b, nil
	}
	for i, c := range b {
		v += int(c)
		if c < 255 {
			return v, b[i+1:], nil
		}
	}
	return 0, nil, damaged("length cut off")
}

func damaged(what string) error { return fmt.Errorf("%w: %s", ErrDamaged, what) }

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
