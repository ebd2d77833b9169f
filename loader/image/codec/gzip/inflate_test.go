package gzip

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
	"slices"
	"testing"
)

// bitWriter writes bits as RFC 1951, 3.1.1 packs them.
type bitWriter struct {
	b []byte
	n uint
}

func (w *bitWriter) bits(v, n int) {
	for i := range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
}

// code is a code of n bits, which are written the highest first.
func (w *bitWriter) code(v, n int) {
	w.bits(int(bits.Reverse16(uint16(v))>>(16-n)), n)
}

// huffman is a code as a list of its lengths.
type huffman []uint8

// of is a symbol's code.
func (h huffman) of(symbol int) (code, n int) {
	n = int(h[symbol])
	for length := 1; length <= n; length++ {
		code <<= 1
		for s, l := range h {
			if int(l) == length && (length < n || s < symbol) {
				code++
			}
		}
	}
	return code, n
}

// stream makes a DEFLATE stream of one block, and what should come out of it.
type stream struct {
	w                   bitWriter
	literals, distances huffman
	out                 []byte
}

func newStream(literals, distances huffman) *stream {
	s := &stream{literals: literals, distances: distances}
	s.w.bits(1, 1)
	return s
}

func fixed() *stream {
	literals := huffman(slices.Concat(
		bytes.Repeat([]byte{8}, 144), bytes.Repeat([]byte{9}, 112), bytes.Repeat([]byte{7}, 24), bytes.Repeat([]byte{8}, 8)))
	s := newStream(literals, bytes.Repeat([]byte{5}, 32))
	s.w.bits(1, 2)
	return s
}

// dynamic writes the lengths of codes with a code of 16 codes of 4 bits: none is
// repeated.
func dynamic(literals, distances huffman) *stream {
	s := newStream(literals, distances)
	s.w.bits(2, 2)
	s.w.bits(len(literals)-257, 5)
	s.w.bits(len(distances)-1, 5)
	s.w.bits(15, 4)
	plain := huffman(append(bytes.Repeat([]byte{4}, 16), 0, 0, 0))
	for _, symbol := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15} {
		s.w.bits(int(plain[symbol]), 3)
	}
	for _, n := range slices.Concat(literals, distances) {
		s.w.code(plain.of(int(n)))
	}
	return s
}

func (s *stream) literal(c byte) {
	s.w.code(s.literals.of(int(c)))
	s.out = append(s.out, c)
}

func (s *stream) match(length, distance int) {
	i := len(lengthBase) - 1
	for int(lengthBase[i]) > length {
		i--
	}
	s.w.code(s.literals.of(257 + i))
	s.w.bits(length-int(lengthBase[i]), int(lengthExtra[i]))
	i = len(distanceBase) - 1
	for int(distanceBase[i]) > distance {
		i--
	}
	s.w.code(s.distances.of(i))
	s.w.bits(distance-int(distanceBase[i]), int(distanceExtra[i]))
	for range length {
		if distance <= len(s.out) {
			s.out = append(s.out, s.out[len(s.out)-distance])
		}
	}
}

func (s *stream) end() ([]byte, []byte) {
	s.w.code(s.literals.of(endOfBlock))
	return s.w.b, s.out
}

// longCodes has codes of 1 to 15 bits for symbols from first on, and the longest
// ones for all others that it can: the more, the more of those have 15 bits.
func longCodes(n, first int) huffman {
	h := make(huffman, n)
	// The tree has one leaf at each depth, and a full one of 7 levels at the end.
	i := first
	next := func() int { i++; return (i - 1) % n }
	for depth := uint8(1); depth <= 8; depth++ {
		h[next()] = depth
	}
	for range 128 {
		h[next()] = 15
	}
	return h
}

// stairs has one code of each length, and two of the longest.
func stairs(n, first, longest int) huffman {
	h := make(huffman, n)
	for i := range longest {
		h[(first+i)%n] = uint8(i + 1)
	}
	h[(first+longest)%n] = uint8(longest)
	return h
}

type streamCase struct {
	name string
	data []byte
	want []byte
}

// streams are ones that compressors do not make.
func streams() []streamCase {
	var all []streamCase
	add := func(name string, s *stream) {
		data, want := s.end()
		all = append(all, streamCase{name, data, want})
	}
	s := fixed()
	for c := range 256 {
		s.literal(byte(c))
	}
	add("all literals", s)

	// Literals, lengths and distances with long codes, each in a row.
	for _, first := range []int{0, 100, 200, 250} {
		s = dynamic(longCodes(286, first), stairs(30, first%30, 15))
		for c := range 256 {
			if s.literals[c] > 0 {
				for range 5 {
					s.literal(byte(c))
				}
			}
		}
		for i, base := range distanceBase {
			if s.distances[i] == 0 {
				continue
			}
			for j, length := range lengthBase {
				if s.literals[257+j] > 0 {
					if int(base) <= len(s.out) {
						s.match(int(length), int(base))
					}
				}
			}
		}
		if s.literals[endOfBlock] > 0 {
			add(fmt.Sprintf("long codes from %d", first), s)
		}
	}
	return all
}

func TestStreams(t *testing.T) {
	for _, s := range streams() {
		got, err := same(t, member(plain, s.data, s.want))
		if err != nil || !bytes.Equal(got, s.want) {
			t.Errorf("%s: %d bytes of %d, %v", s.name, len(got), len(s.want), err)
		}
	}
}

// Every length at distances of every kind, at the beginning and far into it.
func TestMatches(t *testing.T) {
	var distances []int
	for d := range 20 {
		distances = append(distances, d+1)
	}
	for i, base := range distanceBase {
		last := int(base) + 1<<distanceExtra[i] - 1
		distances = append(distances, int(base), last)
	}
	for _, distance := range distances {
		s := fixed()
		for i := range distance {
			s.literal(byte(i*i>>3 ^ i))
		}
		for length := 3; length <= maxMatch; length++ {
			s.match(length, distance)
			s.literal(byte(length))
		}
		data, want := s.end()
		if got, err := same(t, member(plain, data, want)); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("distance %d: %d bytes of %d, %v", distance, len(got), len(want), err)
		}
	}
}

func TestBlocks(t *testing.T) {
	// raw is bits by hand: pairs of a value and how many bits it takes.
	raw := func(pairs ...int) []byte {
		var w bitWriter
		for i := 0; i < len(pairs); i += 2 {
			w.bits(pairs[i], pairs[i+1])
		}
		return w.b
	}
	empty := func(distances huffman, symbols ...byte) []byte {
		s := dynamic(stairs(257, 250, 6), distances)
		for _, c := range symbols {
			s.literal(c)
		}
		data, _ := s.end()
		return data
	}
	match := func(distances huffman, distance int) []byte {
		literals := make(huffman, 258)
		literals['a'], literals[256], literals[257] = 1, 2, 2
		s := dynamic(literals, distances)
		s.literal('a')
		if distance > 0 {
			s.match(3, distance)
		} else {
			s.w.code(s.literals.of(257))
			s.w.bits(1, 1) // the code that is none
		}
		data, _ := s.end()
		return data
	}
	tooFar := fixed()
	tooFar.literal('a')
	tooFar.match(3, 2)
	farData, _ := tooFar.end()
	unused := func(symbol, distance int) []byte {
		s := fixed()
		s.literal('a')
		s.w.code(s.literals.of(symbol))
		if distance >= 0 {
			s.w.code(s.distances.of(distance))
		}
		data, _ := s.end()
		return data
	}
	oversubscribed, incomplete := stairs(257, 250, 6), stairs(257, 250, 6)
	oversubscribed[0], incomplete[250] = 6, 2
	badLiterals := func(h huffman) []byte {
		data, _ := dynamic(h, huffman{1}).end()
		return data
	}
	onlyEnd := make(huffman, 257)
	onlyEnd[256] = 1
	three := make(huffman, 257)
	three[0], three[1], three[256] = 1, 1, 1

	for name, tt := range map[string]struct {
		data []byte
		want string // contents or error
	}{
		"stored":              {[]byte("\x01\x03\x00\xfc\xffabc"), "abc"},
		"stored, empty":       {[]byte("\x01\x00\x00\xff\xff"), ""},
		"stored, two":         {[]byte("\x00\x01\x00\xfe\xffa\x01\x01\x00\xfe\xffb"), "ab"},
		"stored, bits before": {[]byte("\xf9\x01\x00\xfe\xffa"), "a"},
		"stored, bad length":  {[]byte("\x01\x03\x00\xfc\xfeabc"), "damaged: bad length of a stored block"},
		"bad type":            {raw(7, 3), "damaged: bad type of a block"},
		"too many literals":   {raw(1, 1, 2, 2, 30, 5, 0, 5, 0, 4), "damaged: too many codes"},
		"too many distances":  {raw(1, 1, 2, 2, 0, 5, 30, 5, 0, 4), "damaged: too many codes"},
		"no code at all":      {raw(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 0, 12, 0, 32), "damaged: bad length of a code"},
		"half a code":         {raw(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 0, 9, 2, 3, 0, 64), "damaged: bad code for lengths of codes"},
		"one length":          {raw(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 0, 9, 1, 3, 0, 258, 0, 64), "damaged: bad literal or length"},
		"one length, other":   {raw(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 0, 9, 1, 3, 0, 200, 1, 1, 0, 200), "damaged: bad length of a code"},
		"repeats nothing":     {raw(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 1, 3, 0, 9, 0, 64), "damaged: repeats a length before the first one"},
		"repeats too much":    {raw(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 0, 6, 1, 3, 0, 3, 0, 1, 127, 7, 0, 1, 127, 7, 0, 64), "damaged: repeats too many lengths"},
		"no distances":        {empty(huffman{0}, 250, 251), "\xfa\xfb"},
		"one distance":        {match(huffman{1}, 1), "aaaa"},
		"one distance, other": {match(huffman{1}, 0), "damaged: bad distance"},
		"no distance, used":   {match(huffman{0}, 0), "damaged: bad distance"},
		"one, two bits":       {match(huffman{2}, 1), "damaged: bad code"},
		"three, one bit":      {match(huffman{1, 1, 1}, 1), "damaged: bad code"},
		"two distances":       {match(huffman{1, 1}, 1), "aaaa"},
		"too far":             {farData, "damaged: match before the beginning"},
		"too far, long code":  {match(stairs(20, 2, 12), 100), "damaged: match before the beginning"},
		"length 286":          {unused(286, 0), "damaged: bad literal or length"},
		"length 287":          {unused(287, 0), "damaged: bad literal or length"},
		"distance 30":         {unused(257, 30), "damaged: bad distance"},
		"distance 31":         {unused(257, 31), "damaged: bad distance"},
		"oversubscribed":      {badLiterals(oversubscribed), "damaged: bad code"},
		"incomplete":          {badLiterals(incomplete), "damaged: bad code"},
		"three of one bit":    {badLiterals(three), "damaged: bad code"},
		"only an end":         {badLiterals(onlyEnd), ""},
	} {
		t.Run(name, func(t *testing.T) {
			// Some more bytes, so that hurry gets to it all.
			for _, behind := range []int{0, 100} {
				data := []byte(plain + string(tt.data))
				data = binary.LittleEndian.AppendUint32(data, crc32.ChecksumIEEE([]byte(tt.want)))
				data = binary.LittleEndian.AppendUint32(data, uint32(len(tt.want)))
				if behind > 0 {
					data = append(data, gzipped(t, make([]byte, 0), 6)...)
					data = append(data, gzipped(t, make([]byte, 0), 0)...)
				}
				b, err := same(t, data)
				got := string(b)
				if err != nil {
					got = err.Error()
				}
				if got != tt.want {
					t.Errorf("%q, want %q", got, tt.want)
				}
			}
		})
	}
}

// Codes that need the most room for the second parts of their tables.
func TestTables(t *testing.T) {
	table := make([]uint32, literalEntries)
	for first := range 286 {
		if !build(table, literalBits, longCodes(286, first), literalEntry) {
			t.Error("no code")
		}
	}
	for longest := 1; longest <= maxCode; longest++ {
		if !build(table, literalBits, stairs(286, 0, longest), literalEntry) ||
			!build(table[:distanceEntries], distanceBits, stairs(30, 0, longest), distanceEntry) {
			t.Errorf("no code of %d bits", longest)
		}
	}
}
