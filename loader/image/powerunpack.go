package image

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// unpackedSegment is the kernel's memory out of a file that can only be unpacked
// in one piece: there, and then moved down to where it has to be.
func (e *elfFile) unpackedSegment(p *packed) (Segment, error) {
	if len(e.loads) != 1 {
		return Segment{}, fmt.Errorf("%s: %d segments cannot be unpacked in place, unpack it first", p.codec.Name, len(e.loads))
	}
	l := e.loads[0]
	size, _ := alignUp(max(l.memSize, uint64(p.Size())), pageSize)
	return Segment{Name: "kernel", Addr: l.paddr, Size: size, Data: &slid{packed: p, elf: e, size: int64(size)}, Whole: true}, nil
}

// slid is the memory of an ELF file of one segment.
type slid struct {
	*packed
	elf  *elfFile
	size int64
}

// Size is that of the memory, in which the file has room too.
func (s *slid) Size() int64 { return s.size }

// ReadAt reads all of the memory, which is the only way.
func (s *slid) ReadAt(b []byte, off int64) (int, error) {
	if off != 0 || int64(len(b)) != s.size {
		return 0, errors.New("a compressed kernel can only be read in one piece")
	}
	file := b[:s.packed.Size()]
	if n, err := s.packed.ReadAt(file, 0); n < len(file) {
		return 0, noEOF(err)
	}
	again, err := readPower(bytes.NewReader(file), file)
	if err == nil && (!slices.Equal(again.loads, s.elf.loads) || again.entry != s.elf.entry) {
		err = errors.New("its headers have changed since they were read first")
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s.what, err)
	}
	l := s.elf.loads[0]
	clear(b[copy(b, file[l.offset:l.offset+l.fileSize]):])
	return len(b), nil
}
