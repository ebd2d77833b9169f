package gzip

import "math/bits"

// A code's table is looked up with the next bits of input, and for a code that is
// longer a second time, with the bits behind those, in a part that the first entry
// links to.
const (
	literalBits  = 10
	distanceBits = 9
	lengthBits   = 7 // of the code that lengths of codes are in

	maxCode          = 15 // bits
	maxLengthExtra   = 5  // extra bits of a length
	maxDistanceExtra = 13 // extra bits of a distance

	// The symbols that have a meaning, and those that have codes in the fixed ones.
	literalSymbols  = 286
	distanceSymbols = 30
	fixedLiterals   = 288
	fixedDistances  = 32
	endOfBlock      = 256

	// Parts have room enough. One whose codes are all of one length has as many
	// entries as codes. In others lengths change, which happens once for each
	// length, as codes are sorted by them; such a part has 32 entries (distances:
	// 64) at most.
	literalEntries  = 1 << 11
	distanceEntries = 1 << 10
)

const (
	_ = uint(literalEntries - 1<<literalBits - fixedLiterals - (maxCode-literalBits)<<(maxCode-literalBits))
	_ = uint(distanceEntries - 1<<distanceBits - fixedDistances - (maxCode-distanceBits)<<(maxCode-distanceBits))
)

// An entry of a table is
//
//	literal: bits 0-7 the byte, 8-11 the code's bits
//	length or distance: bits 0-5 all its bits, 6-9 those that are the code's,
//	from 16 on (distance: 13) what the others are added to
//	special: bit 31 is set, and 30 or 29 for a link or the end of a block; if
//	there is none of both it is nothing that may be there. A link has in bits 0-2
//	how many bits to look up with, from 8 on where. The others are as a length.
//
// so that one comparison finds a literal and another one what is special.
const (
	notLiteral = 1 << 12
	special    = 1 << 31
	link       = special | 1<<30
	blockEnd   = special | 1<<29
	bad        = special

	// What is special is, as a distance, as far as the window is large.
	distanceShift = 13
)

const _ = uint(special>>distanceShift - windowSize)

// Lengths and distances (RFC 1951, 3.2.5).
var (
	lengthBase = [...]uint16{
		3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
	}
	lengthExtra  = [...]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distanceBase = [...]uint16{
		1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769,
		1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
	}
	distanceExtra = [...]uint8{
		0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
	}
)

// literalEntry is the entry of a code of n bits for a literal, a length or the end
// of a block.
func literalEntry(symbol int, n uint32) uint32 {
	switch {
	case symbol < endOfBlock:
		return uint32(symbol) | n<<8
	case symbol == endOfBlock:
		return blockEnd | n<<6 | n
	case symbol < literalSymbols:
		at := symbol - endOfBlock - 1
		return uint32(lengthBase[at])<<16 | n<<6 | n + uint32(lengthExtra[at])
	}
	return bad | n<<6 | n
}

func distanceEntry(symbol int, n uint32) uint32 {
	if symbol >= distanceSymbols {
		return bad | n<<6 | n
	}
	return uint32(distanceBase[symbol])<<distanceShift | n<<6 | n + uint32(distanceExtra[symbol])
}

// build fills a table that is looked up with width bits first for the code that
// lengths describe (RFC 1951, 3.2.2). False is that there is no such code: only a
// single one of one bit, and none at all, may leave bits that mean nothing.
func build(table []uint32, width uint, lengths []uint8, entry func(symbol int, n uint32) uint32) bool {
	var count, offset [maxCode + 1]int
	for _, n := range lengths {
		count[n]++
	}
	symbols := len(lengths) - count[0]
	count[0] = 0
	code := 0
	for n := 1; n <= maxCode; n++ {
		offset[n] = offset[n-1] + count[n-1]
		code = code<<1 + count[n]
	}
	switch {
	case code == 1<<maxCode:
	case symbols == 0:
		fill(table[:1<<width], bad, 0, 1)
		return true
	case symbols == 1 && count[1] == 1:
		fill(table[:1<<width], bad|1<<6|1, 1, 2)
	default:
		return false
	}

	var sorted [fixedLiterals]uint16 // by the lengths of their codes
	for symbol, n := range lengths {
		if n > 0 {
			sorted[offset[n]] = uint16(symbol)
			offset[n]++
		}
	}
	code, free := 0, 1<<width
	n := uint(1)
	part, partWidth, prefix := table, uint(0), -1
	for _, symbol := range sorted[:symbols] {
		for count[n] == 0 {
			n++
			code <<= 1
		}
		reversed := int(bits.Reverse16(uint16(code)) >> (16 - n))
		e := entry(int(symbol), uint32(n))
		if n <= width {
			fill(table[:1<<width], e, reversed, 1<<n)
		} else {
			if reversed&(1<<width-1) != prefix {
				// A new part: as wide as the longest code with this beginning.
				prefix = reversed & (1<<width - 1)
				partWidth = n - width
				for room := 1<<partWidth - count[n]; room > 0; room = room<<1 - count[partWidth+width] {
					partWidth++
				}
				table[prefix] = link | uint32(free)<<8 | uint32(partWidth)
				part = table[free : free+1<<partWidth]
				free += 1 << partWidth
			}
			fill(part, e, reversed>>width, 1<<(n-width))
		}
		code++
		count[n]--
	}
	return true
}

// fill sets every step-th entry, from at on.
func fill(table []uint32, e uint32, at, step int) {
	for ; at < len(table); at += step {
		table[at] = e
	}
}
