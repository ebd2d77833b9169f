package volume

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strconv"
)

// Scheme is a kind of partition table by GRUB's name of it.
type Scheme string

// The schemes that Scan knows. A disk with NoScheme holds no table: it may be
// one filesystem.
const (
	NoScheme Scheme = ""
	GPT      Scheme = "gpt"
	MBR      Scheme = "msdos"
)

// A Table is a disk's partition table.
type Table struct {
	Scheme Scheme
	// UUID is the GPT's disk GUID in lower case, or the MBR's disk signature
	// as eight hexadecimal digits.
	UUID string
	// Partitions are sorted by Number.
	Partitions []*Partition
	// Warnings tell what was odd but did not prevent reading: a bad primary
	// GPT, partitions that overlap, are cut at the disk's end or left out.
	Warnings []error
}

// Partition finds a partition by GRUB's name ("gpt1", "msdos5") or by its
// bare number ("1").
func (t *Table) Partition(name string) (*Partition, bool) {
	for _, p := range t.Partitions {
		if name == p.Name() || name == strconv.Itoa(p.Number) {
			return p, true
		}
	}
	return nil, false
}

// Scan reads a disk's partition table. A GPT counts only behind a protective
// MBR, as for GRUB and Linux. Where there is no table the result has NoScheme
// and no partitions. The error is of the device's reads, or wraps ErrCorrupt
// when there is a table but no way to trust it.
func Scan(dev Device) (*Table, error) {
	if ss := dev.SectorSize(); ss < 512 || ss > 65536 || bits.OnesCount(uint(ss)) != 1 {
		return nil, fmt.Errorf("disk: unusable sector size %d", ss)
	}
	t := &Table{}
	if dev.Size() < bootSectorSize {
		return t, nil
	}
	boot, err := readBootSector(dev, 0)
	if err != nil {
		return nil, fmt.Errorf("msdos: %w", err)
	}
	if !boot.signed {
		return t, nil
	}
	if boot.protective() {
		err = scanGPT(dev, t)
	} else {
		err = scanMBR(dev, boot, t)
	}
	if err != nil {
		return nil, err
	}
	t.checkOverlaps()
	return t, nil
}

// maxWarnings keeps a hostile table from filling memory and console.
const maxWarnings = 32

func (t *Table) warn(err error) {
	if len(t.Warnings) < maxWarnings {
		t.Warnings = append(t.Warnings, err)
	}
}

// add takes a partition of count units of unit bytes from sector start. What
// lies outside the disk is cut off, as Linux does, or left out.
func (t *Table) add(p *Partition, start, count, unit uint64) {
	size := uint64(p.disk.Size())
	hi, first := bits.Mul64(start, unit)
	switch {
	case count == 0:
		t.warn(corrupt(p.Name(), "partition is empty, left out"))
		return
	case hi != 0 || first >= size:
		t.warn(tableError(ErrOutside, p.Name(), "starts at sector %d beyond the disk of %d bytes, left out", start, size))
		return
	}
	hi, length := bits.Mul64(count, unit)
	if hi != 0 || length > size-first {
		t.warn(tableError(ErrOutside, p.Name(), "%d sectors from %d reach beyond the disk of %d bytes, cut off", count, start, size))
		length = size - first
	}
	p.Start, p.Length = int64(first), int64(length)
	t.Partitions = append(t.Partitions, p)
}

// checkOverlaps warns of partitions that share sectors. They stay: reading
// them is harmless and which of them is right is the administrator's guess.
func (t *Table) checkOverlaps() {
	byStart := slices.Clone(t.Partitions)
	slices.SortStableFunc(byStart, func(a, b *Partition) int { return cmp.Compare(a.Start, b.Start) })
	var last *Partition // the one that reaches furthest
	for _, p := range byStart {
		if last != nil && p.Start < last.Start+last.Length {
			t.warn(tableError(ErrOverlap, p.Name(), "overlaps %s", last.Name()))
		}
		if last == nil || p.Start+p.Length > last.Start+last.Length {
			last = p
		}
	}
}

// readFull reads len(b) bytes at off; a short device is an error.
func readFull(dev Device, b []byte, off int64) error {
	n, err := dev.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read of %d bytes at %d: %w", len(b), off, err)
}
