package gzip

import (
	"encoding/binary"
	"io"
)

// inputSize is how much input is read at once. It is a power of two, so that a
// mask proves that an index is in range.
const inputSize = 1 << 15

// source is the input, bit by bit (RFC 1951, 3.1.1).
type source struct {
	src    io.Reader
	srcErr error // what src said last
	pos    uint  // the next bit of input
	end    int   // bytes of input that there are
	// input is followed by room for loads of eight bytes.
	input [inputSize + 8]byte
}

// peek returns 57 bits or more from pos on. Those behind the end are any.
func (s *source) peek() uint64 {
	return binary.LittleEndian.Uint64(s.input[s.pos>>3%inputSize:][:8]) >> (s.pos & 7)
}

// left is how many bits there are without reading.
func (s *source) left() uint { return uint(s.end)*8 - s.pos }

// need makes sure that there are n bits, which are at most 56.
func (s *source) need(n uint) error {
	for s.left() < n {
		if err := s.more(); err != nil {
			return err
		}
	}
	return nil
}

// take returns the next n bits, which are at most 56.
func (s *source) take(n uint) (uint64, error) {
	if err := s.need(n); err != nil {
		return 0, err
	}
	v := s.peek() & (1<<n - 1)
	s.pos += n
	return v, nil
}

// align goes on to the next whole byte.
func (s *source) align() { s.pos = (s.pos + 7) &^ 7 }

// more reads once, when less than eight bytes are left.
func (s *source) more() error {
	s.end = copy(s.input[:], s.input[s.pos>>3:s.end])
	s.pos &= 7
	for range 100 {
		if s.srcErr != nil {
			return noEOF(s.srcErr)
		}
		n, err := s.src.Read(s.input[s.end:inputSize])
		s.end += n
		s.srcErr = err
		if n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}
