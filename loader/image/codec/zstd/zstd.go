// Package zstd unpacks Zstandard frames (RFC 8878) into memory that holds all
// of their contents. What a frame refers back to is there already, so no
// window is kept and a frame may ask for one of any size: kernels come with
// 128 MiB, which is more than a loader has. Only blocks of at most 128 KiB are
// read at a time. Dictionaries are not supported.
package zstd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// Errors that a caller may want to tell apart. An input that is cut off is
// io.ErrUnexpectedEOF.
var (
	ErrTooLarge = errors.New("unpacks to more than there is room for")
	ErrDamaged  = errors.New("damaged")
	ErrChecksum = errors.New("checksum mismatch")
)

const (
	frameMagic    = 0xfd2fb528
	skippable     = 0x184d2a50 // and the next 15 (3.1.2)
	skippableMask = 0xfffffff0
	maxBlock      = 128 << 10 // what a block unpacks to (3.1.1.2.4)
)

// Unpack unpacks all frames of src into dst and returns how many bytes they
// hold. Checksums are verified. What lies behind the contents in dst may be
// overwritten.
func Unpack(dst []byte, src io.Reader) (int, error) {
	d := newDecoder(dst, src, false)
	for frames := 0; ; frames++ {
		switch err := d.frame(0); {
		case err == io.EOF && frames > 0:
			return d.n, nil
		case err == io.EOF:
			return d.n, io.ErrUnexpectedEOF
		case err != nil:
			return d.n, err
		}
	}
}

// Head unpacks the first bytes of src: n and up to 128 KiB more, fewer if its
// first frame that is not empty does not have so many.
func Head(src io.Reader, n int) ([]byte, error) {
	d := newDecoder(make([]byte, n+maxBlock), src, true)
	for frames := 0; ; frames++ {
		switch err := d.frame(n); {
		case err == io.EOF && frames == 0:
			return nil, io.ErrUnexpectedEOF
		case err != nil && err != io.EOF:
			return nil, err
		case err == io.EOF || d.n > 0:
			return d.dst[:d.n], nil
		}
	}
}

// decoder is the state of unpacking.
type decoder struct {
	src   io.Reader
	head  bool // unpack a beginning only
	dst   []byte
	n     int // bytes of dst that are filled
	start int // where the frame's contents begin in dst
	limit int // what a block of this frame may unpack to

	block    []byte // of the input
	literals []byte
	huffman  huffman
	// The tables of a frame's last block, for those that repeat them.
	lengths, offsets, matches fseTable
	recent                    [3]int // offsets (3.1.2.2.3, repeat offsets)
}

func newDecoder(dst []byte, src io.Reader, head bool) *decoder {
	return &decoder{src: src, head: head, dst: dst,
		block: make([]byte, 0, maxBlock), literals: make([]byte, 0, maxBlock)}
}

// read reads n bytes of the input that must be there.
func (d *decoder) read(n int) ([]byte, error) {
	b := d.block[:n]
	if _, err := io.ReadFull(d.src, b); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}

// frame unpacks one frame, or skips one, or ends early when it has unpacked
// enough bytes of a beginning. It is io.EOF when there is none.
func (d *decoder) frame(enough int) error {
	var word [4]byte
	if _, err := io.ReadFull(d.src, word[:]); err != nil {
		return err
	}
	switch magic := binary.LittleEndian.Uint32(word[:]); {
	case magic&skippableMask == skippable:
		b, err := d.read(4)
		if err != nil {
			return err
		}
		size := int64(binary.LittleEndian.Uint32(b))
		if got, err := io.CopyN(io.Discard, d.src, size); got < size {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		return nil
	case magic != frameMagic:
		return fmt.Errorf("%w: no frame where one should begin", ErrDamaged)
	}
	size, sized, checksum, err := d.frameHeader()
	if err != nil {
		return err
	}
	for last := false; !last; {
		if last, err = d.nextBlock(); err != nil {
			return err
		}
		if d.head && d.n >= enough {
			return nil
		}
	}
	if sized && size != uint64(d.n-d.start) {
		return fmt.Errorf("%w: %d bytes, the frame's header says %d", ErrDamaged, d.n-d.start, size)
	}
	if checksum {
		b, err := d.read(4)
		if err != nil {
			return err
		}
		if uint32(xxh64(d.dst[d.start:d.n])) != binary.LittleEndian.Uint32(b) {
			return ErrChecksum
		}
	}
	return nil
}

// frameHeader reads a frame's header behind its magic number (3.1.1.1).
func (d *decoder) frameHeader() (size uint64, sized, checksum bool, err error) {
	b, err := d.read(1)
	if err != nil {
		return 0, false, false, err
	}
	descriptor := b[0]
	single := descriptor&(1<<5) != 0
	if descriptor&(1<<3) != 0 {
		return 0, false, false, fmt.Errorf("%w: reserved bit in a frame's header", ErrDamaged)
	}
	sizeLen := []int{0, 2, 4, 8}[descriptor>>6]
	if single && sizeLen == 0 {
		sizeLen = 1
	}
	windowLen, dictLen := 1, []int{0, 1, 2, 4}[descriptor&3]
	if single {
		windowLen = 0
	}
	if b, err = d.read(windowLen + dictLen + sizeLen); err != nil {
		return 0, false, false, err
	}
	for _, v := range b[windowLen:][:dictLen] {
		if v != 0 {
			return 0, false, false, errors.New("needs a dictionary")
		}
	}
	var wide [8]byte
	copy(wide[:], b[windowLen+dictLen:])
	size = binary.LittleEndian.Uint64(wide[:])
	if sizeLen == 2 {
		size += 256
	}
	window := size
	if !single {
		base := uint64(1) << (10 + b[0]>>3)
		window = base + base/8*uint64(b[0]&7)
	}
	if !d.head && size > uint64(len(d.dst)-d.n) {
		return 0, false, false, ErrTooLarge
	}
	d.start, d.limit = d.n, int(min(window, maxBlock))
	d.huffman.ok, d.lengths.ok, d.offsets.ok, d.matches.ok = false, false, false, false
	d.recent = [3]int{1, 4, 8}
	return size, sizeLen > 0, descriptor&(1<<2) != 0, nil
}

// nextBlock unpacks a block (3.1.1.2).
func (d *decoder) nextBlock() (last bool, err error) {
	b, err := d.read(3)
	if err != nil {
		return false, err
	}
	word := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
	last, kind, size := word&1 != 0, word>>1&3, word>>3
	if kind == 3 || size > d.limit {
		return false, fmt.Errorf("%w: bad block header", ErrDamaged)
	}
	switch kind {
	case 0: // as it is
		room, err := d.room(size)
		if err != nil {
			return false, err
		}
		if b, err = d.read(size); err != nil {
			return false, err
		}
		copy(room, b)
	case 1: // one byte, repeated
		room, err := d.room(size)
		if err != nil {
			return false, err
		}
		if b, err = d.read(1); err != nil {
			return false, err
		}
		fill(room, b[0])
	default:
		if b, err = d.read(size); err != nil {
			return false, err
		}
		if err := d.compressed(b); err != nil {
			return false, err
		}
	}
	return last, nil
}

// room takes the next n bytes of dst.
func (d *decoder) room(n int) ([]byte, error) {
	if n > len(d.dst)-d.n {
		return nil, ErrTooLarge
	}
	b := d.dst[d.n:][:n]
	d.n += n
	return b, nil
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

func damaged(what string) error { return fmt.Errorf("%w: %s", ErrDamaged, what) }

// log2 is the position of the highest bit that is set in v, which is not 0.
func log2(v uint32) uint { return uint(bits.Len32(v) - 1) }
