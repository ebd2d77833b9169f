package image

import (
	"fmt"
	"io"
)

// wrapped is the section in which a zImage, a program for firmware, has the kernel
// that it unpacks (Linux arch/powerpc/boot/wrapper and zImage.lds.S).
const wrapped = ".kernel:vmlinux.strip"

// openZImage finds the kernel in a zImage, and the first bytes of it; nil, and
// head again, for any other ELF file.
func openZImage(file Source, head []byte) (*io.SectionReader, []byte, error) {
	if head[elfData] != elfLittle {
		return nil, head, nil
	}
	h, ident, err := readELFHeader(file)
	if err != nil {
		return nil, nil, fmt.Errorf("ELF: %w", err)
	}
	i, s, err := (&elfFile{src: file, ident: ident, header: h}).findSection(wrapped)
	if err != nil {
		return nil, nil, fmt.Errorf("ELF: %w", err)
	}
	if i == 0 {
		return nil, head, nil
	}
	if size := uint64(file.Size()); s.Size > size || s.Offset > size-s.Size {
		return nil, nil, fmt.Errorf("zImage: truncated: section %d: %d bytes at %d of a file of %d", i, s.Size, s.Offset, size)
	}
	inner := io.NewSectionReader(file, int64(s.Offset), int64(s.Size))
	head = make([]byte, min(headSize, inner.Size()))
	if n, err := inner.ReadAt(head, 0); n < len(head) {
		return nil, nil, fmt.Errorf("zImage: %w", noEOF(err))
	}
	return inner, head, nil
}
