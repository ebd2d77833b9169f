// Package bundle is what a test hypervisor is started with, as one file: the
// guest's kernel, its initial RAM disk if it has one, its disks, and a [Spec] that says what to do with them. On the
// hypervisor's machine the file lies in memory as initial RAM disk, and disks are
// used where they lie.
//
// The file is a page with a header (magic, length and CRC-32 of the text, the
// text: a Spec as JSON), then the files, each on a page of its own.
package bundle

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	magic = "XENBNDL1"
	// textAt is where the text begins: behind the magic, its length and its sum.
	textAt = len(magic) + 8
	page   = 4096
	// headerPages is the header's room.
	headerPages = 4
	maxDisks    = 16
)

// Spec is a guest. Sizes are in bytes.
type Spec struct {
	Memory  int64  `json:"memory"`
	CmdLine string `json:"cmdline"`
	Kernel  int64  `json:"kernel"`           // its size
	Initrd  int64  `json:"initrd,omitempty"` // its size, 0 for none
	Disks   []Disk `json:"disks"`
}

// Disk is a disk of the guest's.
type Disk struct {
	ID         int   `json:"id"` // virtual device number
	Size       int64 `json:"size"`
	SectorSize int   `json:"sector"`
	ReadOnly   bool  `json:"ro,omitempty"`
	CDROM      bool  `json:"cdrom,omitempty"`
}

// Bundle is a guest with its files.
type Bundle struct {
	Spec
	Image    []byte   // the kernel
	Ramdisk  []byte   // nil for none
	Contents [][]byte // of the disks
}

// sizes are those of the files, in order.
func (s *Spec) sizes() []int64 {
	list := []int64{s.Kernel}
	if s.Initrd != 0 {
		list = append(list, s.Initrd)
	}
	for _, d := range s.Disks {
		list = append(list, d.Size)
	}
	return list
}

// Size is how long the bundle is, in bytes.
func (s *Spec) Size() int64 {
	n := int64(headerPages * page)
	for _, size := range s.sizes() {
		n += pages(size)
	}
	return n
}

// Write writes a bundle. The files are kernel, initial RAM disk if there is one,
// and disks, as long as s says.
func Write(w io.Writer, s *Spec, files ...io.Reader) error {
	sizes := s.sizes()
	if len(files) != len(sizes) {
		return fmt.Errorf("bundle: %d files, want %d", len(files), len(sizes))
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	header := []byte(magic)
	header = binary.LittleEndian.AppendUint32(header, uint32(len(text)))
	header = binary.LittleEndian.AppendUint32(header, crc32.ChecksumIEEE(text))
	header = append(header, text...)
	if len(header) > headerPages*page {
		return fmt.Errorf("bundle: command line of %d bytes is too long", len(s.CmdLine))
	}
	if err := put(w, bytes.NewReader(header), int64(len(header)), headerPages*page); err != nil {
		return err
	}
	for i, f := range files {
		if err := put(w, f, sizes[i], pages(sizes[i])); err != nil {
			return err
		}
	}
	return nil
}

// put writes n bytes of r, and zeros until room bytes are full.
func put(w io.Writer, r io.Reader, n, room int64) error {
	if _, err := io.CopyN(w, r, n); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	if _, err := w.Write(make([]byte, room-n)); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	return nil
}

// pages is n grown to whole pages.
func pages(n int64) int64 { return (n + page - 1) &^ (page - 1) }

// Open finds the parts of a bundle in b, which may be longer. They are b's own
// bytes.
func Open(b []byte) (*Bundle, error) {
	if len(b) < headerPages*page || string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("bundle: no bundle in %d bytes", len(b))
	}
	n := binary.LittleEndian.Uint32(b[len(magic):])
	if n > headerPages*page-uint32(textAt) {
		return nil, fmt.Errorf("bundle: header of %d bytes is too long", n)
	}
	text := b[textAt:][:n]
	if got, want := crc32.ChecksumIEEE(text), binary.LittleEndian.Uint32(b[len(magic)+4:]); got != want {
		return nil, fmt.Errorf("bundle: header's sum is %#x, want %#x", got, want)
	}
	u := &Bundle{}
	if err := json.Unmarshal(text, &u.Spec); err != nil {
		return nil, fmt.Errorf("bundle: header: %w", err)
	}
	if len(u.Disks) > maxDisks || u.Memory <= 0 {
		return nil, fmt.Errorf("bundle: %d disks, %d bytes of memory", len(u.Disks), u.Memory)
	}
	rest := b[headerPages*page:]
	var files [][]byte
	for i, size := range u.sizes() {
		if size <= 0 || size > int64(len(rest)) {
			return nil, fmt.Errorf("bundle: file %d: %d bytes of %d", i, size, len(rest))
		}
		files = append(files, rest[:size:size])
		rest = rest[min(pages(size), int64(len(rest))):]
	}
	u.Image, files = files[0], files[1:]
	if u.Initrd != 0 {
		u.Ramdisk, files = files[0], files[1:]
	}
	u.Contents = files
	return u, nil
}
