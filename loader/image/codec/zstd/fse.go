package zstd

// maxLog is the largest table of finite state entropy coding: 9 bits.
const maxLog = 9

// fseState is an entry of a table: the symbol of the state, and how its
// successor is read.
type fseState struct {
	base   uint16
	bits   uint8
	symbol uint8
}

// fseTable decodes finite state entropy (RFC 8878, 4.1).
type fseTable struct {
	ok     bool
	log    uint
	states [1 << maxLog]fseState
}

// distribution is how often each symbol is to be expected, of 1<<log; -1
// means less than once.
type distribution struct {
	log   uint
	probs [256]int16
	n     int // symbols
}

// readDistribution reads a table's description (4.1.1) and returns how many
// bytes it has.
func readDistribution(b []byte, symbols int, most uint) (d distribution, used int, err error) {
	r := forward{b: b}
	d.log = uint(r.read(4)) + 5
	if d.log > most {
		return d, 0, damaged("entropy table too large")
	}
	remaining := 1 << d.log
	for remaining > 0 && d.n < symbols {
		// The next value is one of 0 to remaining+1: the low ones of them
		// have a bit less.
		width := log2(uint32(remaining+1)) + 1
		value := int(r.read(width))
		low := 1<<(width-1) - 1
		short := 1<<width - 1 - (remaining + 1)
		switch {
		case value&low < short:
			value &= low
			r.pos--
		case value > low:
			value -= short
		}
		prob := value - 1
		d.probs[d.n] = int16(prob)
		d.n++
		if prob < 0 {
			remaining--
		} else {
			remaining -= prob
		}
		if prob != 0 {
			continue
		}
		for repeat := uint32(3); repeat == 3; {
			repeat = r.read(2)
			if d.n+int(repeat) > symbols {
				return d, 0, damaged("entropy table of too many symbols")
			}
			d.n += int(repeat) // their chances are 0
			if _, ok := r.bytes(); !ok {
				return d, 0, damaged("entropy table cut off")
			}
		}
	}
	used, ok := r.bytes()
	if remaining != 0 || !ok {
		return d, 0, damaged("entropy table cut off")
	}
	return d, used, nil
}

// build makes the table (4.1.1, "From normalized distribution to decoding
// tables").
func (t *fseTable) build(d *distribution) error {
	t.ok, t.log = true, d.log
	size := 1 << d.log
	var next [256]uint16
	high := size
	for s, p := range d.probs[:d.n] {
		if p == -1 {
			high--
			t.states[high].symbol = uint8(s)
			next[s] = 1
		}
	}
	at, step := 0, size>>1+size>>3+3
	for s, p := range d.probs[:d.n] {
		if p <= 0 {
			continue
		}
		next[s] = uint16(p)
		for range p {
			t.states[at].symbol = uint8(s)
			for at = (at + step) & (size - 1); at >= high && high > 0; {
				at = (at + step) & (size - 1)
			}
		}
	}
	if at != 0 {
		return damaged("entropy table does not add up")
	}
	for i := range t.states[:size] {
		state := &t.states[i]
		n := next[state.symbol]
		next[state.symbol]++
		state.bits = uint8(d.log - log2(uint32(n)))
		state.base = n<<state.bits - uint16(size)
	}
	return nil
}

// only makes a table of one symbol, which takes no bits (3.1.1.3.2.1,
// RLE_Mode).
func (t *fseTable) only(symbol byte) {
	t.ok, t.log = true, 0
	t.states[0] = fseState{symbol: symbol}
}

// next is the state after s.
func (t *fseTable) next(s *fseState, r *backward) *fseState {
	return &t.states[(uint32(s.base)+r.read(uint(s.bits)))&(1<<maxLog-1)]
}

// first is the state that a stream begins with.
func (t *fseTable) first(r *backward) *fseState { return &t.states[r.read(t.log)] }
