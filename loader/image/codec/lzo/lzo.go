// Package lzo unpacks files of lzop, which kernels are packed in, into memory
// that holds all of their contents. Checksums are verified.
//
// Sources: Linux Documentation/staging/lzo.rst for the stream; lzop's file
// format as file(1) and lzop -i show it.
package lzo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"io"
)

// Errors that a caller may want to tell apart. An input that is cut off is
// io.ErrUnexpectedEOF.
var (
	ErrTooLarge = errors.New("unpacks to more than there is room for")
	ErrDamaged  = errors.New("damaged")
	ErrChecksum = errors.New("checksum mismatch")
)

const (
	magic    = "\x89LZO\x00\x0d\x0a\x1a\x0a"
	maxBlock = 64 << 20 // lzop's own bound
	// Blocks of more than this are refused: lzop writes 256 KiB.
	ourBlock = 1 << 20
)

// Flags of a file.
const (
	adlerContents = 1 << 0 // a checksum of each block unpacked,
	adlerPacked   = 1 << 1 // and as it is in the file
	extraField    = 1 << 6
	crcContents   = 1 << 8
	crcPacked     = 1 << 9
	filtered      = 1 << 11
	headerCRC     = 1 << 12
)

// levelVersion is the first version whose files name a level.
const levelVersion = 0x0940

// Unpack unpacks all of src into dst and returns how many bytes it holds.
func Unpack(dst []byte, src io.Reader) (int, error) {
	r := &reader{src: src}
	if err := r.header(); err != nil {
		return 0, err
	}
	n := 0
	for {
		got, last, err := r.block(dst[n:])
		n += got
		if err != nil || last {
			return n, err
		}
	}
}

// Head unpacks the first n bytes, fewer if there are not so many. Nothing
// but what is read is verified.
func Head(src io.Reader, n int) ([]byte, error) {
	r := &reader{src: src}
	if err := r.header(); err != nil {
		return nil, err
	}
	head := make([]byte, n+ourBlock)
	got := 0
	for got < n {
		more, last, err := r.block(head[got : got+ourBlock])
		if err != nil {
			return nil, err
		}
		got += more
		if last {
			break
		}
	}
	return head[:min(n, got)], nil
}

// reader takes a file apart.
type reader struct {
	src   io.Reader
	flags uint32
	buf   []byte
	head  []byte // what was read of the header, for its checksum
}

// read reads n bytes that must be there, valid up to the next read.
func (r *reader) read(n int) ([]byte, error) {
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	b := r.buf[:n]
	if _, err := io.ReadFull(r.src, b); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}

func (r *reader) word() (uint32, error) {
	b, err := r.read(4)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint32(b), nil
}

// field reads n bytes of the header, as a number if they are at most 4.
func (r *reader) field(n int) (uint32, error) {
	b, err := r.read(n)
	if err != nil {
		return 0, err
	}
	r.head = append(r.head, b...)
	var v uint32
	for _, c := range b {
		v = v<<8 | uint32(c)
	}
	return v, nil
}

func (r *reader) header() error {
	b, err := r.read(len(magic))
	if err != nil {
		return err
	}
	if !bytes.Equal(b, []byte(magic)) {
		return damaged("no header")
	}
	version, err := r.field(2)
	if err != nil {
		return err
	}
	skip := 2 // the library's version
	if version >= levelVersion {
		skip += 2 // the version that is needed
	}
	if _, err := r.field(skip); err != nil {
		return err
	}
	method, err := r.field(1)
	if err != nil {
		return err
	}
	if method < 1 || method > 3 {
		return fmt.Errorf("method %d is not supported", method)
	}
	if version >= levelVersion {
		if _, err := r.field(1); err != nil {
			return err
		}
	}
	if r.flags, err = r.field(4); err != nil {
		return err
	}
	if r.flags&(filtered|extraField) != 0 {
		return fmt.Errorf("flags %#x are not supported", r.flags)
	}
	skip = 4 + 4 // mode, time
	if version >= levelVersion {
		skip += 4 // the time's upper half
	}
	if _, err := r.field(skip); err != nil {
		return err
	}
	name, err := r.field(1)
	if err != nil {
		return err
	}
	if _, err := r.field(int(name)); err != nil {
		return err
	}
	want, err := r.word()
	if err == nil && want != r.sum(r.head, headerCRC) {
		err = fmt.Errorf("header: %w", ErrChecksum)
	}
	return err
}

// sum is a checksum: CRC32 if the flag says so.
func (r *reader) sum(b []byte, crc uint32) uint32 {
	if r.flags&crc != 0 {
		return crc32.ChecksumIEEE(b)
	}
	return adler32.Checksum(b)
}

// block unpacks a block to the beginning of dst; last is that there is none.
func (r *reader) block(dst []byte) (n int, last bool, err error) {
	size, err := r.word()
	if err != nil || size == 0 {
		return 0, err == nil, err
	}
	packed, err := r.word()
	if err != nil {
		return 0, false, err
	}
	if size > maxBlock || size > ourBlock || packed > size || packed == 0 {
		return 0, false, damaged("bad block size")
	}
	// Of the contents, then of the block if it is compressed at all.
	sums := [4]uint32{}
	for i, flag := range []uint32{adlerContents, crcContents, adlerPacked, crcPacked} {
		if r.flags&flag == 0 || i >= 2 && packed == size {
			continue
		}
		if sums[i], err = r.word(); err != nil {
			return 0, false, err
		}
	}
	if int(size) > len(dst) {
		return 0, false, ErrTooLarge
	}
	dst = dst[:size]
	b, err := r.read(int(packed))
	if err != nil {
		return 0, false, err
	}
	if packed == size {
		copy(dst, b)
	} else {
		if r.flags&adlerPacked != 0 && sums[2] != adler32.Checksum(b) || r.flags&crcPacked != 0 && sums[3] != crc32.ChecksumIEEE(b) {
			return 0, false, ErrChecksum
		}
		if n, err = unpack1X(dst, b); err != nil {
			return n, false, err
		}
		if n != len(dst) {
			return n, false, damaged("block of another length")
		}
	}
	if r.flags&adlerContents != 0 && sums[0] != adler32.Checksum(dst) || r.flags&crcContents != 0 && sums[1] != crc32.ChecksumIEEE(dst) {
		return 0, false, ErrChecksum
	}
	return len(dst), false, nil
}

func damaged(what string) error { return fmt.Errorf("%w: %s", ErrDamaged, what) }
