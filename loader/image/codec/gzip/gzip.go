// Package gzip unpacks gzip files, as a stream. It looks back in a window of its
// own and takes less than 400 KiB of memory, which are freed with the reader.
//
// Sources: RFC 1952 for the file, RFC 1951 for what is compressed in it.
package gzip

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"pvboot/loader/image/codec/crc"
)

// Errors that a caller may want to tell apart. An input that is cut off is
// io.ErrUnexpectedEOF.
var (
	ErrDamaged  = errors.New("damaged")
	ErrChecksum = errors.New("checksum mismatch")
)

// Flags of a member (RFC 1952, 2.3.1). Others are not looked at.
const (
	headerCRC = 1 << 1
	extra     = 1 << 2
	name      = 1 << 3
	comment   = 1 << 4
)

// maxText is how long a name or a comment may be, with the zero at its end.
const maxText = 512

// NewReader reads a file's first header and returns a reader of its contents:
// those of all members, one after the other. An error comes behind all contents
// that stand before it: [ErrDamaged] with a reason, also for what follows the
// last member and is none, [ErrChecksum] when a member's CRC-32 or length is
// another one, io.ErrUnexpectedEOF, or that of r as it is. io.EOF comes only when
// all is as it should be.
func NewReader(r io.Reader) (io.Reader, error) {
	z := &reader{source: source{src: r}}
	if err := z.header(); err != nil {
		return nil, noEOF(err)
	}
	return z, nil
}

// reader unpacks into out, of which Read gives away what is new. All that the
// decoder needs is in this one struct, so that one register is enough to get
// at it.
type reader struct {
	source
	inflater
	given  int    // how much of the window was read
	summed int    // how much of it is in crc
	crc    uint32 // of this member
	size   uint32 // of this member
	err    error  // comes when all is given
	sums   crc.CRC32
}

// Read implements [io.Reader].
func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.given == r.n {
		if r.err != nil {
			return 0, r.err
		}
		if r.n >= windowLimit {
			r.n = copy(r.window[:history], r.window[r.n-history:r.n])
			r.given, r.summed = r.n, r.n
		}
		r.err = r.advance()
		fresh := r.window[r.summed:r.n]
		r.crc = r.sums.Update(r.crc, fresh)
		r.size += uint32(len(fresh))
		r.summed = r.n
	}
	n := copy(p, r.window[r.given:r.n])
	r.given += n
	return n, nil
}

// advance unpacks until the window is full or a member is at its end.
func (r *reader) advance() error {
	for r.n < windowLimit {
		var err error
		switch r.phase {
		case betweenBlocks:
			err = r.block()
		case inStored:
			err = r.stored()
		case inCodes:
			err = r.codes()
		default:
			if r.given < r.n {
				return nil // what is there may be had before the checksum
			}
			if err = r.trailer(); err == nil {
				err = r.header()
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// header reads a member's header (RFC 1952, 2.3); io.EOF if there is nothing.
func (r *reader) header() error {
	if err := r.need(8); err != nil {
		if r.left() == 0 && r.srcErr == io.EOF {
			return io.EOF
		}
		return err
	}
	sum := uint32(0)
	next := func() (byte, error) {
		v, err := r.take(8)
		sum = crc32.Update(sum, crc32.IEEETable, []byte{byte(v)})
		return byte(v), err
	}
	var b [10]byte
	for i := range b {
		var err error
		if b[i], err = next(); err != nil {
			return err
		}
	}
	if b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 {
		return damaged("no header")
	}
	flags := b[3]
	if flags&extra != 0 {
		low, err := next()
		if err != nil {
			return err
		}
		high, err := next()
		if err != nil {
			return err
		}
		for range int(high)<<8 | int(low) {
			if _, err := next(); err != nil {
				return err
			}
		}
	}
	for _, text := range []byte{name, comment} {
		if flags&text == 0 {
			continue
		}
		for i := 0; ; i++ {
			if i == maxText {
				return damaged("name or comment too long")
			}
			c, err := next()
			if err != nil {
				return err
			}
			if c == 0 {
				break
			}
		}
	}
	if flags&headerCRC != 0 {
		want := uint16(sum)
		got, err := r.take(16)
		if err != nil {
			return err
		}
		if uint16(got) != want {
			return fmt.Errorf("header: %w", ErrChecksum)
		}
	}
	r.reset()
	r.given, r.summed, r.crc, r.size = 0, 0, 0, 0
	return nil
}

// trailer holds a member's checksum and length against what came out.
func (r *reader) trailer() error {
	r.align()
	crc, err := r.take(32)
	if err != nil {
		return err
	}
	size, err := r.take(32)
	if err != nil {
		return err
	}
	if uint32(crc) != r.crc || uint32(size) != r.size {
		return ErrChecksum
	}
	return nil
}

func damaged(what string) error { return fmt.Errorf("%w: %s", ErrDamaged, what) }

// noEOF makes an end in the middle what it is.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
