package tree

import (
	"errors"
	"io"
	iofs "io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"pvboot/loader/fs"
)

// info is a node as io/fs.FileInfo.
type info struct {
	name string
	node Node
}

func newInfo(name string, n Node) info { return info{path.Base(name), n} }

func (i info) Name() string        { return i.name }
func (i info) Size() int64         { return i.node.Size() }
func (i info) Mode() iofs.FileMode { return i.node.Mode() }
func (i info) ModTime() time.Time  { return i.node.ModTime() }
func (i info) IsDir() bool         { return i.node.Mode().IsDir() }
func (i info) Sys() any            { return nil }

// entry is an Entry as io/fs.DirEntry; its node is looked up when wanted.
type entry struct {
	dir Node
	Entry
}

func (e entry) Name() string        { return e.Entry.Name }
func (e entry) IsDir() bool         { return e.Entry.Type.IsDir() }
func (e entry) Type() iofs.FileMode { return e.Entry.Type }
func (e entry) String() string      { return iofs.FormatDirEntry(e) }

func (e entry) Info() (iofs.FileInfo, error) {
	n, err := e.dir.Lookup(e.Entry.Name)
	if err != nil {
		return nil, err
	}
	return info{e.Entry.Name, n}, nil
}

// list is a directory's entries, sorted by name.
func list(dir Node) ([]iofs.DirEntry, error) {
	entries, err := dir.List()
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	out := make([]iofs.DirEntry, len(entries))
	for i, e := range entries {
		out[i] = entry{dir, e}
	}
	return out, nil
}

// file is an open regular file: an fs.File, with Seek.
type file struct {
	info info
	path string
	data Data

	mu  sync.Mutex
	off int64 // of the next Read
}

// mappedFile is an fs.Mapped.
type mappedFile struct {
	*file
	extents func() ([]fs.Extent, error)
}

func (m mappedFile) Extents() ([]fs.Extent, error) { return m.extents() }

func newFile(name string, n Node, data Data) fs.File {
	f := &file{info: newInfo(name, n), path: name, data: data}
	if m, ok := data.(interface{ Extents() ([]fs.Extent, error) }); ok {
		return mappedFile{f, m.Extents}
	}
	return f
}

func (f *file) Stat() (iofs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error                 { return nil }
func (f *file) Size() int64                  { return f.data.Size() }

func (f *file) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, &iofs.PathError{Op: "read", Path: f.path, Err: iofs.ErrInvalid}
	}
	n, err := f.data.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &iofs.PathError{Op: "read", Path: f.path, Err: err}
	}
	return n, err
}

func (f *file) Read(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(b) == 0 {
		return 0, nil
	}
	n, err := f.ReadAt(b, f.off)
	f.off += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// Seek implements io.Seeker.
func (f *file) Seek(off int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		off += f.off
	case io.SeekEnd:
		off += f.Size()
	}
	if off < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, &iofs.PathError{Op: "seek", Path: f.path, Err: iofs.ErrInvalid}
	}
	f.off = off
	return off, nil
}

// dirFile is an open directory.
type dirFile struct {
	info info
	path string

	mu      sync.Mutex
	entries []iofs.DirEntry
	loaded  bool
}

func (d *dirFile) Stat() (iofs.FileInfo, error) { return d.info, nil }
func (d *dirFile) Close() error                 { return nil }

func (d *dirFile) Read([]byte) (int, error) {
	return 0, &iofs.PathError{Op: "read", Path: d.path, Err: errIsDir}
}

// ReadDir implements io/fs.ReadDirFile.
func (d *dirFile) ReadDir(n int) ([]iofs.DirEntry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.loaded {
		entries, err := list(d.info.node)
		if err != nil {
			return nil, &iofs.PathError{Op: "readdir", Path: d.path, Err: err}
		}
		d.entries, d.loaded = entries, true
	}
	if n <= 0 {
		n = len(d.entries)
	} else if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	out := d.entries[:n:n]
	d.entries = d.entries[n:]
	return out, nil
}
