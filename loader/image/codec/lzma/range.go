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

// tree decodes n bits, the highest first.
func (r *rangeDecoder) tree(probs []uint16, n uint) int {
	m := 1
	for range n {
		m = m<<1 | r.bit(&probs[m])
	}
	return m - 1<<n
}

// matched decodes a literal, 8 bits like a tree, where a match could have gone
// on with the byte match: the bits of that choose among probabilities for as
// long as they are the literal's, too.
func (r *rangeDecoder) matched(probs []uint16, match int) int {
	symbol, offset := 1, 0x100
	for symbol < 0x100 {
		match <<= 1
		bit := match & offset
		got := r.bit(&probs[offset+bit+symbol])
		symbol = symbol<<1 | got
		offset &= bit ^ (got - 1)
	}
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
