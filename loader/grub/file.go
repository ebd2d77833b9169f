package grub

import (
	"errors"
	"io"
	iofs "io/fs"
	"path"
	"strings"

	"pvboot/loader/fs"
)

// File is an open regular file of a script's device. It is an image.Source.
type File struct {
	fs.File
	Device Device
	Path   string // from the filesystem's root, beginning with a slash
}

// String is the file's name with its device: "(xen/xvda,gpt1)/vmlinuz".
func (f *File) String() string { return "(" + f.Device.Name + ")" + f.Path }

// ReadAll reads the whole file, which must not be longer than most bytes.
func (f *File) ReadAll(most int) ([]byte, error) {
	n := f.Size()
	if n < 0 || n > int64(most) {
		return nil, Errorf(OutOfRange, "file `%s' of %d bytes is longer than %d", f, n, most)
	}
	b := make([]byte, n)
	if got, err := f.ReadAt(b, 0); got < len(b) {
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return nil, Errorf(FileReadError, "file `%s': %w", f, err)
	}
	return b, nil
}

// Path splits "(dev)/path" or "/path", which stands on $root, into device
// and path. The path is cleaned and begins with a slash; "" names the device
// itself.
func (in *Interp) Path(name string) (Device, string, error) {
	dev, file := in.env.Get("root"), name
	if strings.HasPrefix(name, "(") {
		end := strings.IndexByte(name, ')')
		if end < 0 {
			return Device{}, "", Errorf(BadFilename, "invalid file name `%s'", name)
		}
		dev, file = name[1:end], name[end+1:]
	}
	if file != "" && file[0] != '/' || name == "" || strings.IndexByte(file, 0) >= 0 {
		return Device{}, "", Errorf(BadFilename, "invalid file name `%s'", name)
	}
	d, err := in.Device(dev)
	if err != nil {
		return Device{}, "", err
	}
	if file != "" {
		file = path.Clean(file)
	}
	return d, file, nil
}

// Device resolves a device name, with or without parentheses.
func (in *Interp) Device(name string) (Device, error) {
	if strings.HasPrefix(name, "(") && strings.HasSuffix(name, ")") {
		name = name[1 : len(name)-1]
	}
	if name == "" {
		return Device{}, Errorf(BadDevice, "variable `root' isn't set")
	}
	in.Charge(1)
	d, err := in.host.Lookup(name)
	if !errors.Is(err, ErrNoDevice) {
		return d, err
	}
	if disk, part, ok := strings.Cut(name, ","); ok && part != "" {
		if _, err := in.host.Lookup(disk); err == nil {
			return d, Errorf(UnknownDevice, "no such partition `%s'", name)
		}
	}
	return d, Errorf(UnknownDevice, "disk `%s' not found", name)
}

// Mount opens a device's filesystem.
func (in *Interp) Mount(d Device) (fs.FS, error) {
	in.Charge(10)
	f, err := in.host.Mount(d)
	if err != nil {
		return nil, Errorf(mountErrno(err), "disk `%s': %w", d.Name, err)
	}
	return f, nil
}

func mountErrno(err error) Errno {
	if n := Number(err); n != IOError {
		return n
	}
	return UnknownFS
}

// fsName is a path as fs.FS wants it.
func fsName(file string) string {
	if name := strings.TrimPrefix(file, "/"); name != "" {
		return name
	}
	return "."
}

// Open opens a regular file by its name in a script.
func (in *Interp) Open(name string) (*File, error) {
	d, file, err := in.Path(name)
	if err != nil {
		return nil, err
	}
	if file == "" {
		return nil, Errorf(BadFilename, "invalid file name `%s'", name)
	}
	return in.OpenOn(d, file)
}

// OpenOn opens a regular file of a device.
func (in *Interp) OpenOn(d Device, file string) (*File, error) {
	fsys, err := in.Mount(d)
	if err != nil {
		return nil, err
	}
	f, err := fsys.Open(fsName(file))
	if err != nil {
		return nil, fileError(file, err)
	}
	reg, ok := f.(fs.File)
	if info, err := f.Stat(); err != nil || !ok || !info.Mode().IsRegular() {
		f.Close()
		if err != nil {
			return nil, fileError(file, err)
		}
		return nil, Errorf(BadFileType, "`%s' is not a regular file", file)
	}
	return &File{reg, d, file}, nil
}

// Stat looks at a file or folder, following symbolic links.
func (in *Interp) Stat(name string) (iofs.FileInfo, error) {
	fsys, file, err := in.mountPath(name)
	if err != nil {
		return nil, err
	}
	info, err := fsys.Stat(fsName(file))
	if err != nil {
		return nil, fileError(file, err)
	}
	return info, nil
}

// ReadDir lists a folder, sorted by name.
func (in *Interp) ReadDir(name string) ([]iofs.DirEntry, error) {
	fsys, file, err := in.mountPath(name)
	if err != nil {
		return nil, err
	}
	list, err := fsys.ReadDir(fsName(file))
	in.Charge(20 + len(list))
	if err != nil {
		return nil, fileError(file, err)
	}
	return list, nil
}

func (in *Interp) mountPath(name string) (fs.FS, string, error) {
	d, file, err := in.Path(name)
	if err != nil {
		return nil, "", err
	}
	fsys, err := in.Mount(d)
	return fsys, file, err
}

// fileError gives a filesystem's error GRUB's words.
func fileError(file string, err error) error {
	if errors.Is(err, iofs.ErrNotExist) {
		return Errorf(FileNotFound, "file `%s' not found", file)
	}
	var pe *iofs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return Errorf(fileErrno(err), "file `%s': %w", file, err)
}

func fileErrno(err error) Errno {
	if n := Number(err); n != IOError {
		return n
	}
	return BadFS
}
