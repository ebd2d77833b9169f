package lzma

// A symbol takes a byte of input for each of its bits at most, which are 48: one
// that tells a match, one of its kind, 10 of its length, 36 of its distance; an end
// marker takes one more. A symbol brings a match of 273 bytes at most, which is
// copied by 16 bytes.
const (
	symbolInput  = 49
	symbolOutput = 273 + 15
)

// What symbols may end with, or 0.
const (
	endMarker = 1 + iota
	noMatch   // one from before the dictionary's beginning
)

// hurry decodes symbols for as long as there is input and room for the largest
// one. It is the same as the rest of Decode without asking, at each byte, whether
// there is one.
func (d *Decoder) hurry(end int) (marked bool, err error) {
	dst, in := d.dst[d.start:end], d.rc.input
	// The first literal has none before it.
	if len(dst) < symbolOutput || len(in) < symbolInput || d.n == d.start || len(d.literals) == 0 {
		return false, nil
	}
	result := symbols(d, dst, in)
	if result == noMatch {
		return false, damaged("match before the beginning")
	}
	return result == endMarker, nil
}
