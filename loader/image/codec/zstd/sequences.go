package zstd

import "encoding/binary"

// A code stands for a number from base on, by so many more bits (RFC 8878,
// 3.1.1.3.2.1.1).
type code struct {
	base int
	bits uint
}

// The codes of literals lengths and match lengths; those of the first ones
// grow by one and have no bits.
var (
	lengthCodes = codes(0, 16, []uint{1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	matchCodes  = codes(3, 32, []uint{1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
)

func codes(first, plain int, widths []uint) (list []code) {
	for i := range plain {
		list = append(list, code{base: first + i})
	}
	base := first + plain
	for _, width := range widths {
		list = append(list, code{base, width})
		base += 1 << width
	}
	return list
}

// offsetCodes is how many offset codes there are: an offset's code is its
// number of bits.
const offsetCodes = 32

// Distributions of blocks that bring none (3.1.1.3.2.2).
var (
	lengthDefault = predefined(6, []int16{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1})
	matchDefault  = predefined(6, []int16{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1})
	offsetDefault = predefined(5, []int16{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1})
)

func predefined(log uint, probs []int16) *distribution {
	d := &distribution{log: log, n: len(probs)}
	copy(d.probs[:], probs)
	return d
}

// compressed unpacks a compressed block (3.1.1.3).
func (d *decoder) compressed(b []byte) error {
	b, err := d.readLiterals(b)
	if err != nil {
		return err
	}
	if len(b) == 0 {
		return damaged("no sequences")
	}
	// Number_of_Sequences has one to three bytes.
	count := int(b[0])
	switch {
	case count == 0:
		if len(b) > 1 {
			return damaged("bytes behind a block")
		}
		room, err := d.room(len(d.literals))
		copy(room, d.literals)
		return err
	case count < 128:
		b = b[1:]
	case count < 255 && len(b) > 1:
		count = (count-128)<<8 + int(b[1])
		b = b[2:]
	case count == 255 && len(b) > 2:
		count = int(b[1]) + int(b[2])<<8 + 0x7f00
		b = b[3:]
	default:
		return damaged("sequences cut off")
	}
	if len(b) == 0 || b[0]&3 != 0 {
		return damaged("bad sequences header")
	}
	modes := b[0]
	b = b[1:]
	for _, table := range []struct {
		t       *fseTable
		mode    byte
		symbols int
		most    uint
		preset  *distribution
	}{
		{&d.lengths, modes >> 6, len(lengthCodes), 9, lengthDefault},
		{&d.offsets, modes >> 4 & 3, offsetCodes, 8, offsetDefault},
		{&d.matches, modes >> 2 & 3, len(matchCodes), 9, matchDefault},
	} {
		if b, err = table.t.read(b, table.mode, table.symbols, table.most, table.preset); err != nil {
			return err
		}
	}
	return d.sequences(b, count)
}

// read makes a block's table by its mode (3.1.1.3.2.1) and returns what
// follows the description.
func (t *fseTable) read(b []byte, mode byte, symbols int, most uint, preset *distribution) ([]byte, error) {
	switch mode {
	case 0:
		return b, t.build(preset)
	case 1:
		if len(b) == 0 || int(b[0]) >= symbols {
			return nil, damaged("bad code in a sequence table")
		}
		t.only(b[0])
		return b[1:], nil
	case 2:
		d, used, err := readDistribution(b, symbols, most)
		if err != nil {
			return nil, err
		}
		return b[used:], t.build(&d)
	}
	if !t.ok {
		return nil, damaged("no sequence table to repeat")
	}
	return b, nil
}

// sequences carries out what a block's bit stream says: literals, then a
// match, each time (3.1.1.3.2.1.2 and 3.1.1.4).
func (d *decoder) sequences(b []byte, count int) error {
	r, ok := newBackward(b)
	if !ok {
		return damaged("sequences without an end")
	}
	r.fill()
	length, offset, match := d.lengths.first(&r), d.offsets.first(&r), d.matches.first(&r)
	literals, dst, n := d.literals, d.dst, d.n
	end := min(n+d.limit, len(dst))
	for ; count > 0; count-- {
		r.fill()
		value := 1<<(offset.symbol&63) + int(r.read(uint(offset.symbol)))
		m, l := &matchCodes[match.symbol], &lengthCodes[length.symbol]
		r.fill()
		size := m.base + int(r.read(m.bits))
		before := l.base + int(r.read(l.bits))
		if count > 1 {
			r.fill()
			length = d.lengths.next(length, &r)
			match = d.matches.next(match, &r)
			offset = d.offsets.next(offset, &r)
		}
		if r.left < 0 || before > len(literals) {
			return damaged("sequences cut off")
		}
		distance := d.distance(value, before)
		if before+size > end-n {
			return d.tooLarge(n + before + size)
		}
		copyShort(dst, n, literals, before)
		literals = literals[before:]
		n += before
		if distance <= 0 || distance > n-d.start {
			return damaged("match before the beginning")
		}
		match8(dst, n, distance, size)
		n += size
	}
	if !r.ended() {
		return damaged("sequences of another length")
	}
	if len(literals) > end-n {
		return d.tooLarge(n + len(literals))
	}
	d.n = n + copy(dst[n:], literals)
	return nil
}

// tooLarge is why a block may not reach so far.
func (d *decoder) tooLarge(n int) error {
	if n > d.n+d.limit {
		return damaged("block too large")
	}
	return ErrTooLarge
}

// distance turns an offset value into a distance, and remembers it (3.1.2.2.3
// of RFC 8878: "Repeat Offsets"). The values 1 to 3 are recent ones.
func (d *decoder) distance(value, before int) int {
	if value > 3 {
		d.recent = [3]int{value - 3, d.recent[0], d.recent[1]}
		return d.recent[0]
	}
	if before == 0 {
		value++
	}
	switch value {
	case 1:
	case 2:
		d.recent[0], d.recent[1] = d.recent[1], d.recent[0]
	case 3:
		d.recent = [3]int{d.recent[2], d.recent[0], d.recent[1]}
	default:
		d.recent = [3]int{d.recent[0] - 1, d.recent[0], d.recent[1]}
	}
	return d.recent[0]
}

// copyShort is copy(dst[n:], src[:size]), made for few bytes. It may write up
// to 16 bytes from n on.
func copyShort(dst []byte, n int, src []byte, size int) {
	if size > 16 || len(src) < 16 || len(dst)-n < 16 {
		copy(dst[n:], src[:size])
		return
	}
	to, from := dst[n:][:16], src[:16]
	le := binary.LittleEndian
	le.PutUint64(to, le.Uint64(from))
	le.PutUint64(to[8:], le.Uint64(from[8:]))
}

// match8 copies size bytes to n from distance before; they may overlap, which
// repeats what lies between. It may write up to 7 bytes more.
func match8(dst []byte, n, distance, size int) {
	if distance < 8 || size > 64 || len(dst)-n < size+8 {
		matchAny(dst, n, distance, size)
		return
	}
	le := binary.LittleEndian
	to, from := dst[n:][:size+7], dst[n-distance:][:size+7]
	for i := 0; i < size; i += 8 {
		le.PutUint64(to[i:], le.Uint64(from[i:]))
	}
}

func matchAny(dst []byte, n, distance, size int) {
	from, end := n-distance, n+size
	for n < end {
		n += copy(dst[n:end], dst[from:n])
	}
}
