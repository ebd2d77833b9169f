package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"pvboot/internal/cpio"
)

// writeArchive packs the regular files and folders below dir, by their names
// relative to the current folder, for guest/files.go. Without dir the archive
// is empty.
func writeArchive(name, dir string) error {
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer out.Close()
	w := cpio.NewWriter(out)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == dir {
			return nil
		}
		if err != nil {
			return err
		}
		return addFile(w, path)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if err := w.Close(); err != nil {
		return err
	}
	return out.Close()
}

// addFile adds one file; links are followed, and what is neither file nor
// folder is left out.
func addFile(w *cpio.Writer, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	name := filepath.ToSlash(filepath.Clean(path))
	switch {
	case info.IsDir():
		return w.MkdirAll(name)
	case !info.Mode().IsRegular():
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := w.WriteHeader(&cpio.Entry{Name: name, Mode: cpio.TypeRegular | 0o644, Size: info.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
