package gzip

// A match goes back by history bytes at most. The window holds them and all that
// is new; it is full at windowLimit, where the longest match still has room, and
// what a copy writes beyond it. Its size is a power of two, so that a mask proves
// that an index is in range.
const (
	history     = 1 << 15
	windowSize  = 1 << 18
	windowLimit = windowSize - 2*maxMatch
	maxMatch    = 258
)

// What comes next in a member.
type phase int

const (
	betweenBlocks phase = iota
	inStored
	inCodes
	atTrailer
)

// inflater is the state of a member's DEFLATE stream.
type inflater struct {
	phase  phase
	final  bool // this block is the last one
	fixed  bool // the tables are those of the fixed codes
	toCopy uint // bytes that are left of a stored block
	least  uint // bits that the end of this block takes
	n      int  // bytes in the window

	codeBits  [fixedLiterals + fixedDistances]uint8 // of each symbol
	lengths   [1 << lengthBits]uint32
	literals  [literalEntries]uint32
	distances [distanceEntries]uint32
	// window is followed by room for copies by sixteen bytes.
	window [windowSize + 16]byte
}

// reset begins a new member.
func (d *inflater) reset() { d.phase, d.n = betweenBlocks, 0 }

// finish ends a block.
func (d *inflater) finish() {
	d.phase = betweenBlocks
	if d.final {
		d.phase = atTrailer
	}
}

// block reads a block's header (RFC 1951, 3.2.3).
func (r *reader) block() error {
	v, err := r.take(3)
	if err != nil {
		return err
	}
	r.final = v&1 != 0
	switch v >> 1 {
	case 0:
		r.align()
		v, err := r.take(32)
		if err != nil {
			return err
		}
		if v&0xffff != ^v>>16&0xffff {
			return damaged("bad length of a stored block")
		}
		r.phase, r.toCopy = inStored, uint(v&0xffff)
	case 1:
		r.fixedCodes()
		r.phase = inCodes
	case 2:
		r.phase, r.fixed = inCodes, false
		return r.dynamicCodes()
	default:
		return damaged("bad type of a block")
	}
	return nil
}

// stored copies a stored block (RFC 1951, 3.2.4) as far as there is room.
func (r *reader) stored() error {
	for r.toCopy > 0 && r.n < windowLimit {
		if err := r.need(8); err != nil {
			return err
		}
		from := r.input[r.pos>>3 : r.end]
		n := copy(r.window[r.n:windowLimit], from[:min(uint(len(from)), r.toCopy)])
		r.n += n
		r.pos += 8 * uint(n)
		r.toCopy -= uint(n)
	}
	if r.toCopy == 0 {
		r.finish()
	}
	return nil
}

// fixedCodes are those of RFC 1951, 3.2.6.
func (r *reader) fixedCodes() {
	if r.fixed {
		return
	}
	r.fixed, r.least = true, 7
	literals, distances := r.codeBits[:fixedLiterals], r.codeBits[fixedLiterals:]
	for i := range literals {
		switch {
		case i < 144:
			literals[i] = 8
		case i < 256:
			literals[i] = 9
		case i < 280:
			literals[i] = 7
		default:
			literals[i] = 8
		}
	}
	for i := range distances {
		distances[i] = 5
	}
	build(r.literals[:], literalBits, literals, literalEntry)
	build(r.distances[:], distanceBits, distances, distanceEntry)
}

// dynamicCodes reads the codes of a block (RFC 1951, 3.2.7).
func (r *reader) dynamicCodes() error {
	v, err := r.take(5 + 5 + 4)
	if err != nil {
		return err
	}
	literals, distances := 257+int(v&31), 1+int(v>>5&31)
	if literals > literalSymbols || distances > distanceSymbols {
		return damaged("too many codes")
	}
	order := [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	var first [len(order)]uint8
	for _, symbol := range order[:4+v>>10] {
		n, err := r.take(3)
		if err != nil {
			return err
		}
		first[symbol] = uint8(n)
	}
	if !build(r.lengths[:], lengthBits, first[:], literalEntry) {
		return damaged("bad code for lengths of codes")
	}

	all := r.codeBits[:literals+distances]
	for i := 0; i < len(all); {
		e, _, err := r.code(r.lengths[:], lengthBits)
		if err != nil {
			return err
		}
		if e >= notLiteral {
			return damaged("bad length of a code")
		}
		value, width, times := uint8(e), uint(0), uint64(0)
		switch value {
		default:
			all[i] = value
			i++
			continue
		case 16:
			if i == 0 {
				return damaged("repeats a length before the first one")
			}
			value, width, times = all[i-1], 2, 3
		case 17:
			value, width, times = 0, 3, 3
		case 18:
			value, width, times = 0, 7, 11
		}
		more, err := r.take(width)
		if err != nil {
			return err
		}
		if times += more; times > uint64(len(all)-i) {
			return damaged("repeats too many lengths")
		}
		for range times {
			all[i] = value
			i++
		}
	}
	r.least = uint(all[endOfBlock])
	if !build(r.literals[:], literalBits, all[:literals], literalEntry) ||
		!build(r.distances[:], distanceBits, all[literals:], distanceEntry) {
		return damaged("bad code")
	}
	return nil
}

// code decodes a symbol: its entry, and the bits behind the code that belong to
// it.
func (r *reader) code(table []uint32, width uint) (e, extra uint32, err error) {
	for {
		v := r.peek()
		e = table[v&(1<<width-1)]
		if e >= link {
			e = table[uint64(e>>8&0xffff)+v>>width&(1<<(e&7)-1)]
		}
		n := uint(e & 63)
		if e < notLiteral {
			n = uint(e >> 8)
		}
		// If there are so many, bits that are not there did not matter.
		if n <= r.left() {
			r.pos += n
			return e, uint32(v & (1<<n - 1) >> (e >> 6 & 15)), nil
		}
		if err := r.more(); err != nil {
			return 0, 0, err
		}
	}
}

// codes decodes symbols until the window is full or the block is at its end.
func (r *reader) codes() error {
	for r.n < windowLimit {
		r.hurry()
		if r.n >= windowLimit {
			break
		}
		if err := r.symbol(); err != nil || r.phase != inCodes {
			return err
		}
	}
	return nil
}

// symbol decodes one, with care.
func (r *reader) symbol() error {
	// Even if this one takes less: the block must still have an end.
	if err := r.need(r.least); err != nil {
		return err
	}
	e, extra, err := r.code(r.literals[:], literalBits)
	switch {
	case err != nil:
		return err
	case e < notLiteral:
		r.window[r.n] = byte(e)
		r.n++
		return nil
	case e >= blockEnd:
		r.finish()
		return nil
	case e >= special:
		return damaged("bad literal or length")
	}
	length := int(e>>16 + extra)

	e, extra, err = r.code(r.distances[:], distanceBits)
	switch {
	case err != nil:
		return err
	case e >= special:
		return damaged("bad distance")
	}
	distance := int(e>>distanceShift + extra)
	if distance > r.n {
		return damaged("match before the beginning")
	}
	for range length {
		r.window[r.n] = r.window[r.n-distance]
		r.n++
	}
	return nil
}
