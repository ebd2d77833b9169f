package lzo

// unpack1X unpacks an LZO1X block into dst (lzo.rst, "Byte sequences").
func unpack1X(dst, b []byte) (int, error) {
	d := &stream{dst: dst, b: b}
	// The first byte may stand for literals alone.
	if len(b) > 0 && b[0] > 17 {
		d.at++
		n := int(b[0]) - 17
		d.literals(n)
		d.state = min(n, 4)
	}
	for d.problem == "" {
		if d.instruction() {
			if d.at != len(b) {
				d.fail("bytes behind the end of a block")
			}
			break
		}
	}
	if d.problem != "" {
		return d.n, damaged(d.problem)
	}
	return d.n, nil
}

// stream is the state of unpacking a block.
type stream struct {
	dst, b []byte
	n, at  int
	// state is how many literals came right before: 0 to 3, or 4 for more.
	state   int
	problem string
}

// fail keeps the first problem.
func (d *stream) fail(problem string) {
	if d.problem == "" {
		d.problem = problem
	}
}

func (d *stream) next() int {
	if d.at >= len(d.b) {
		d.fail("block cut off")
		return 0
	}
	d.at++
	return int(d.b[d.at-1])
}

// length is a length of so many bits, or one that goes on in the next bytes.
func (d *stream) length(v, bits int) int {
	mask := 1<<bits - 1
	if v &= mask; v > 0 {
		return v
	}
	for n := mask; ; n += 255 {
		c := d.next()
		if c > 0 || d.problem != "" {
			return n + c
		}
	}
}

func (d *stream) literals(n int) {
	if n > len(d.b)-d.at || n > len(d.dst)-d.n {
		d.fail("literals too long")
		return
	}
	d.n += copy(d.dst[d.n:], d.b[d.at:d.at+n])
	d.at += n
}

func (d *stream) match(distance, size int) {
	if d.problem != "" {
		return
	}
	if distance > d.n || size > len(d.dst)-d.n {
		d.fail("bad match")
		return
	}
	from, end := d.n-distance, d.n+size
	for d.n < end {
		d.n += copy(d.dst[d.n:end], d.dst[from:d.n])
	}
}

// instruction carries out the next one, and reports the end of the block.
func (d *stream) instruction() (end bool) {
	v := d.next()
	tail := 0 // literals that follow the match
	switch {
	case v >= 64:
		size := 3 + v>>5&1
		if v >= 128 {
			size = 5 + v>>5&3
		}
		tail = v & 3
		distance := d.next()<<3 + v>>2&7 + 1
		d.match(distance, size)
	case v >= 32:
		size := 2 + d.length(v, 5)
		low := d.next()
		far := d.next()<<8 | low
		tail = far & 3
		d.match(far>>2+1, size)
	case v >= 16:
		size := 2 + d.length(v, 3)
		low := d.next()
		far := d.next()<<8 | low
		tail = far & 3
		distance := 16384 + v&8<<11 + far>>2
		if distance == 16384 {
			if size != 3 {
				d.fail("bad end of a block")
			}
			return true
		}
		d.match(distance, size)
	case d.state == 0:
		d.literals(3 + d.length(v, 4))
		d.state = 4
		return false
	default:
		tail = v & 3
		near := d.next()<<2 + v>>2
		if d.state == 4 {
			d.match(near+2049, 3)
		} else {
			d.match(near+1, 2)
		}
	}
	if d.problem == "" {
		d.literals(tail)
	}
	d.state = tail
	return false
}
