package zstd

const maxHuffmanBits = 11

// huffman decodes literals (RFC 8878, 4.2).
type huffman struct {
	ok    bool
	bits  uint // of the longest code
	codes [1 << maxHuffmanBits]huffmanCode
}

// huffmanCode is what the next bits stand for.
type huffmanCode struct{ symbol, bits uint8 }

// read reads a tree's description (4.2.1) and returns how many bytes it has.
func (h *huffman) read(b []byte) (int, error) {
	h.ok = false
	if len(b) == 0 {
		return 0, damaged("no Huffman tree")
	}
	var weights [256]uint8
	n, used := 0, 1
	if size := int(b[0]); size < 128 {
		if size > len(b)-1 {
			return 0, damaged("Huffman tree cut off")
		}
		var err error
		if n, err = readWeights(weights[:255], b[1:1+size]); err != nil {
			return 0, err
		}
		used += size
	} else {
		n = size - 127
		used += (n + 1) / 2
		if used > len(b) {
			return 0, damaged("Huffman tree cut off")
		}
		for i := range n {
			weights[i] = b[1+i/2] >> (4 * (1 - i&1)) & 15
		}
	}
	return used, h.build(weights[:n+1])
}

// readWeights reads weights that two alternating states encode (4.2.1.2).
func readWeights(weights []uint8, b []byte) (int, error) {
	d, used, err := readDistribution(b, 256, 6)
	if err != nil {
		return 0, err
	}
	var t fseTable
	if err := t.build(&d); err != nil {
		return 0, err
	}
	r, ok := newBackward(b[used:])
	if !ok {
		return 0, damaged("Huffman weights cut off")
	}
	r.fill()
	one, other := t.first(&r), (*fseState)(nil)
	other = t.first(&r)
	if r.left < 0 {
		return 0, damaged("Huffman weights cut off")
	}
	for n := 0; n < len(weights)-1; {
		weights[n] = one.symbol
		n++
		r.fill()
		one = t.next(one, &r)
		if r.left < 0 { // no bits for another one of this state
			weights[n] = other.symbol
			return n + 1, nil
		}
		one, other = other, one
	}
	return 0, damaged("too many Huffman weights")
}

// build makes the table of codes. The last weight is what the others leave
// (4.2.1.3).
func (h *huffman) build(weights []uint8) error {
	sum := uint32(0)
	for _, w := range weights[:len(weights)-1] {
		if w > maxHuffmanBits {
			return damaged("Huffman code too long")
		}
		if w > 0 {
			sum += 1 << (w - 1)
		}
	}
	if sum == 0 {
		return damaged("Huffman tree without codes")
	}
	h.bits = log2(sum) + 1
	if h.bits > maxHuffmanBits {
		return damaged("Huffman code too long")
	}
	left := 1<<h.bits - sum
	if left&(left-1) != 0 {
		return damaged("Huffman tree does not add up")
	}
	weights[len(weights)-1] = uint8(log2(left) + 1)
	at := 0
	for w := uint8(1); uint(w) <= h.bits; w++ {
		for s, weight := range weights {
			if weight != w {
				continue
			}
			for range 1 << (w - 1) {
				h.codes[at] = huffmanCode{uint8(s), uint8(h.bits) + 1 - w}
				at++
			}
		}
	}
	h.ok = true
	return nil
}

// decode fills out from one stream.
func (h *huffman) decode(out, stream []byte) error {
	r, ok := newBackward(stream)
	if !ok {
		return damaged("literals without an end")
	}
	// Three codes of at most 11 bits fit into what fill gets.
	for len(out) >= 3 {
		r.fill()
		if r.left < 3*maxHuffmanBits {
			break
		}
		for i := range 3 {
			c := h.codes[r.acc>>(uint(r.left)-h.bits)&(1<<h.bits-1)]
			out[i] = c.symbol
			r.left -= int(c.bits)
		}
		out = out[3:]
	}
	for i := range out {
		r.fill()
		c := h.codes[r.peek(h.bits)]
		out[i] = c.symbol
		r.skip(uint(c.bits))
	}
	if !r.ended() {
		return damaged("literals of another length")
	}
	return nil
}
