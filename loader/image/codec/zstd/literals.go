package zstd

// readLiterals unpacks a block's literals section and returns what follows it
// (RFC 8878, 3.1.1.3.1).
func (d *decoder) readLiterals(b []byte) (rest []byte, err error) {
	if len(b) == 0 {
		return nil, damaged("empty block")
	}
	kind, format := b[0]&3, b[0]>>2&3
	var wide uint64
	for i := range min(len(b), 5) {
		wide |= uint64(b[i]) << (8 * i)
	}
	// The header has 1 to 3 bytes for literals as they are, and 3 to 5 with
	// two sizes of 10, 14 or 18 bits for compressed ones.
	var head, size, packed int
	if kind < 2 {
		head = []int{1, 2, 1, 3}[format]
		size = int(wide >> []int{3, 4, 3, 4}[format] & (1<<[]int{5, 12, 5, 20}[format] - 1))
		packed = size
		if kind == 1 {
			packed = 1
		}
	} else {
		width := []int{10, 10, 14, 18}[format]
		head = []int{3, 3, 4, 5}[format]
		size = int(wide >> 4 & (1<<width - 1))
		packed = int(wide >> (4 + width) & (1<<width - 1))
	}
	if size > d.limit || head+packed > len(b) {
		return nil, damaged("literals too large")
	}
	body, rest := b[head:head+packed], b[head+packed:]
	d.literals = d.literals[:size]
	switch kind {
	case 0:
		copy(d.literals, body)
		return rest, nil
	case 1:
		fill(d.literals, body[0])
		return rest, nil
	case 2:
		used, err := d.huffman.read(body)
		if err != nil {
			return nil, err
		}
		body = body[used:]
	}
	if !d.huffman.ok {
		return nil, damaged("literals without a Huffman tree")
	}
	if format == 0 {
		return rest, d.huffman.decode(d.literals, body)
	}
	return rest, d.fourStreams(body)
}

// fourStreams decodes literals in four streams: their lengths but the last
// one's come first (3.1.1.3.1.6, "Jump_Table").
func (d *decoder) fourStreams(b []byte) error {
	quarter := (len(d.literals) + 3) / 4
	if len(b) < 6 || 3*quarter > len(d.literals) {
		return damaged("literals cut off")
	}
	table, b := b[:6], b[6:]
	out := d.literals
	for i := range 3 {
		size := int(table[2*i]) | int(table[2*i+1])<<8
		if size > len(b) {
			return damaged("literals cut off")
		}
		if err := d.huffman.decode(out[:quarter], b[:size]); err != nil {
			return err
		}
		out, b = out[quarter:], b[size:]
	}
	return d.huffman.decode(out, b)
}
