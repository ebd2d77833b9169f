package lzma

import "encoding/binary"

const (
	states     = 16 // 12 are used
	posStates  = 16
	minMatch   = 2
	firstMatch = 7 // states from here on follow a match

	slotBits   = 6
	firstModel = 4  // distance slots from here on have more bits,
	endModel   = 14 // and from here on most of them of even chances
	alignBits  = 4

	// literalModels is how many probabilities a literal's context has, 0x300,
	// and room up to a power of two.
	literalModels = 0x400
)

// probabilities are all but those of literals.
type probabilities struct {
	isMatch, isLongRep            [states][posStates]uint16
	isRep, isRep0, isRep1, isRep2 [states]uint16
	slots                         [4][1 << slotBits]uint16
	special                       [1 << (endModel / 2)]uint16 // all but the last few are used
	align                         [1 << alignBits]uint16
	matchLength, repLength        lengths
}

// lengths are the probabilities of match lengths: 8 short ones and 8 middle
// ones for each position, and 256 long ones.
type lengths struct {
	long, longest uint16
	low, middle   [posStates][8]uint16
	high          [256]uint16
}

func reset(probs []uint16) {
	for i := range probs {
		probs[i] = probInit
	}
}

func (p *probabilities) reset() {
	for i := range states {
		reset(p.isMatch[i][:])
		reset(p.isLongRep[i][:])
	}
	for _, list := range [][]uint16{p.isRep[:], p.isRep0[:], p.isRep1[:], p.isRep2[:], p.special[:], p.align[:]} {
		reset(list)
	}
	for i := range p.slots {
		reset(p.slots[i][:])
	}
	p.matchLength.reset()
	p.repLength.reset()
}

func (l *lengths) reset() {
	l.long, l.longest = probInit, probInit
	for i := range posStates {
		reset(l.low[i][:])
		reset(l.middle[i][:])
	}
	reset(l.high[:])
}

// read is a length less the shortest one.
func (l *lengths) read(r *rangeDecoder, posState int) int {
	if r.bit(&l.long) == 0 {
		return r.tree(l.low[posState][:], 3)
	}
	if r.bit(&l.longest) == 0 {
		return 8 + r.tree(l.middle[posState][:], 3)
	}
	return 16 + r.tree(l.high[:], 8)
}

// Decode unpacks until end bytes of dst are filled, or the end marker, which
// it reports, comes.
func (d *Decoder) Decode(end int) (marked bool, err error) {
	r, p := &d.rc, &d.probs
	for {
		if marked, err := d.hurry(end); marked || err != nil {
			return marked, err
		}
		if d.n == end && !d.wantsMarker() {
			r.normalize()
			break
		}
		posState := (d.n - d.start) & d.posMask
		if r.bit(&p.isMatch[d.state][posState]) == 0 {
			if d.n == end {
				return false, ErrTooLarge
			}
			d.literal()
			if r.exhausted {
				break
			}
			continue
		}
		length := 0
		if r.bit(&p.isRep[d.state]) == 0 {
			d.reps[3], d.reps[2], d.reps[1] = d.reps[2], d.reps[1], d.reps[0]
			length = p.matchLength.read(r, posState)
			d.reps[0] = d.distance(length)
			d.state = after(d.state, 7, 10)
			if d.reps[0] == 0xffffffff {
				r.normalize()
				marked = true
				break
			}
		} else if length = d.repeated(posState); length < 0 {
			length = 1 - minMatch // one byte
		}
		length += minMatch
		if r.exhausted {
			break
		}
		if d.reps[0] >= d.n-d.start {
			return false, damaged("match before the beginning")
		}
		if length > end-d.n {
			if d.n+length > len(d.dst) {
				length, err = end-d.n, ErrTooLarge
			} else {
				return false, damaged("match beyond the end")
			}
		}
		d.repeat(d.reps[0]+1, length)
		if err != nil {
			return false, err
		}
	}
	if r.exhausted {
		return false, r.cause()
	}
	return marked, nil
}

// repeat appends length bytes from distance bytes before, which may be among
// the new ones themselves.
func (d *Decoder) repeat(distance, length int) {
	to := d.n + length
	if distance >= 8 && to <= len(d.dst)-8 {
		// Up to seven bytes too many, which the next ones overwrite.
		from, at := d.dst[d.n-distance:to-distance+8], d.dst[d.n:to+8]
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(at[i:], binary.LittleEndian.Uint64(from[i:]))
		}
		d.n = to
		return
	}
	for from := d.n - distance; d.n < to; {
		d.n += copy(d.dst[d.n:to], d.dst[from:d.n])
	}
}

// wantsMarker tells whether a stream that fills all of dst may go on with
// its end marker: only one that is not a chunk.
func (d *Decoder) wantsMarker() bool { return d.rc.src != nil && d.rc.code != 0 }

// after is the state after a match: one of two.
func after(state, first, later uint) uint {
	if state < firstMatch {
		return first
	}
	return later
}

// literal decodes a byte.
func (d *Decoder) literal() {
	r, before := &d.rc, byte(0)
	pos := d.n - d.start
	if pos > 0 {
		before = d.dst[d.n-1]
	}
	context := (pos&d.lpMask)<<d.lc + int(before)>>(8-d.lc)
	probs := d.literals[literalModels*context:]
	symbol := 0
	if d.state >= firstMatch && d.reps[0] < pos {
		symbol = r.matched(probs, int(d.dst[d.n-d.reps[0]-1]))
	} else {
		symbol = r.tree(probs, 8)
	}
	d.dst[d.n] = byte(symbol)
	d.n++
	d.state = uint(afterLiteral[d.state])
}

// afterLiteral is the state after a literal, by the one before.
var afterLiteral = [states]uint8{4: 1, 5: 2, 6: 3, 7: 4, 8: 5, 9: 6, 10: 4, 11: 5}

// repeated decodes a match at one of the last distances and returns its
// length less the shortest one, or -1 for a single byte.
func (d *Decoder) repeated(posState int) int {
	r, p := &d.rc, &d.probs
	if r.bit(&p.isRep0[d.state]) == 0 {
		if r.bit(&p.isLongRep[d.state][posState]) == 0 {
			d.state = after(d.state, 9, 11)
			return -1
		}
	} else if r.bit(&p.isRep1[d.state]) == 0 {
		d.reps[0], d.reps[1] = d.reps[1], d.reps[0]
	} else if r.bit(&p.isRep2[d.state]) == 0 {
		d.reps[0], d.reps[1], d.reps[2] = d.reps[2], d.reps[0], d.reps[1]
	} else {
		d.reps = [4]int{d.reps[3], d.reps[0], d.reps[1], d.reps[2]}
	}
	d.state = after(d.state, 8, 11)
	return p.repLength.read(r, posState)
}

// distance decodes a match's distance less one.
func (d *Decoder) distance(length int) int {
	r := &d.rc
	slot := r.tree(d.probs.slots[min(length, 3)][:], slotBits)
	if slot < firstModel {
		return slot
	}
	bits := uint(slot>>1 - 1)
	distance := (2 | slot&1) << bits
	if slot < endModel {
		return distance + r.reverse(d.probs.special[distance-slot:], bits)
	}
	distance += r.direct(bits-alignBits) << alignBits
	return distance + r.reverse(d.probs.align[:], alignBits)
}
