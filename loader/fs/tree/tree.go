// Package tree makes an fs.FS out of a filesystem's nodes: it walks paths,
// follows symbolic links as Linux does (path_resolution(7)) and wraps nodes
// as io/fs files. A filesystem reader supplies [Node] and [Data] and knows
// nothing of paths.
package tree

import (
	"errors"
	"io"
	iofs "io/fs"
	"strings"
	"time"

	"pvboot/loader/fs"
)

// A Node is a file of any kind. Its methods are safe for concurrent use.
type Node interface {
	// ID tells the filesystem's nodes apart: an inode number, an offset.
	ID() uint64
	// Mode has the type bits and, where there are any, permissions.
	Mode() iofs.FileMode
	Size() int64 // bytes
	ModTime() time.Time

	// Lookup finds an entry of a directory, io/fs.ErrNotExist if there is
	// none. It is not called for "." and "..".
	Lookup(name string) (Node, error)
	// List gives a directory's entries without "." and "..".
	List() ([]Entry, error)
	// Target is what a symbolic link holds.
	Target() (string, error)
	// Data opens a regular file.
	Data() (Data, error)
}

// An Entry is one name in a directory.
type Entry struct {
	Name string
	Type iofs.FileMode // type bits only
}

// Data is a regular file's contents. It may have a method
// Extents() ([]fs.Extent, error); then the file is an fs.Mapped.
type Data interface {
	io.ReaderAt
	Size() int64
}

// MaxLinks is how many symbolic links one path may lead through (Linux
// MAXSYMLINKS).
const MaxLinks = 40

var (
	errNotDir  = errors.New("not a directory")
	errIsDir   = errors.New("is a directory")
	errNotFile = errors.New("not a regular file")
	errLinks   = errors.New("too many levels of symbolic links")
)

// FS implements the path methods of fs.FS. It is meant to be embedded.
type FS struct {
	// Kind names the filesystem in error messages.
	Kind string
	// Top is the root directory.
	Top Node
}

// walk resolves name. The last element's link is followed when follow is set.
// The directories on the way are kept, so ".." in a link needs no help from
// the disk and a directory inside itself is found.
func (f *FS) walk(op, name string, follow bool) (Node, error) {
	if !iofs.ValidPath(name) {
		return nil, &iofs.PathError{Op: op, Path: name, Err: iofs.ErrInvalid}
	}
	n, err := f.resolve(strings.Split(name, "/"), follow)
	if err != nil {
		return nil, &iofs.PathError{Op: op, Path: name, Err: err}
	}
	return n, nil
}

func (f *FS) resolve(todo []string, follow bool) (Node, error) {
	stack := []Node{f.Top}
	for links := 0; len(todo) > 0; {
		dir, name := stack[len(stack)-1], todo[0]
		todo = todo[1:]
		switch {
		case !dir.Mode().IsDir():
			return nil, errNotDir
		case name == "" || name == ".":
			continue
		case name == "..":
			stack = stack[:max(1, len(stack)-1)]
			continue
		}
		n, err := dir.Lookup(name)
		if err != nil {
			return nil, err
		}
		if n.Mode().Type() == iofs.ModeSymlink && (follow || len(todo) > 0) {
			if links++; links > MaxLinks {
				return nil, errLinks
			}
			target, err := n.Target()
			if err != nil {
				return nil, err
			}
			if target == "" {
				return nil, iofs.ErrNotExist
			}
			if target[0] == '/' {
				stack = stack[:1]
			}
			todo = append(strings.Split(target, "/"), todo...)
			continue
		}
		if stack, err = f.push(stack, n, name); err != nil {
			return nil, err
		}
	}
	return stack[len(stack)-1], nil
}

// push refuses a directory that is its own ancestor.
func (f *FS) push(stack []Node, n Node, name string) ([]Node, error) {
	if n.Mode().IsDir() {
		for _, up := range stack {
			if up.ID() == n.ID() {
				return nil, &fs.Error{Type: f.Kind, Place: "directory " + name, Cause: "contains itself", Kind: fs.ErrCorrupt}
			}
		}
	}
	return append(stack, n), nil
}

// Open implements io/fs.FS. Regular files come as fs.File, directories as
// io/fs.ReadDirFile; devices, sockets and pipes cannot be opened.
func (f *FS) Open(name string) (iofs.File, error) {
	n, err := f.walk("open", name, true)
	if err != nil {
		return nil, err
	}
	switch {
	case n.Mode().IsDir():
		return &dirFile{info: newInfo(name, n), path: name}, nil
	case !n.Mode().IsRegular():
		return nil, &iofs.PathError{Op: "open", Path: name, Err: errNotFile}
	}
	data, err := n.Data()
	if err != nil {
		return nil, &iofs.PathError{Op: "open", Path: name, Err: err}
	}
	return newFile(name, n, data), nil
}

// Stat implements io/fs.StatFS.
func (f *FS) Stat(name string) (iofs.FileInfo, error) {
	n, err := f.walk("stat", name, true)
	if err != nil {
		return nil, err
	}
	return newInfo(name, n), nil
}

// Lstat implements io/fs.ReadLinkFS.
func (f *FS) Lstat(name string) (iofs.FileInfo, error) {
	n, err := f.walk("lstat", name, false)
	if err != nil {
		return nil, err
	}
	return newInfo(name, n), nil
}

// ReadLink implements io/fs.ReadLinkFS.
func (f *FS) ReadLink(name string) (string, error) {
	n, err := f.walk("readlink", name, false)
	if err != nil {
		return "", err
	}
	if n.Mode().Type() != iofs.ModeSymlink {
		return "", &iofs.PathError{Op: "readlink", Path: name, Err: iofs.ErrInvalid}
	}
	target, err := n.Target()
	if err != nil {
		return "", &iofs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return target, nil
}

// ReadDir implements io/fs.ReadDirFS; the entries are sorted by name.
func (f *FS) ReadDir(name string) ([]iofs.DirEntry, error) {
	n, err := f.walk("readdir", name, true)
	if err != nil {
		return nil, err
	}
	if !n.Mode().IsDir() {
		return nil, &iofs.PathError{Op: "readdir", Path: name, Err: errNotDir}
	}
	entries, err := list(n)
	if err != nil {
		return nil, &iofs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return entries, nil
}
