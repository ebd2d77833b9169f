package testdisk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Whence values of Linux's lseek(2).
const (
	seekData = 3
	seekHole = 4
)

// copySparse copies a file and keeps its holes.
func copySparse(dst, src string) error {
	if err := os.Remove(dst); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := os.Create(dst)
	if err != nil {
		return err
	}
	defer out.Close()
	size, err := copyData(out, 0, src)
	if err != nil {
		return err
	}
	if err := out.Truncate(size); err != nil {
		return err
	}
	return out.Close()
}

// copyData copies a file's data, its holes left out, to an offset of out, and
// returns the file's size.
func copyData(out *os.File, offset int64, src string) (int64, error) {
	in, err := os.Open(src)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return 0, err
	}
	size := info.Size()
	for pos := int64(0); pos < size; {
		start, err := in.Seek(pos, seekData)
		if errors.Is(err, syscall.ENXIO) {
			break // only a hole is left
		}
		if err != nil {
			return 0, err
		}
		end, err := in.Seek(start, seekHole)
		if err != nil {
			return 0, err
		}
		if _, err := out.Seek(offset+start, io.SeekStart); err != nil {
			return 0, err
		}
		if _, err := io.Copy(out, io.NewSectionReader(in, start, end-start)); err != nil {
			return 0, err
		}
		pos = end
	}
	return size, nil
}
