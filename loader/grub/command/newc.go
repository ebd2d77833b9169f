package command

import (
	"fmt"
	"io"
	"path"
	"strings"

	"pvboot/loader/fs"
	"pvboot/loader/grub"
)

// maxNewcPath bounds the name that a file gets in an archive, in bytes.
const maxNewcPath = 1024

// cutNewc splits "newc:PATH:FILE", which asks for FILE to stand at PATH in
// the initrd's file tree.
func cutNewc(arg string) (name, file string, ok bool) {
	rest, ok := strings.CutPrefix(arg, "newc:")
	if !ok {
		return "", arg, false
	}
	name, file, ok = strings.Cut(rest, ":")
	return name, file, ok
}

// newc is a file in a cpio archive of its own (Linux
// Documentation/driver-api/early-userspace/buffer-format.rst): kernels take
// several archives one behind the other.
type newc struct {
	fs.File
	head, tail string
}

// wrapNewc puts an open file into an archive, below the folders of its name.
func wrapNewc(f *grub.File, name string) (*grub.File, error) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" || len(name) > maxNewcPath {
		return nil, grub.Errorf(grub.BadFilename, "invalid file name `%.40s' for an archive", name)
	}
	size := f.Size()
	if size > 1<<32-1 {
		return nil, grub.Errorf(grub.OutOfRange, "`%s' of %d bytes is too large for an archive", f, size)
	}
	var head strings.Builder
	for i, c := range name {
		if c == '/' {
			head.WriteString(member(name[:i], 0o040777, 0))
		}
	}
	head.WriteString(member(name, 0o100777, size))
	pad := strings.Repeat("\x00", int(-size&3))
	return &grub.File{
		File:   &newc{f.File, head.String(), pad + member("TRAILER!!!", 0, 0)},
		Device: f.Device,
		Path:   f.Path,
	}, nil
}

// member is a member's header with its name, padded to four bytes.
func member(name string, mode uint32, size int64) string {
	ino := 1
	if mode == 0 {
		ino = 0
	}
	h := fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		ino, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0) + name + "\x00"
	return h + strings.Repeat("\x00", -len(h)&3)
}

// Size is the archive's length in bytes.
func (n *newc) Size() int64 { return int64(len(n.head)) + n.File.Size() + int64(len(n.tail)) }

// ReadAt reads the archive.
func (n *newc) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, grub.Errorf(grub.OutOfRange, "offset %d", off)
	}
	parts := []struct {
		io.ReaderAt
		size int64
	}{
		{strings.NewReader(n.head), int64(len(n.head))},
		{n.File, n.File.Size()},
		{strings.NewReader(n.tail), int64(len(n.tail))},
	}
	done := 0
	for _, part := range parts {
		if off >= part.size {
			off -= part.size
			continue
		}
		want := int(min(int64(len(p)-done), part.size-off))
		got, err := part.ReadAt(p[done:done+want], off)
		done += got
		if got < want {
			return done, err
		}
		if off = 0; done == len(p) {
			return done, nil
		}
	}
	return done, io.EOF
}
