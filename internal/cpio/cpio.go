// Package cpio writes archives in the "newc" format (SVR4, without checksum)
// that the Linux kernel unpacks as an initramfs; see the kernel's
// Documentation/driver-api/early-userspace/buffer-format.rst. Archives can be
// put one behind the other: later files replace earlier ones.
//
// The same entries give the same bytes: owner is root, times are zero and
// inode numbers count up.
package cpio

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// File types of Entry.Mode, as in Linux's stat.
const (
	TypeMask    = 0o170000
	TypeRegular = 0o100000
	TypeDir     = 0o040000
	TypeSymlink = 0o120000
	TypeChar    = 0o020000
)

// maxSize is the largest file: the size field has eight hexadecimal digits.
const maxSize = 1<<32 - 1

const (
	magic   = "070701"
	trailer = "TRAILER!!!"
)

// Entry is the header of one file in an archive.
type Entry struct {
	Name string // slash-separated, relative to the root
	Mode uint32 // file type and permissions
	Size int64  // bytes of content that follow; the target's length for a symlink

	Major, Minor uint32 // of a character device
}

// ErrSize is returned when a file's content is not as long as its header says.
var ErrSize = errors.New("cpio: content and size of a file differ")

// Writer writes an archive. Make it with NewWriter; end it with Close.
type Writer struct {
	w    io.Writer
	n    int64 // bytes written
	left int64 // bytes of content of the current file still to come
	ino  uint32
	dirs map[string]bool
	err  error
}

// NewWriter returns a Writer of an archive to w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, dirs: map[string]bool{}}
}

// WriteHeader starts a file. Its content follows with Write.
func (w *Writer) WriteHeader(e *Entry) error {
	if err := w.finishFile(); err != nil {
		return err
	}
	name := strings.TrimPrefix(path.Clean("/"+e.Name), "/")
	switch {
	case name == "" || strings.ContainsRune(name, 0):
		return fmt.Errorf("cpio: bad file name %q", e.Name)
	case name == trailer:
		return fmt.Errorf("cpio: file name %q ends an archive", e.Name)
	case e.Size < 0 || e.Size > maxSize:
		return fmt.Errorf("cpio: %s: size %d is not in 0..%d", name, e.Size, int64(maxSize))
	}
	if e.Mode&TypeMask == TypeDir {
		w.dirs[name] = true
	}
	w.header(name, e)
	w.left = e.Size
	return w.err
}

// Write writes content of the current file.
func (w *Writer) Write(p []byte) (int, error) {
	if int64(len(p)) > w.left {
		return 0, ErrSize
	}
	w.left -= int64(len(p))
	w.write(p)
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

// MkdirAll writes a directory and the directories above it that the archive
// does not hold yet.
func (w *Writer) MkdirAll(name string) error {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" || w.dirs[name] {
		return nil
	}
	if err := w.MkdirAll(path.Dir(name)); err != nil {
		return err
	}
	return w.WriteHeader(&Entry{Name: name, Mode: TypeDir | 0o755})
}

// File writes a regular file and the directories above it.
func (w *Writer) File(name string, perm uint32, content []byte) error {
	if err := w.MkdirAll(path.Dir("/" + name)); err != nil {
		return err
	}
	e := &Entry{Name: name, Mode: TypeRegular | perm&0o7777, Size: int64(len(content))}
	if err := w.WriteHeader(e); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}

// Symlink writes a symbolic link and the directories above it.
func (w *Writer) Symlink(name, target string) error {
	if err := w.MkdirAll(path.Dir("/" + name)); err != nil {
		return err
	}
	e := &Entry{Name: name, Mode: TypeSymlink | 0o777, Size: int64(len(target))}
	if err := w.WriteHeader(e); err != nil {
		return err
	}
	_, err := w.Write([]byte(target))
	return err
}

// Device writes a character device and the directories above it.
func (w *Writer) Device(name string, perm, major, minor uint32) error {
	if err := w.MkdirAll(path.Dir("/" + name)); err != nil {
		return err
	}
	return w.WriteHeader(&Entry{Name: name, Mode: TypeChar | perm&0o7777, Major: major, Minor: minor})
}

// Close ends the archive. It pads it to 512 bytes, so that another can follow,
// and does not close the underlying writer.
func (w *Writer) Close() error {
	if err := w.finishFile(); err != nil {
		return err
	}
	w.ino = 0
	w.header(trailer, &Entry{})
	w.pad(512)
	err := w.err
	if err == nil {
		w.err = errors.New("cpio: archive is closed")
	}
	return err
}

func (w *Writer) header(name string, e *Entry) {
	links := 1
	if e.Mode&TypeMask == TypeDir {
		links = 2
	}
	if name != trailer {
		w.ino++
	}
	w.write(fmt.Appendf(nil, "%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		magic, w.ino, e.Mode, 0, 0, links, 0, e.Size, 0, 0, e.Major, e.Minor, len(name)+1, 0, name))
	w.pad(4)
}

func (w *Writer) finishFile() error {
	if w.err == nil && w.left != 0 {
		return ErrSize
	}
	w.pad(4)
	return w.err
}

func (w *Writer) pad(align int64) {
	if over := w.n % align; over != 0 {
		w.write(make([]byte, align-over))
	}
}

func (w *Writer) write(p []byte) {
	if w.err != nil {
		return
	}
	n, err := w.w.Write(p)
	w.n += int64(n)
	w.err = err
}
