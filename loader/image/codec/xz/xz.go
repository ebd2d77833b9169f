// Package xz unpacks .xz files into memory that holds all of their contents,
// which is their dictionary: they may ask for one of any size. It knows the
// LZMA2 filter and those for arm64 and x86 code, and the checks none, CRC32 and
// CRC64; a file is one stream.
//
// Source: The .xz File Format, version 1.2.1; for LZMA2 the LZMA SDK.
package xz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/crc64"
	"io"

	"pvboot/loader/image/codec/crc"
	"pvboot/loader/image/codec/lzma"
)

// Errors that a caller may want to tell apart. An input that is cut off is
// io.ErrUnexpectedEOF.
var (
	ErrTooLarge = lzma.ErrTooLarge
	ErrDamaged  = lzma.ErrDamaged
	ErrChecksum = errors.New("checksum mismatch")
)

const (
	magic       = "\xfd7zXZ\x00"
	footerMagic = "YZ"
)

// Checks by their number (2.1.1.2).
const (
	checkNone  = 0
	checkCRC32 = 1
	checkCRC64 = 4
)

// Filters by their number (5.3).
const (
	filterX86   = 0x04
	filterARM64 = 0x0a
	filterLZMA2 = 0x21
)

var ecma = crc64.MakeTable(crc64.ECMA)

// Unpack unpacks all of src into dst and returns how many bytes it holds.
// Checks and the index are verified.
func Unpack(dst []byte, src io.Reader) (int, error) {
	r := newReader(dst, src)
	if err := r.streamHeader(); err != nil {
		return 0, err
	}
	for {
		more, err := r.block(len(dst) + 1)
		if err != nil {
			return r.lzma.Len(), err
		}
		if !more {
			return r.lzma.Len(), r.finish()
		}
	}
}

// Head unpacks the first n bytes, fewer if there are not so many. Nothing is
// verified.
func Head(src io.Reader, n int) ([]byte, error) {
	// A chunk unpacks to 2 MiB at most (LZMA2), a filter looks ahead a little.
	dst := make([]byte, n+x86Ahead+2<<20)
	r := newReader(dst, src)
	if err := r.streamHeader(); err != nil {
		return nil, err
	}
	for r.lzma.Len() < n+x86Ahead {
		// The filter for x86 leaves the last bytes of what it is given.
		if more, err := r.block(n + x86Ahead); err != nil {
			return nil, err
		} else if !more {
			break
		}
	}
	return dst[:min(n, r.lzma.Len())], nil
}

// reader is the state of unpacking.
type reader struct {
	src   io.Reader
	count int64 // bytes that were read
	dst   []byte
	lzma  *lzma.Decoder
	chunk []byte

	flags  [2]byte
	blocks uint64
	sizes  uint32 // a CRC32 of each block's sizes, to compare the index with
}

func newReader(dst []byte, src io.Reader) *reader {
	return &reader{src: src, dst: dst, lzma: lzma.NewDecoder(dst), chunk: make([]byte, 1<<16)}
}

// read reads n bytes, at most 64 KiB, that must be there. They are valid up
// to the next read.
func (r *reader) read(n int) ([]byte, error) {
	b := r.chunk[:n]
	got, err := io.ReadFull(r.src, b)
	r.count += int64(got)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

func damaged(what string) error { return fmt.Errorf("%w: %s", ErrDamaged, what) }

// streamHeader is 2.1.1.
func (r *reader) streamHeader() error {
	b, err := r.read(12)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(b, []byte(magic)) {
		return damaged("no stream header")
	}
	if crc32.ChecksumIEEE(b[6:8]) != binary.LittleEndian.Uint32(b[8:]) {
		return fmt.Errorf("stream header: %w", ErrChecksum)
	}
	copy(r.flags[:], b[6:8])
	switch {
	case b[6] != 0 || b[7] > 15:
		return damaged("bad stream flags")
	case b[7] != checkNone && b[7] != checkCRC32 && b[7] != checkCRC64:
		return fmt.Errorf("check %d is not supported", b[7])
	}
	return nil
}

// block unpacks a block (3), and reports false for the index in its place. It
// ends early once enough bytes are there.
func (r *reader) block(enough int) (more bool, err error) {
	begin := r.count
	b, err := r.read(1)
	if err != nil {
		return false, err
	}
	if b[0] == 0 {
		return false, nil
	}
	h, err := r.blockHeader(b[0])
	if err != nil {
		return false, err
	}
	start, data := r.lzma.Len(), r.count
	if err := r.chunks(enough); err != nil {
		return false, err
	}
	contents := r.dst[start:r.lzma.Len()]
	if h.filter != nil {
		h.filter(contents)
	}
	if r.lzma.Len() >= enough {
		return true, nil
	}
	packed := r.count - data
	if h.packed >= 0 && h.packed != packed || h.unpacked >= 0 && h.unpacked != int64(len(contents)) {
		return false, damaged("block of another length")
	}
	if b, err = r.read(int(-packed & 3)); err != nil {
		return false, err
	}
	if len(bytes.Trim(b, "\x00")) > 0 {
		return false, damaged("bad padding")
	}
	if err := r.check(contents); err != nil {
		return false, err
	}
	unpadded := r.count - begin - -packed&3
	r.note(uint64(unpadded), uint64(len(contents)))
	return true, nil
}

// check verifies a block's check (3.4).
func (r *reader) check(contents []byte) error {
	switch r.flags[1] {
	case checkCRC32:
		b, err := r.read(4)
		if err == nil && binary.LittleEndian.Uint32(b) != new(crc.CRC32).Update(0, contents) {
			err = ErrChecksum
		}
		return err
	case checkCRC64:
		b, err := r.read(8)
		if err == nil && binary.LittleEndian.Uint64(b) != crc64.Checksum(contents, ecma) {
			err = ErrChecksum
		}
		return err
	}
	return nil
}

// note adds a block to what the index must say.
func (r *reader) note(unpadded, unpacked uint64) {
	b := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, unpadded), unpacked)
	r.sizes = crc32.Update(r.sizes, crc32.IEEETable, b)
	r.blocks++
}

// finish reads the index (4) behind its first byte, and the footer (2.1.2).
func (r *reader) finish() error {
	index := &counted{r: r, begin: r.count - 1, sum: crc32.ChecksumIEEE([]byte{0})}
	want, blocks := r.sizes, r.blocks
	r.sizes, r.blocks = 0, 0
	n, err := index.number()
	if err != nil {
		return err
	}
	if n != blocks {
		return damaged("index of other blocks")
	}
	for range n {
		unpadded, err := index.number()
		if err != nil {
			return err
		}
		unpacked, err := index.number()
		if err != nil {
			return err
		}
		r.note(unpadded, unpacked)
	}
	if r.sizes != want {
		return damaged("index of other blocks")
	}
	for (r.count-index.begin)&3 != 0 {
		if b, err := index.byte(); err != nil || b != 0 {
			return damaged("bad padding")
		}
	}
	size := r.count - index.begin
	b, err := r.read(4 + 12)
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	footer := b[4:]
	switch {
	case le.Uint32(b) != index.sum:
		return fmt.Errorf("index: %w", ErrChecksum)
	case le.Uint32(footer) != crc32.ChecksumIEEE(footer[4:10]):
		return fmt.Errorf("footer: %w", ErrChecksum)
	case (int64(le.Uint32(footer[4:]))+1)*4 != size+4, footer[8] != r.flags[0], footer[9] != r.flags[1], string(footer[10:]) != footerMagic:
		return damaged("bad footer")
	}
	if _, err := io.ReadFull(r.src, b[:1]); err != io.EOF {
		if err == nil {
			err = damaged("bytes behind the stream")
		}
		return err
	}
	return nil
}

// counted reads the index byte by byte.
type counted struct {
	r     *reader
	begin int64
	sum   uint32 // CRC32 of what was read
}

func (c *counted) byte() (byte, error) {
	b, err := c.r.read(1)
	if err != nil {
		return 0, err
	}
	c.sum = crc32.Update(c.sum, crc32.IEEETable, b)
	return b[0], nil
}

// number reads a multibyte integer (1.2).
func (c *counted) number() (v uint64, err error) {
	for shift := uint(0); shift < 63; shift += 7 {
		b, err := c.byte()
		if err != nil {
			return 0, err
		}
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			if b == 0 && shift > 0 {
				break
			}
			return v, nil
		}
	}
	return 0, damaged("bad number")
}
