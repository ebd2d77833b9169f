package lzma

import "encoding/binary"

// A symbol takes a byte of input for each of its bits at most, which are 48: one
// that tells a match, one of its kind, 10 of its length, 36 of its distance; an end
// marker takes one more. A symbol brings a match of 273 bytes at most, which is
// copied by eight bytes.
const (
	symbolInput  = 49
	symbolOutput = 273 + 7
)

// renew reads a byte when the range has become too small.
func renew(width, code uint32, in []byte, at int) (w, c uint32, next int) {
	if width < topValue {
		return width << 8, code<<8 | uint32(in[at]), at + 1
	}
	return width, code, at
}

// model decodes a bit by its probability out of a range that was renewed, and
// returns what is left of the range, and bits with the new one at their end.
func model(width, code, bits uint32, p *uint16) (w, c, longer uint32) {
	v := uint32(*p)
	bound := width >> probBits * v
	if code < bound {
		*p = uint16(v + (1<<probBits-v)>>moveBits)
		return bound, code, bits << 1
	}
	*p = uint16(v - v>>moveBits)
	return width - bound, code - bound, bits<<1 | 1
}

// What decodes several bits in a row is a function of its own: there the range and
// all else fits the processor's registers, from the arguments to the results.

// literalBits decodes what is left of a literal's bits, with 0x100 before them.
func literalBits(width, code uint32, in []byte, at int, probs *[literalModels]uint16, symbol uint32) (w, c uint32, next int, all uint32) {
	for symbol < 0x100 {
		width, code, at = renew(width, code, in, at)
		width, code, symbol = model(width, code, symbol, &probs[symbol%literalModels])
	}
	return width, code, at, symbol
}

// matchedBits decodes a literal's bits up to the first that is not match's.
func matchedBits(width, code uint32, in []byte, at int, probs *[literalModels]uint16, match uint32) (w, c uint32, next int, first uint32) {
	symbol, offset := uint32(1), uint32(0x100)
	for symbol < 0x100 && offset != 0 {
		match <<= 1
		want := match & 0x100
		width, code, at = renew(width, code, in, at)
		width, code, symbol = model(width, code, symbol, &probs[(0x100+want+symbol)%literalModels])
		offset = 0x100 &^ (want ^ symbol<<8)
	}
	return width, code, at, symbol
}

// treeBits decodes the bits of a number below limit, with limit added to it.
func treeBits(width, code uint32, in []byte, at int, probs []uint16, limit uint32) (w, c uint32, next int, m uint32) {
	m = 1
	probs = probs[:limit]
	for m < uint32(len(probs)) {
		width, code, at = renew(width, code, in, at)
		width, code, m = model(width, code, m, &probs[m])
	}
	return width, code, at, m
}

// hurry decodes symbols for as long as there is input and room for the largest
// one. It is the same as the rest of Decode without asking, at each byte, whether
// there is one.
func (d *Decoder) hurry(end int) (marked bool, err error) {
	r, p, start := &d.rc, &d.probs, d.start
	width, code, in, at := r.width, r.code, r.input, r.at
	n, state := d.n, d.state
	rep0, rep1, rep2, rep3 := d.reps[0], d.reps[1], d.reps[2], d.reps[3]
	dst := d.dst[:end]
	bit := uint32(0)

	for at <= len(in)-symbolInput && n <= len(dst)-symbolOutput {
		posState := uint(n-start) & uint(d.posMask)
		width, code, at = renew(width, code, in, at)
		width, code, bit = model(width, code, 0, &p.isMatch[state%states][posState%posStates])
		if bit == 0 {
			before := 0
			if n > start {
				before = int(dst[n-1])
			}
			context := ((n-start)&d.lpMask)<<d.lc + before>>(8-d.lc)
			probs := (*[literalModels]uint16)(d.literals[literalModels*context:])
			symbol := uint32(1)
			if state >= firstMatch && rep0 < n-start {
				width, code, at, symbol = matchedBits(width, code, in, at, probs, uint32(dst[n-rep0-1]))
			}
			width, code, at, symbol = literalBits(width, code, in, at, probs, symbol)
			dst[n] = byte(symbol)
			n++
			state = uint(afterLiteral[state%states])
			continue
		}

		// A match: which distance, and whose lengths.
		lengths, again := &p.repLength, true
		width, code, at = renew(width, code, in, at)
		width, code, bit = model(width, code, 0, &p.isRep[state%states])
		if bit == 0 {
			lengths, again = &p.matchLength, false
		} else {
			width, code, at = renew(width, code, in, at)
			width, code, bit = model(width, code, 0, &p.isRep0[state%states])
			if bit == 0 {
				width, code, at = renew(width, code, in, at)
				width, code, bit = model(width, code, 0, &p.isLongRep[state%states][posState%posStates])
				if bit == 0 {
					if rep0 >= n-start {
						return false, damaged("match before the beginning")
					}
					dst[n] = dst[n-rep0-1]
					n++
					state = after(state, 9, 11)
					continue
				}
			} else {
				width, code, at = renew(width, code, in, at)
				width, code, bit = model(width, code, 0, &p.isRep1[state%states])
				if bit == 0 {
					rep0, rep1 = rep1, rep0
				} else {
					width, code, at = renew(width, code, in, at)
					width, code, bit = model(width, code, 0, &p.isRep2[state%states])
					if bit == 0 {
						rep0, rep1, rep2 = rep2, rep0, rep1
					} else {
						rep0, rep1, rep2, rep3 = rep3, rep0, rep1, rep2
					}
				}
			}
		}

		probs, limit, length := lengths.low[posState%posStates][:], uint32(8), minMatch
		width, code, at = renew(width, code, in, at)
		width, code, bit = model(width, code, 0, &lengths.long)
		if bit != 0 {
			width, code, at = renew(width, code, in, at)
			width, code, bit = model(width, code, 0, &lengths.longest)
			if bit == 0 {
				probs, length = lengths.middle[posState%posStates][:], minMatch+8
			} else {
				probs, limit, length = lengths.high[:], 256, minMatch+16
			}
		}
		m := uint32(0)
		width, code, at, m = treeBits(width, code, in, at, probs, limit)
		length += int(m - limit)

		if again {
			state = after(state, 8, 11)
		} else {
			state = after(state, 7, 10)
			rep1, rep2, rep3 = rep0, rep1, rep2
			slots := &p.slots[min(length-minMatch, 3)]
			slot := uint32(0)
			width, code, at, slot = treeBits(width, code, in, at, slots[:], 1<<slotBits)
			slot -= 1 << slotBits
			rep0 = int(slot)
			if slot >= firstModel {
				bits := slot>>1 - 1
				distance := (2 | slot&1) << bits
				models := p.align[:]
				if slot < endModel {
					models = p.special[distance-slot:]
				} else {
					v := uint32(0)
					for range bits - alignBits {
						width, code, at = renew(width, code, in, at)
						width >>= 1
						// All ones when the code is below the half, and the bit is 0.
						below := uint32(int32(code-width) >> 31)
						code -= width &^ below
						v = v<<1 + below + 1
					}
					distance += v << alignBits
					bits = alignBits
				}
				m := uint32(1)
				for i := range bits {
					width, code, at = renew(width, code, in, at)
					width, code, m = model(width, code, m, &models[m])
					distance += m & 1 << i
				}
				if rep0 = int(distance); distance == 0xffffffff {
					width, code, at = renew(width, code, in, at)
					marked = true
					break
				}
			}
		}

		if rep0 >= n-start {
			return false, damaged("match before the beginning")
		}
		to, distance := n+length, rep0+1
		if distance < 8 {
			for from := n - distance; n < to; {
				n += copy(dst[n:to], dst[from:n])
			}
			continue
		}
		// Up to seven bytes too many, which the next ones overwrite.
		from, out := dst[n-distance:to-distance+7], dst[n:to+7]
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(out[i:], binary.LittleEndian.Uint64(from[i:]))
		}
		n = to
	}
	r.width, r.code, r.at = width, code, at
	d.n, d.state = n, state
	d.reps = [4]int{rep0, rep1, rep2, rep3}
	return marked, nil
}
