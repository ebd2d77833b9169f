package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"pvboot/loader/image/codec"
)

// An EFI zboot image is an EFI application that unpacks the kernel it holds,
// and says at its start where that is, for those who do so without EFI (Linux
// drivers/firmware/efi/libstub/zboot-header.S). All numbers are little-endian.
const (
	zbootMagic   = 0x04 // "zimg", behind "MZ"
	zbootOffset  = 0x08 // u32, where the compressed kernel begins
	zbootSize    = 0x0c // u32, how long it is
	zbootCodec   = 0x18 // its compression, ends in NUL
	zbootNameMax = 0x20
	zbootHead    = zbootCodec + zbootNameMax
)

func isZboot(head []byte) bool {
	return len(head) >= zbootHead && bytes.HasPrefix(head, []byte("MZ")) &&
		bytes.HasPrefix(head[zbootMagic:], []byte("zimg"))
}

// openZboot finds the compressed kernel. How long it is unpacked is in gzip's
// own last word, and in the word behind the payload of other formats (Linux
// drivers/firmware/efi/libstub/Makefile.zboot).
func openZboot(what string, file Source, head []byte) (*packed, error) {
	le := binary.LittleEndian
	offset, size := int64(le.Uint32(head[zbootOffset:])), int64(le.Uint32(head[zbootSize:]))
	name, _, ok := bytes.Cut(head[zbootCodec:zbootHead], []byte{0})
	if !ok {
		return nil, fmt.Errorf("zboot: the compression's name has no end")
	}
	c, ok := codec.Named(string(name))
	if !ok {
		return nil, fmt.Errorf("zboot: %q: %w", name, codec.ErrUnsupported)
	}
	at, end := offset+size, offset+size+4
	if c.Name == "gzip" {
		at, end = at-4, at
	}
	if offset < zbootHead || size < 4 {
		return nil, fmt.Errorf("zboot: a payload of %d bytes at %d", size, offset)
	}
	if end > file.Size() {
		return nil, fmt.Errorf("zboot: truncated: the payload ends at byte %d, the file at %d", end, file.Size())
	}
	word := make([]byte, 4)
	if n, err := file.ReadAt(word, at); n < len(word) {
		return nil, fmt.Errorf("zboot: %w", err)
	}
	p := newPacked(what+": zboot", c, io.NewSectionReader(file, offset, size))
	p.hint, p.sized, p.exact = int64(le.Uint32(word)), true, true
	if err := p.limitTo(p.hint); err != nil {
		return nil, fmt.Errorf("zboot: %w", err)
	}
	return p, nil
}
