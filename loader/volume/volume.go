// Package volume finds the parts of a disk: GPT and MBR partitions, and later
// LVM, mdraid and LUKS. It reads through [Device] and trusts nothing that it
// reads.
package volume

import "io"

// Device is a disk, or a part of one that itself can hold a filesystem.
//
// ReadAt follows io.ReaderAt for any offset and length, aligned or not, and
// is safe for concurrent use. Reads whose buffer, offset and length are
// multiples of 512 may go without a copy.
type Device interface {
	io.ReaderAt
	// Size is the length in bytes.
	Size() int64
	// SectorSize is the logical sector in bytes: 512 or 4096 on real disks,
	// always a power of two between 512 and 65536.
	SectorSize() int
}

// A WriterDevice can also be written; save_env needs it. Offset and length
// must be multiples of the sector size.
type WriterDevice interface {
	Device
	io.WriterAt
}
