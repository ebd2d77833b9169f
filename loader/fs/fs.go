// Package fs says what a filesystem is to the loader. Every reader is a
// package of its own below this folder and gives an [FS]; package all lists
// them and opens the right one for a device.
package fs

import (
	"io"
	iofs "io/fs"
)

// FS is a read-only filesystem. Names are those of io/fs: slash-separated,
// without a leading slash, "." for the root. Open, Stat and ReadDir follow
// symbolic links, absolute ones from this filesystem's root, at most 40 deep
// (as Linux does); Lstat and ReadLink do not.
type FS interface {
	iofs.FS
	iofs.StatFS
	iofs.ReadDirFS
	iofs.ReadLinkFS
	// Type is GRUB's name of the filesystem as probe --fs gives it: "ext2"
	// for all of ext2, ext3 and ext4.
	Type() string
	// UUID is in GRUB's form, lower case with dashes; "" where there is none.
	UUID() string
	// Label is the volume's label, "" where there is none.
	Label() string
}

// File is what FS.Open returns for a regular file.
type File interface {
	iofs.File
	io.ReaderAt
	// Size is the file's length in bytes.
	Size() int64
}

// A Mapped file can tell where its bytes stand on the device, so that they
// can be written in place (save_env) or read without the filesystem's help.
type Mapped interface {
	File
	// Extents lists the file's bytes in order, the last one cut to the
	// file's size. It fails for data that has no place of its own on the
	// device: inline, compressed, or pending in an unreplayed journal.
	Extents() ([]Extent, error)
}

// Extent maps Length bytes of a file at Offset to the device. Offsets and
// lengths are bytes.
type Extent struct {
	Offset   int64
	Length   int64
	Physical int64 // device offset, or Hole
}

// Hole is the Physical of an extent that reads as zeros.
const Hole = -1
