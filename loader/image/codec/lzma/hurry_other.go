//go:build !amd64 || purego

package lzma

import "encoding/binary"

// renew reads a byte when the range has become too small.
func renew(width, code uint32, in []byte, at int) (w, c uint32, next int) {
	if width < topValue {
		return width << 8, code<<8 | uint32(in[at]), at + 1
	}
	return width, code, at
}

// model decodes a bit by its probability out of a range that was renewed, without a
// branch. It returns what is left of the range, bits with the new one at their end,
// and all ones when that is 0.
func model(width, code, bits uint32, p *uint16) (w, c, longer, low uint32) {
	v := uint32(*p)
	bound := width >> probBits * v
	low = uint32((int64(code) - int64(bound)) >> 63)
	upper := width - bound
	// Towards 1<<probBits or 0, by a part in 1<<moveBits of what is left.
	*p = uint16(v + uint32(int32((1<<moveBits-1)+low&(1<<probBits-1<<moveBits+1)-v)>>moveBits))
	return upper ^ (upper^bound)&low, code - bound + bound&low, bits<<1 + 1 + low, low
}

// What decodes several bits in a row is a function of its own: there the range and
// all else fits the processor's registers, from the arguments to the results.

// matchedBits decodes a literal where a match could have gone on with a byte, as
// rangeDecoder.matched does.
func matchedBits(width, code uint32, in []byte, at int, probs *[literalModels]uint16, match uint32) (w, c uint32, next int, literal uint32) {
	symbol, offset, low := uint32(1), uint32(0x100), uint32(0)
	for symbol < 0x100 {
		match <<= 1
		want := match & offset
		width, code, at = renew(width, code, in, at)
		width, code, symbol, low = model(width, code, symbol, &probs[(offset+want+symbol)%literalModels])
		offset = want ^ offset&low
	}
	return width, code, at, symbol
}

// treeBits decodes a number below the length of probs.
func treeBits(width, code uint32, in []byte, at int, probs []uint16) (w, c uint32, next int, number uint32) {
	m := uint32(1)
	for m < uint32(len(probs)) {
		width, code, at = renew(width, code, in, at)
		width, code, m, _ = model(width, code, m, &probs[m])
	}
	return width, code, at, m - uint32(len(probs))
}

// Matches of a distance of 1, 2 or 4 are one pattern: so many bytes, repeated by a
// multiplication.
var (
	patternMask = [8]uint64{1: 0xff, 2: 0xffff, 4: 0xffffffff}
	patternTwin = [8]uint64{1: 0x0101010101010101, 2: 0x0001000100010001, 4: 0x0000000100000001}
)

// symbols decodes symbols into dst, the dictionary with the room behind it, for as
// long as symbolOutput bytes of that are left, and symbolInput of in. One byte of
// dst has to be filled before.
func symbols(d *Decoder, dst, in []byte) int {
	r, p := &d.rc, &d.probs
	width, code, at := r.width, r.code, r.at
	n, result := d.n-d.start, 0
	state, rep0 := d.state, d.reps[0]
	low := uint32(0) // all ones when a bit was 0

	for at <= len(in)-symbolInput && n <= len(dst)-symbolOutput {
		posState := uint(n) & uint(d.posMask) % posStates
		width, code, at = renew(width, code, in, at)
		width, code, _, low = model(width, code, 0, &p.isMatch[state%states][posState])
		if low != 0 {
			context := (n&d.lpMask)<<(d.lc&15) + int(dst[n-1])>>((8-d.lc)&15)
			probs := (*[literalModels]uint16)(d.literals[literalModels*context:])
			symbol := uint32(0)
			if from := uint(n - rep0 - 1); state >= firstMatch && from < uint(len(dst)) {
				width, code, at, symbol = matchedBits(width, code, in, at, probs, uint32(dst[from]))
			} else {
				width, code, at, symbol = treeBits(width, code, in, at, probs[:0x100])
			}
			dst[n] = byte(symbol)
			n++
			state = uint(afterLiteral[state%states])
			continue
		}

		// A match: which distance, and whose lengths.
		lengths := &p.repLength
		width, code, at = renew(width, code, in, at)
		width, code, _, low = model(width, code, 0, &p.isRep[state%states])
		fresh := low
		if fresh != 0 {
			lengths = &p.matchLength
			state = after(state, 7, 10)
		} else {
			width, code, at = renew(width, code, in, at)
			width, code, _, low = model(width, code, 0, &p.isRep0[state%states])
			if low != 0 {
				width, code, at = renew(width, code, in, at)
				width, code, _, low = model(width, code, 0, &p.isLongRep[state%states][posState])
				if low != 0 {
					if rep0 >= n {
						return noMatch
					}
					dst[n] = dst[n-rep0-1]
					n++
					state = after(state, 9, 11)
					continue
				}
			} else {
				width, code, at = renew(width, code, in, at)
				width, code, _, low = model(width, code, 0, &p.isRep1[state%states])
				before := rep0
				if low != 0 {
					rep0 = d.reps[1]
				} else {
					width, code, at = renew(width, code, in, at)
					width, code, _, low = model(width, code, 0, &p.isRep2[state%states])
					if low != 0 {
						rep0 = d.reps[2]
					} else {
						rep0 = d.reps[3]
						d.reps[3] = d.reps[2]
					}
					d.reps[2] = d.reps[1]
				}
				d.reps[1] = before
			}
			state = after(state, 8, 11)
		}

		length, m := minMatch, uint32(0)
		width, code, at = renew(width, code, in, at)
		width, code, _, low = model(width, code, 0, &lengths.long)
		if low != 0 {
			width, code, at, m = treeBits(width, code, in, at, lengths.low[posState][:])
		} else {
			width, code, at = renew(width, code, in, at)
			width, code, _, low = model(width, code, 0, &lengths.longest)
			if low != 0 {
				width, code, at, m = treeBits(width, code, in, at, lengths.middle[posState][:])
				length += 8
			} else {
				width, code, at, m = treeBits(width, code, in, at, lengths.high[:])
				length += 16
			}
		}
		length += int(m)

		if fresh != 0 {
			d.reps[3], d.reps[2], d.reps[1] = d.reps[2], d.reps[1], rep0
			slot := uint32(0)
			width, code, at, slot = treeBits(width, code, in, at, p.slots[min(length-minMatch, 3)][:])
			rep0 = int(slot)
			if slot >= firstModel {
				bits := slot>>1 - 1
				distance := (2 | slot&1) << (bits % 32)
				m, one := uint32(1), uint32(1)
				if slot < endModel {
					base := distance - slot
					for range bits {
						width, code, at = renew(width, code, in, at)
						width, code, m, low = model(width, code, m, &p.special[(base+m)%uint32(len(p.special))])
						distance += one &^ low
						one <<= 1
					}
				} else {
					v := uint32(0)
					for range bits - alignBits {
						width, code, at = renew(width, code, in, at)
						width >>= 1
						low = uint32(int32(code-width) >> 31)
						code -= width &^ low
						v = v<<1 + low + 1
					}
					distance += v << alignBits
					for range alignBits {
						width, code, at = renew(width, code, in, at)
						width, code, m, low = model(width, code, m, &p.align[m%(1<<alignBits)])
						distance += one &^ low
						one <<= 1
					}
				}
				if rep0 = int(distance); distance == 0xffffffff {
					width, code, at = renew(width, code, in, at)
					result = endMarker
					break
				}
			}
		}

		from := uint(n - rep0 - 1)
		if from >= uint(n) {
			return noMatch
		}
		src, out := (*[symbolOutput]byte)(dst[from:]), (*[symbolOutput]byte)(dst[n:])
		n += length
		le := binary.LittleEndian
		if rep0 >= 7 {
			// Up to 15 bytes too many, which the next ones overwrite.
			le.PutUint64(out[:], le.Uint64(src[:]))
			le.PutUint64(out[8:], le.Uint64(src[8:]))
			for i := 16; i < length; i += 16 {
				to, from := out[i:i+16], src[i:i+16]
				le.PutUint64(to, le.Uint64(from))
				le.PutUint64(to[8:], le.Uint64(from[8:]))
			}
		} else if twin := patternTwin[rep0+1]; twin != 0 {
			v := le.Uint64(src[:]) & patternMask[rep0+1] * twin
			for i := 0; i < length; i += 16 {
				to := out[i : i+16]
				le.PutUint64(to, v)
				le.PutUint64(to[8:], v)
			}
		} else {
			for i := range length {
				out[i] = src[i]
			}
		}
	}
	r.width, r.code, r.at = width, code, at
	d.n, d.state = d.start+n, state
	d.reps[0] = rep0
	return result
}
