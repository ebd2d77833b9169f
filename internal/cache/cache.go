// Package cache keeps what the host tools download and build: Debian
// packages, initramfs archives, compiled loaders. Everything in it can be
// deleted at any time, and is made again when it is next wanted.
//
// An artefact is a folder named after a content key: a hash of all that went
// into it. It is built in a folder of its own and renamed into place when it
// is complete, under a lock file, so that several tools can run at once.
package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// EnvDir names the environment variable that overrides the cache's folder.
const EnvDir = "PVBOOT_CACHE"

// Dir is the cache's folder.
type Dir string

// Find returns the cache's folder, and creates it: $PVBOOT_CACHE, or .cache
// beside the go.mod of the module that holds the working directory.
func Find() (Dir, error) {
	dir := os.Getenv(EnvDir)
	if dir == "" {
		root, err := ModuleRoot()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, ".cache")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return Dir(dir), nil
}

// ModuleRoot returns the nearest folder, from the working directory upwards,
// that holds a go.mod.
func ModuleRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("cache: no go.mod in %s or above it: run in the project's tree or set %s", start, EnvDir)
		}
		dir = parent
	}
}

// Path joins names to the cache's folder.
func (d Dir) Path(names ...string) string {
	return filepath.Join(append([]string{string(d)}, names...)...)
}

// Lock takes the lock file NAME.lock in the cache, waiting for other
// processes that hold it. The caller calls unlock when it is done; the kernel
// does when the process dies.
func (d Dir) Lock(name string) (unlock func(), err error) {
	file := d.Path(name + ".lock")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cache: lock %s: %w", file, err)
	}
	return func() { f.Close() }, nil
}

// Build returns the folder of the artefact of a kind whose inputs have the
// key (see Key). When it is not there, make is called to fill an empty folder
// with it, once, whatever the number of processes that ask.
func (d Dir) Build(kind, key string, make func(dir string) error) (string, error) {
	dir := d.Path(kind, key)
	if isDir(dir) {
		return dir, nil
	}
	unlock, err := d.Lock(filepath.Join(kind, key))
	if err != nil {
		return "", err
	}
	defer unlock()
	if isDir(dir) {
		return dir, nil
	}
	tmp, err := os.MkdirTemp(d.Path(kind), "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	if err := make(tmp); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return "", err
	}
	return dir, nil
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// Key hashes strings into the name of an artefact. The parts are kept apart:
// ("ab", "c") and ("a", "bc") have different keys.
func Key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:24]
}

// FileKey hashes the content of a file.
func FileKey(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil))[:24], nil
}

// CopyFile copies a file, sharing its blocks or its inode where it can. The
// copy must not be written to.
func CopyFile(dst, src string) error {
	if err := os.Remove(dst); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(src, dst) == nil {
		return nil
	}
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(dst)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
