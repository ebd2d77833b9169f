// Package lzma unpacks LZMA streams into memory that holds all of their
// contents, which is their dictionary: they may ask for one of any size.
// [Unpack] takes .lzma files; package xz drives a [Decoder] chunk by chunk.
//
// Source: Igor Pavlov's "LZMA Specification" (LZMA SDK, DOC/lzma-specification.txt).
package lzma

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

// HeaderSize is that of a .lzma file: properties, dictionary size, length.
const HeaderSize = 1 + 4 + 8

// unknownLength in a header means that a marker ends the contents.
const unknownLength = ^uint64(0)

// Unpack unpacks a .lzma file into dst and returns how many bytes it holds.
func Unpack(dst []byte, src io.Reader) (int, error) {
	d, length, err := open(dst, src)
	if err != nil {
		return 0, err
	}
	end := len(dst)
	if length != unknownLength {
		if length > uint64(len(dst)) {
			return 0, ErrTooLarge
		}
		end = int(length)
	}
	marked, err := d.Decode(end)
	if err != nil {
		return d.n, err
	}
	switch {
	case length == unknownLength && !marked:
		return d.n, ErrTooLarge
	case length != unknownLength && d.n != end:
		return d.n, damaged("ends before its length")
	}
	if err := d.rc.refill(); err == nil || d.rc.code != 0 {
		return d.n, damaged("bytes behind the end")
	}
	return d.n, nil
}

// Head unpacks the first n bytes of a .lzma file, fewer if there are not so
// many.
func Head(src io.Reader, n int) ([]byte, error) {
	dst := make([]byte, n)
	d, length, err := open(dst, src)
	if err != nil {
		return nil, err
	}
	if _, err := d.Decode(int(min(uint64(n), length))); err != nil && err != ErrTooLarge {
		return nil, err
	}
	return dst[:d.n], nil
}

func open(dst []byte, src io.Reader) (*Decoder, uint64, error) {
	var head [HeaderSize]byte
	if _, err := io.ReadFull(src, head[:]); err != nil {
		return nil, 0, noEOF(err)
	}
	d := NewDecoder(dst)
	if err := d.SetProperties(head[0]); err != nil {
		return nil, 0, err
	}
	d.rc.src = src
	d.rc.input = make([]byte, 0, 64<<10)
	return d, binary.LittleEndian.Uint64(head[5:]), d.rc.start()
}

// Decoder unpacks LZMA into the memory that it was made with.
type Decoder struct {
	dst   []byte
	n     int // bytes of dst that are filled
	start int // where the dictionary begins in dst
	rc    rangeDecoder

	lc       uint // literal context bits
	lpMask   int  // of literal position bits
	posMask  int  // of position bits
	state    uint
	reps     [4]int // distances of the last matches, less one
	probs    probabilities
	literals []uint16
}

// NewDecoder makes a decoder that needs [Decoder.SetProperties].
func NewDecoder(dst []byte) *Decoder { return &Decoder{dst: dst} }

// Len is how many bytes were unpacked.
func (d *Decoder) Len() int { return d.n }

// Restart begins a new dictionary at the place reached.
func (d *Decoder) Restart() { d.start = d.n }

// SetProperties sets lc, lp and pb and resets the state. As in xz, lc and lp
// may be 4 together.
func (d *Decoder) SetProperties(b byte) error {
	if b >= 9*5*5 {
		return damaged("bad properties")
	}
	lc, lp, pb := b%9, b/9%5, b/45
	if lc+lp > 4 {
		return damaged("too many literal context bits")
	}
	d.lc, d.lpMask, d.posMask = uint(lc), 1<<lp-1, 1<<pb-1
	if n := literalModels << (lc + lp); cap(d.literals) < n {
		d.literals = make([]uint16, n)
	} else {
		d.literals = d.literals[:n]
	}
	d.Reset()
	return nil
}

// Reset forgets what was learned, and keeps the dictionary.
func (d *Decoder) Reset() {
	d.state, d.reps = 0, [4]int{}
	d.probs.reset()
	reset(d.literals)
}

// Chunk unpacks size bytes out of a chunk of input that stands for just
// these.
func (d *Decoder) Chunk(input []byte, size int) error {
	if size > len(d.dst)-d.n {
		return ErrTooLarge
	}
	d.rc = rangeDecoder{input: input}
	if err := d.rc.start(); err != nil {
		return err
	}
	marked, err := d.Decode(d.n + size)
	if err == nil && (marked || d.rc.at != len(input) || d.rc.code != 0) {
		err = damaged("chunk of another length")
	}
	return err
}

// Plain appends bytes that are not compressed.
func (d *Decoder) Plain(b []byte) error {
	if len(b) > len(d.dst)-d.n {
		return ErrTooLarge
	}
	d.n += copy(d.dst[d.n:], b)
	return nil
}

func damaged(what string) error { return fmt.Errorf("%w: %s", ErrDamaged, what) }

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
