package volume

import (
	"errors"
	"fmt"
	"io"
)

// A Partition is a contiguous part of a disk and itself a [Device]. It is a
// [WriterDevice] in form; writes fail with [ErrReadOnly] when the disk is not
// one.
type Partition struct {
	Scheme Scheme
	// Number counts from 1 as GRUB and Linux do: the entry's place in a GPT,
	// 1-4 for MBR primaries, 5 and up for logical partitions.
	Number int
	// Start and Length are in bytes from the disk's first byte.
	Start, Length int64
	// Type is the partition type: a GUID in lower case, or the MBR type byte
	// as "0x83".
	Type string
	// UUID is what probe --part-uuid prints: the GPT partition's GUID in
	// lower case, or the MBR disk signature and the number as "90ab12cd-05".
	UUID string
	// Label is the GPT partition name. It may hold any character.
	Label string

	disk Device
}

// Name is GRUB's name of the partition: "gpt1", "msdos5".
func (p *Partition) Name() string { return fmt.Sprintf("%s%d", p.Scheme, p.Number) }

// Size is the partition's length in bytes.
func (p *Partition) Size() int64 { return p.Length }

// SectorSize is that of the disk.
func (p *Partition) SectorSize() int { return p.disk.SectorSize() }

// Disk is the device that the partition is a part of.
func (p *Partition) Disk() Device { return p.disk }

// ReadAt implements io.ReaderAt; it ends with io.EOF at the partition's end.
func (p *Partition) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("%s: read at negative offset %d", p.Name(), off)
	}
	if off >= p.Length {
		if len(b) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	short := int64(len(b)) > p.Length-off
	if short {
		b = b[:p.Length-off]
	}
	n, err := p.disk.ReadAt(b, p.Start+off)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return n, fmt.Errorf("%s: %w", p.Name(), err)
	case n < len(b):
		return n, fmt.Errorf("%s: read at %d: %w", p.Name(), off, io.ErrUnexpectedEOF)
	case short:
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements io.WriterAt. Nothing is written when a part of b would
// lie outside the partition, or when offset or length are no multiples of the
// sector size.
func (p *Partition) WriteAt(b []byte, off int64) (int, error) {
	w, ok := p.disk.(WriterDevice)
	if !ok {
		return 0, fmt.Errorf("%s: %w", p.Name(), ErrReadOnly)
	}
	if off < 0 || off > p.Length || int64(len(b)) > p.Length-off {
		return 0, fmt.Errorf("%s: write of %d bytes at %d exceeds %d bytes", p.Name(), len(b), off, p.Length)
	}
	ss := int64(p.SectorSize())
	if (p.Start+off)%ss != 0 || int64(len(b))%ss != 0 {
		return 0, fmt.Errorf("%s: write of %d bytes at %d is not in whole sectors of %d bytes", p.Name(), len(b), off, ss)
	}
	n, err := w.WriteAt(b, p.Start+off)
	if err != nil {
		err = fmt.Errorf("%s: %w", p.Name(), err)
	}
	return n, err
}
