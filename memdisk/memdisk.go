// Package memdisk is a disk whose image lies in memory, as GRUB's memdisk: on a
// machine without Xen, the initial RAM disk that the loader was given.
//
// It cannot be written: like GRUB's it would forget what was.
package memdisk

import (
	"fmt"
	"io"
)

// Sector sizes in bytes that a disk may have.
const (
	sectorSize      = 512
	largeSectorSize = 4096
)

// gptSignature begins the header of a GUID partition table, in sector 1 (UEFI
// Specification 2.10, 5.3.2).
const gptSignature = "EFI PART"

// Disk is a disk in memory. It may be used by several goroutines.
type Disk struct {
	image  []byte // whole sectors
	sector int
}

// New returns the disk with an image, which nobody may change meanwhile; image is
// not copied. Bytes at its end that are no whole sector do not count.
func New(image []byte) (*Disk, error) {
	d := &Disk{sector: sectorSizeOf(image)}
	d.image = image[:len(image)/d.sector*d.sector]
	if len(d.image) == 0 {
		return nil, fmt.Errorf("memdisk: an image of %d bytes holds no sector", len(image))
	}
	return d, nil
}

// sectorSizeOf finds the size of an image's sectors, 512 unless its GUID partition
// table is that of a disk with larger ones.
func sectorSizeOf(image []byte) int {
	has := func(size int) bool {
		return len(image) >= 2*size && string(image[size:size+len(gptSignature)]) == gptSignature
	}
	if has(largeSectorSize) && !has(sectorSize) {
		return largeSectorSize
	}
	return sectorSize
}

// Size returns the disk's length in bytes.
func (d *Disk) Size() int64 { return int64(len(d.image)) }

// SectorSize returns the logical sector size in bytes, 512 or 4096.
func (d *Disk) SectorSize() int { return d.sector }

// ReadAt follows io.ReaderAt for any offset and length.
func (d *Disk) ReadAt(p []byte, off int64) (int, error) {
	switch {
	case off < 0:
		return 0, fmt.Errorf("memdisk: read at offset %d", off)
	case len(p) == 0:
		return 0, nil
	case off >= int64(len(d.image)):
		return 0, io.EOF
	}
	n := copy(p, d.image[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
