package lzma

import "io"

const (
	probBits  = 11
	probInit  = 1 << probBits / 2
	moveBits  = 5
	topValue  = 1 << 24
	startSize = 5 // bytes that a range decoder begins with
)

// rangeDecoder takes bits out of its input, which it refills from src if
// there is one.
type rangeDecoder struct {
	input     []byte
	at        int
	src       io.Reader
	width     uint32 // the current range
	code      uint32
	exhausted bool // more was asked for than there is
	err       error
}

// start reads the first bytes.
func (r *rangeDecoder) start() error {
	r.width, r.code = ^uint32(0), 0
	first := r.next()
	for range startSize - 1 {
		r.code = r.code<<8 | uint32(r.next())
	}
	if r.exhausted {
		return r.cause()
	}
	if first != 0 {
		return damaged("bad first byte")
	}
	return nil
}

// refill reads more input; an error when there is none.
func (r *rangeDecoder) refill() error {
	if r.at < len(r.input) {
		return nil
	}
	if r.src == nil {
		return io.ErrUnexpectedEOF
	}
	n, err := io.ReadAtLeast(r.src, r.input[:cap(r.input)], 1)
	if n == 0 {
		return noEOF(err)
	}
	r.input, r.at = r.input[:n], 0
	return nil
}

func (r *rangeDecoder) next() byte {
	if r.at == len(r.input) {
		if err := r.refill(); err != nil {
			r.exhausted, r.err = true, err
			return 0
		}
	}
	b := r.input[r.at]
	r.at++
	return b
}

// cause is why the input was exhausted.
func (r *rangeDecoder) cause() error {
	if r.err != nil {
		return r.err
	}
	return io.ErrUnexpectedEOF
}

func (r *rangeDecoder) normalize() {
	if r.width < topValue {
		r.width <<= 8
		r.code = r.code<<8 | uint32(r.next())
	}
}

// bit decodes a bit by its probability.
func (r *rangeDecoder) bit(p *uint16) int {
	r.normalize()
	bound := r.width >> probBits * uint32(*p)
	if r.code < bound {
		r.width = bound
		*p += (1<<probBits - *p) >> moveBits
		return 0
	}
	r.width -= bound
	r.code -= bound
	*p -= *p >> moveBits
	return 1
}

// enough tells whether there is input for n bits: each takes a byte at most.
func (r *rangeDecoder) enough(n uint) bool { return uint(len(r.input)-r.at) >= n }

// tree decodes n bits, the highest first. Most of all bits come through here,
// so the decoder's state is kept in registers.
func (r *rangeDecoder) tree(probs []uint16, n uint) int {
	m := 1
	if !r.enough(n) {
		for range n {
			m = m<<1 | r.bit(&probs[m])
		}
		return m - 1<<n
	}
	width, code, input := r.width, r.code, r.input[r.at:]
	for range n {
		if width < topValue {
			width, code, input = width<<8, code<<8|uint32(input[0]), input[1:]
		}
		p := uint32(probs[m])
		bound := width >> probBits * p
		if code < bound {
			width = bound
			probs[m] = uint16(p + (1<<probBits-p)>>moveBits)
			m <<= 1
		} else {
			width -= bound
			code -= bound
			probs[m] = uint16(p - p>>moveBits)
			m = m<<1 | 1
		}
	}
	r.width, r.code, r.at = width, code, len(r.input)-len(input)
	return m - 1<<n
}

// matched decodes a literal, 8 bits like a tree, where a match could have gone
// on with the byte match: the bits of that choose among probabilities for as
// long as they are the literal's, too.
func (r *rangeDecoder) matched(probs *[0x300]uint16, match int) int {
	symbol, offset := 1, 0x100
	if !r.enough(8) {
		for symbol < 0x100 {
			match <<= 1
			bit := match & offset
			got := r.bit(&probs[offset+bit+symbol])
			symbol = symbol<<1 | got
			if got == 1 {
				offset &= bit
			} else {
				offset &^= bit
			}
		}
		return symbol & 0xff
	}
	width, code, input := r.width, r.code, r.input[r.at:]
	for symbol < 0x100 {
		match <<= 1
		bit := match & offset
		if width < topValue {
			width, code, input = width<<8, code<<8|uint32(input[0]), input[1:]
		}
		at := offset + bit + symbol
		p := uint32(probs[at])
		bound := width >> probBits * p
		if code < bound {
			width = bound
			probs[at] = uint16(p + (1<<probBits-p)>>moveBits)
			symbol <<= 1
			offset &^= bit
		} else {
			width -= bound
			code -= bound
			probs[at] = uint16(p - p>>moveBits)
			symbol = symbol<<1 | 1
			offset &= bit
		}
	}
	r.width, r.code, r.at = width, code, len(r.input)-len(input)
	return symbol & 0xff
}

// reverse decodes n bits, the lowest first.
func (r *rangeDecoder) reverse(probs []uint16, n uint) (v int) {
	m := 1
	for i := range n {
		bit := r.bit(&probs[m])
		m = m<<1 | bit
		v |= bit << i
	}
	return v
}

// direct decodes n bits of even chances.
func (r *rangeDecoder) direct(n uint) (v int) {
	for range n {
		r.normalize()
		r.width >>= 1
		// All ones when the code is below the half, and the bit is 0.
		below := uint32(int32(r.code-r.width) >> 31)
		r.code -= r.width &^ below
		v = v<<1 | int(below+1)
	}
	return v
}
