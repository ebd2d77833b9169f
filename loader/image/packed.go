package image

import (
	"errors"
	"fmt"
	"io"

	"pvboot/loader/image/codec"
)

// packed is what a compressed file unpacks to, as a Source whose readers go
// forward: going back means to unpack from the beginning again. Zeros follow
// the contents up to the limit.
type packed struct {
	what  string // the file and its wrapping, for messages
	codec *codec.Codec
	src   *io.SectionReader
	hint  int64 // how long the contents say they are,
	sized bool  // if they do
	limit int64 // the contents may be so long, 0 until limitTo
	exact bool  // and may not be shorter

	r      io.Reader // what follows pos
	pos    int64
	ended  bool
	passes int // how often it was begun
}

// maxPasses bounds how often a file is unpacked from the beginning: the
// headers of an ELF file can ask for pieces in any order. A kernel takes
// three.
const maxPasses = 16

// newPacked reads src, which begins with the format's magic.
func newPacked(what string, c *codec.Codec, src *io.SectionReader) *packed {
	p := &packed{what: what, codec: c, src: src}
	p.hint, p.sized = c.Size(src)
	return p
}

// limitTo says how long the contents may be, unless that is known, or 0 if
// that cannot be told.
func (p *packed) limitTo(size int64) error {
	if p.limit == 0 {
		p.limit = size
	}
	if p.limit == 0 {
		p.limit = p.hint
	}
	if p.limit == 0 && !p.sized {
		return fmt.Errorf("%s: the file does not say how long it is unpacked, unpack it first", p.codec.Name)
	}
	if p.limit <= 0 || p.limit > maxInitSize {
		return fmt.Errorf("%s: unpacks to %d bytes: absurd", p.codec.Name, p.limit)
	}
	return nil
}

// Size is the limit.
func (p *packed) Size() int64 { return p.limit }

// head is the first n bytes, fewer if the contents are shorter.
func (p *packed) head(n int) ([]byte, error) { return p.codec.Head(p.start(), n) }

// start is the compressed bytes from the first on.
func (p *packed) start() io.Reader { return io.NewSectionReader(p.src, 0, p.src.Size()) }

func (p *packed) ReadAt(b []byte, off int64) (int, error) {
	n, err := p.readAt(b, off)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%s: %w", p.what, err)
	}
	return n, err
}

// readAt is ReadAt whose errors do not name the file.
func (p *packed) readAt(b []byte, off int64) (n int, err error) {
	switch {
	case off < 0 || off > p.Size():
		return 0, fmt.Errorf("read at %d of %d", off, p.Size())
	case p.codec.Whole():
		n, err = p.readWhole(b, off)
	default:
		n, err = p.readStream(b, off)
	}
	if errors.Is(err, codec.ErrTooLarge) {
		err = fmt.Errorf("%w, %d bytes", err, p.limit)
	}
	return n, err
}

// readWhole unpacks everything at once, which is the only way.
func (p *packed) readWhole(b []byte, off int64) (int, error) {
	if off != 0 || int64(len(b)) != p.Size() {
		return 0, fmt.Errorf("%s: can only be unpacked in one piece", p.codec.Name)
	}
	n, err := p.codec.Unpack(b, p.start())
	if err == nil {
		err = p.checkLength(int64(n))
	}
	if err != nil {
		return 0, err
	}
	clear(b[n:])
	return len(b), nil
}

func (p *packed) readStream(b []byte, off int64) (int, error) {
	if p.r == nil || off < p.pos {
		if p.passes++; p.passes > maxPasses {
			return 0, fmt.Errorf("%s: its parts lie in no order, unpack it first", p.codec.Name)
		}
		r, err := p.codec.NewReader(p.start())
		if err != nil {
			return 0, err
		}
		p.r, p.pos, p.ended = r, 0, false
	}
	var skipped [4096]byte
	for p.pos < off {
		if _, err := p.fill(skipped[:min(off-p.pos, int64(len(skipped)))]); err != nil {
			return 0, err
		}
	}
	n, err := p.fill(b[:min(int64(len(b)), p.limit-off)])
	if err == nil && n < len(b) {
		err = io.EOF
	}
	return n, err
}

// fill reads the next bytes, and at the limit sees to it that nothing
// follows and that all checksums are right.
func (p *packed) fill(b []byte) (int, error) {
	n := 0
	if !p.ended {
		var err error
		n, err = io.ReadFull(p.r, b)
		if err == nil && p.pos+int64(n) == p.limit {
			if err = codec.AtEnd(p.r); err == nil {
				p.ended = true
			}
		} else if err == io.EOF || err == io.ErrUnexpectedEOF {
			p.ended = true
			err = p.checkLength(p.pos + int64(n))
		}
		if err != nil {
			// None of b counts: who got all of it would not look at the error.
			p.r = nil
			return 0, err
		}
	}
	clear(b[n:])
	p.pos += int64(len(b))
	return len(b), nil
}

func (p *packed) checkLength(n int64) error {
	if p.exact && n < p.limit {
		return fmt.Errorf("%s: unpacks to %d bytes and should to %d", p.codec.Name, n, p.limit)
	}
	return nil
}
