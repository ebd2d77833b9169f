package grubtest

import (
	"bytes"
	"io"
	iofs "io/fs"
	"testing/fstest"

	"pvboot/loader/fs"
)

// FS is a filesystem in memory.
type FS struct {
	fstest.MapFS
	FSType, FSUUID, FSLabel string
	// Extents are those of the files that can be written in place; their
	// bytes come from Volume where there is one.
	Extents map[string][]fs.Extent
	Volume  io.ReaderAt
}

// Files makes an FS of names and contents.
func Files(uuid, label string, files map[string]string) FS {
	m := fstest.MapFS{}
	for name, data := range files {
		m[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return FS{MapFS: m, FSType: "ext2", FSUUID: uuid, FSLabel: label}
}

// Type, UUID and Label are the fields.
func (f FS) Type() string  { return f.FSType }
func (f FS) UUID() string  { return f.FSUUID }
func (f FS) Label() string { return f.FSLabel }

// Open opens a file.
func (f FS) Open(name string) (iofs.File, error) {
	file, err := f.MapFS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil || info.IsDir() {
		return file, err
	}
	data, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	plain := openFile{file, bytes.NewReader(data)}
	e, ok := f.Extents[name]
	if !ok {
		return plain, nil
	}
	if f.Volume != nil {
		if plain.data, err = f.readExtents(e); err != nil {
			return nil, err
		}
	}
	return mappedFile{plain, e}, nil
}

// readExtents reads a file's bytes from the volume.
func (f FS) readExtents(extents []fs.Extent) (*bytes.Reader, error) {
	var all []byte
	for _, e := range extents {
		b := make([]byte, e.Length)
		if e.Physical != fs.Hole {
			if _, err := f.Volume.ReadAt(b, e.Physical); err != nil {
				return nil, err
			}
		}
		all = append(all, b...)
	}
	return bytes.NewReader(all), nil
}

// openFile is an open regular file.
type openFile struct {
	iofs.File
	data *bytes.Reader
}

func (f openFile) ReadAt(p []byte, off int64) (int, error) { return f.data.ReadAt(p, off) }
func (f openFile) Size() int64                             { return f.data.Size() }

type mappedFile struct {
	openFile
	extents []fs.Extent
}

func (f mappedFile) Extents() ([]fs.Extent, error) { return f.extents, nil }

var _ fs.FS = FS{}
var _ fs.Mapped = mappedFile{}
