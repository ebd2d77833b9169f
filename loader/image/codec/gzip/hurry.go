package gzip

import "encoding/binary"

// hurryInput is how many bytes of input a round of hurry may take, and look at.
const hurryInput = 24

// roundBits are what is loaded at once. They are enough for two literals, a length
// and a distance; only for a code so long that it is looked up twice, bits are
// loaded again.
const (
	roundBits = 57
	_         = uint(roundBits - (3*literalBits + maxLengthExtra + distanceBits + maxDistanceExtra))
	_         = uint(roundBits - (maxCode + maxLengthExtra + distanceBits + maxDistanceExtra))
)

// patterns turn the first bytes of a word into a word of nothing but them: those
// of a mask, multiplied. step is by how much to go on to write the next such word.
var patterns = [8]struct {
	mask, times uint64
	step        uint
}{
	{},
	{1<<8 - 1, 0x0101010101010101, 8},
	{1<<16 - 1, 0x0001000100010001, 8},
	{1<<24 - 1, 0x0001000001000001, 6},
	{1<<32 - 1, 0x0000000100000001, 8},
	{1<<40 - 1, 0x0000010000000001, 5},
	{1<<48 - 1, 0x0001000000000001, 6},
	{1<<56 - 1, 0x0100000000000001, 7},
}

// hurry decodes symbols for as long as there are input and room for a round. It is
// the same as symbol without asking, at each step, whether there are; all that is
// not ordinary it leaves to symbol.
func (r *reader) hurry() {
	pos, n := r.pos, uint(r.n)
	if r.end < hurryInput {
		return
	}
	limit := uint(r.end-hurryInput) * 8
	for pos < limit && n < windowLimit {
		// These are roundBits at least.
		v := binary.LittleEndian.Uint64(r.input[pos>>3%inputSize:][:8]) >> (pos & 7)
		e := r.literals[v%(1<<literalBits)]
		if e < notLiteral {
			r.window[n] = byte(e)
			n++
			e >>= 8
			pos += uint(e)
			v >>= e & 63
			e = r.literals[v%(1<<literalBits)]
			if e < notLiteral {
				r.window[n] = byte(e)
				n++
				e >>= 8
				pos += uint(e)
				v >>= e & 63
				e = r.literals[v%(1<<literalBits)]
				if e < notLiteral {
					r.window[n] = byte(e)
					n++
					pos += uint(e >> 8)
					continue
				}
			}
		}
		at := n % windowSize // n, which the compiler does not see
		if e >= special {
			if e < link {
				break
			}
			v = binary.LittleEndian.Uint64(r.input[pos>>3%inputSize:][:8]) >> (pos & 7)
			e = r.literals[(uint64(e>>8)+v>>literalBits&(1<<(e&7)-1))%literalEntries]
			if e < notLiteral {
				r.window[at] = byte(e)
				n = at + 1
				pos += uint(e >> 8)
				continue
			}
			if e >= special {
				break
			}
		}
		// What is shifted out is the code with its extra bits.
		rest := v >> (e & 63)
		length := uint(e>>16) + uint((v^rest<<(e&63))>>(e>>6&63))
		next := pos + uint(e&63)

		e = r.distances[rest%(1<<distanceBits)]
		v = rest >> (e & 63)
		from := at - uint(e>>distanceShift) - uint((rest^v<<(e&63))>>(e>>6&63))
		if from >= windowSize {
			// Before the beginning, as what is special seems to be.
			if e < link {
				break
			}
			rest = binary.LittleEndian.Uint64(r.input[next>>3%inputSize:][:8]) >> (next & 7)
			e = r.distances[(uint64(e>>8)+rest>>distanceBits&(1<<(e&7)-1))%distanceEntries]
			v = rest >> (e & 63)
			from = at - uint(e>>distanceShift) - uint((rest^v<<(e&63))>>(e>>6&63))
			if from >= windowSize {
				break
			}
		}
		pos = next + uint(e&63)

		n = at + length
		from %= windowSize // likewise
		if at-from >= 8 {
			// Sixteen bytes are enough for most. What is too much is written over.
			*(*[8]byte)(r.window[at:][:8]) = *(*[8]byte)(r.window[from:][:8])
			*(*[8]byte)(r.window[at+8:][:8]) = *(*[8]byte)(r.window[from+8:][:8])
			for at += 16; at < n; at += 16 {
				from += 16
				from, to := from%windowSize, at%windowSize
				*(*[8]byte)(r.window[to:][:8]) = *(*[8]byte)(r.window[from:][:8])
				*(*[8]byte)(r.window[to+8:][:8]) = *(*[8]byte)(r.window[from+8:][:8])
			}
			continue
		}
		p := &patterns[(at-from)%8]
		word := binary.LittleEndian.Uint64(r.window[from:][:8]) & p.mask * p.times
		if p.step != 8 {
			for ; at < n; at += p.step {
				binary.LittleEndian.PutUint64(r.window[at%windowSize:][:8], word)
			}
			continue
		}
		for ; at < n; at += 16 {
			to := at % windowSize
			binary.LittleEndian.PutUint64(r.window[to:][:8], word)
			binary.LittleEndian.PutUint64(r.window[to+8:][:8], word)
		}
	}
	r.pos, r.n = pos, int(n)
}
