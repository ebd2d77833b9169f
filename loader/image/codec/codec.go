// Package codec unpacks the compression formats that kernels come in. It
// keeps no window of its own where a format asks for a large one: such a
// format is unpacked in one go into the memory where its contents will stay,
// and looks back there, because a loader's heap is smaller than the 128 MiB
// that `zstd -22` may ask for.
package codec

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"pvboot/loader/image/codec/gzip"
	"pvboot/loader/image/codec/lz4"
	"pvboot/loader/image/codec/lzma"
	"pvboot/loader/image/codec/lzo"
	"pvboot/loader/image/codec/xz"
	"pvboot/loader/image/codec/zstd"
)

// Codec is one compression format.
type Codec struct {
	Name  string // as messages have it
	magic string // what a file begins with
	// aliases are more names that EFI zboot headers give it (Linux
	// drivers/firmware/efi/libstub/Makefile.zboot, comp-type).
	aliases []string

	// One of the two is set.
	open  func(io.Reader) (io.Reader, error)
	whole *whole
	// size is how long the contents are, nil where the format does not say.
	size func(src *io.SectionReader) (int64, bool)
}

// whole is a format that is unpacked in one go.
type whole struct {
	unpack func(dst []byte, src io.Reader) (n int, err error)
	// head unpacks the beginning, n bytes or more if there are so many.
	head func(src io.Reader, n int) ([]byte, error)
}

// codecs is every format that a kernel can be built with.
var codecs = []*Codec{
	{Name: "gzip", magic: "\x1f\x8b\x08", open: gzip.NewReader, size: gzipSize},
	{Name: "zstd", magic: "\x28\xb5\x2f\xfd", aliases: []string{"zstd22"}, whole: &whole{zstd.Unpack, zstd.Head}, size: zstdSize},
	{Name: "xz", magic: "\xfd7zXZ\x00", aliases: []string{"xzkern"}, whole: &whole{xz.Unpack, xz.Head}, size: xzSize},
	{Name: "lz4", magic: "\x02\x21\x4c\x18", whole: &whole{lz4.Unpack, lz4.Head}},
	{Name: "lzma", magic: "\x5d\x00\x00", whole: &whole{lzma.Unpack, lzma.Head}, size: lzmaSize},
	{Name: "lzo", magic: "\x89LZO\x00\x0d\x0a\x1a\x0a", whole: &whole{lzo.Unpack, lzo.Head}},
	{Name: "bzip2", magic: "BZh", open: openBzip2},
}

// ErrUnsupported is the cause when a format's name is unknown.
var ErrUnsupported = errors.New("this compression is not supported")

// Causes when a format is not used as [Codec.Whole] says.
var (
	errWhole  = errors.New("can only be unpacked in one piece")
	errStream = errors.New("can only be read as a stream")
)

// ErrTooLarge means that more comes out than there is room for.
var ErrTooLarge = errors.New("unpacks to more than it should")

// Detect knows a format by a file's first bytes.
func Detect(head []byte) (*Codec, bool) {
	for _, c := range codecs {
		if strings.HasPrefix(string(head[:min(len(head), 16)]), c.magic) {
			return c, true
		}
	}
	return nil, false
}

// Named knows a format by its name in an EFI zboot header.
func Named(name string) (*Codec, bool) {
	for _, c := range codecs {
		if c.Name == name {
			return c, true
		}
		for _, alias := range c.aliases {
			if alias == name {
				return c, true
			}
		}
	}
	return nil, false
}

// Whole tells whether the format is unpacked in one go, by [Codec.Unpack], and
// not by [Codec.NewReader].
func (c *Codec) Whole() bool { return c.whole != nil }

// NewReader unpacks r. The reader's end comes only after all checksums that
// the format has were found right.
func (c *Codec) NewReader(r io.Reader) (io.Reader, error) {
	if c.open == nil {
		return nil, c.wrap(errWhole)
	}
	u, err := c.open(r)
	if err != nil {
		return nil, c.wrap(noEOF(err))
	}
	return &reader{c, u}, nil
}

// reader names the format in errors.
type reader struct {
	codec *Codec
	r     io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		err = r.codec.wrap(err)
	}
	return n, err
}

// Unpack unpacks all of src, a format that is [Codec.Whole], into dst and
// returns how many bytes came out. More than len(dst) are [ErrTooLarge].
func (c *Codec) Unpack(dst []byte, src io.Reader) (int, error) {
	if c.whole == nil {
		return 0, c.wrap(errStream)
	}
	n, err := c.whole.unpack(dst, src)
	for _, large := range []error{zstd.ErrTooLarge, xz.ErrTooLarge, lz4.ErrTooLarge, lzo.ErrTooLarge} {
		if errors.Is(err, large) {
			err = ErrTooLarge
		}
	}
	if err != nil {
		return 0, c.wrap(noEOF(err))
	}
	return n, nil
}

// AtEnd reads the end of r and is [ErrTooLarge] when that does not come at
// once.
func AtEnd(r io.Reader) error {
	var b [1]byte
	switch n, err := io.ReadFull(r, b[:]); {
	case n > 0:
		if named, ok := r.(*reader); ok {
			return named.codec.wrap(ErrTooLarge)
		}
		return ErrTooLarge
	case err != io.EOF:
		return err
	}
	return nil
}

// Head unpacks the first n bytes, fewer if there are not so many.
func (c *Codec) Head(src io.Reader, n int) ([]byte, error) {
	if c.whole != nil {
		head, err := c.whole.head(src, n)
		if err != nil {
			return nil, c.wrap(noEOF(err))
		}
		return head[:min(n, len(head))], nil
	}
	r, err := c.NewReader(src)
	if err != nil {
		return nil, err
	}
	head := make([]byte, n)
	got, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	return head[:got], nil
}

func (c *Codec) wrap(err error) error { return fmt.Errorf("%s: %w", c.Name, err) }

// noEOF makes an end in the middle what it is.
func noEOF(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
