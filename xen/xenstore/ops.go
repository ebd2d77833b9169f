package xenstore

import (
	"errors"
	"fmt"
	"strings"
)

// Store is a tree of values: the whole store, or a transaction's view of it.
// Paths that do not start with a slash are relative to the domain's own
// directory, /local/domain/<domid>. Errors are [Error]s; with errors.Is they
// compare to an [Errno] and to io/fs's ErrNotExist, ErrPermission, ErrExist.
type Store interface {
	// Read returns the value at path.
	Read(path string) (string, error)
	// Write sets the value at path, making what is missing above it.
	Write(path, value string) error
	// Mkdir makes sure that path exists.
	Mkdir(path string) error
	// Rm removes path and all below it. A path that does not exist is no
	// error, one without a parent is.
	Rm(path string) error
	// Directory lists the names directly below path.
	Directory(path string) ([]string, error)
	// GetPerms returns who may access path; the first entry is the owner's.
	GetPerms(path string) ([]Perm, error)
	// SetPerms sets who may access path.
	SetPerms(path string, perms ...Perm) error
}

// ops are the operations of a client and of a transaction.
type ops struct {
	c  *Client
	tx *Tx // nil outside a transaction
}

var _ Store = ops{}

// do sends one request about path and returns the reply's body.
func (o ops) do(op Type, path string, rest ...string) ([]byte, error) {
	k, err := o.begin(op, path, rest...)
	if err != nil {
		return nil, err
	}
	return o.c.finish(k)
}

// begin sends one request about path. A call may still hold an error: finish
// tells of it.
func (o ops) begin(op Type, path string, rest ...string) (*call, error) {
	if err := checkPath(path); err != nil {
		return nil, &Error{Op: op, Path: path, Err: err}
	}
	body := append([]byte(path), 0)
	for _, s := range rest {
		body = append(body, s...)
	}
	if len(body) > MaxBody {
		return nil, &Error{Op: op, Path: path, Err: fmt.Errorf("%d bytes of payload: %w", len(body), E2BIG)}
	}
	var id uint32
	if o.tx != nil {
		if o.tx.isDone() {
			return nil, &Error{Op: op, Path: path, Err: ErrClosed}
		}
		id = o.tx.id
	}
	return o.c.start(op, id, path, body), nil
}

// checkPath refuses what the daemon cannot take; the rest of its rules are its
// own to enforce.
func checkPath(path string) error {
	limit := MaxRelPath
	if strings.HasPrefix(path, "/") || strings.HasPrefix(path, "@") {
		limit = MaxAbsPath
	}
	switch {
	case path == "":
		return fmt.Errorf("empty path: %w", EINVAL)
	case len(path) > limit:
		return fmt.Errorf("path of %d bytes, at most %d: %w", len(path), limit, EINVAL)
	case strings.IndexByte(path, 0) >= 0:
		return fmt.Errorf("zero byte in path: %w", EINVAL)
	}
	return nil
}

func (o ops) Read(path string) (string, error) {
	b, err := o.do(TypeRead, path)
	return string(b), err
}

func (o ops) Write(path, value string) error {
	_, err := o.do(TypeWrite, path, value)
	return err
}

func (o ops) Mkdir(path string) error {
	_, err := o.do(TypeMkdir, path)
	return err
}

func (o ops) Rm(path string) error {
	_, err := o.do(TypeRm, path)
	return err
}

func (o ops) Directory(path string) ([]string, error) {
	b, err := o.do(TypeDirectory, path)
	if errors.Is(err, E2BIG) {
		return o.directoryParts(path)
	}
	if err != nil {
		return nil, err
	}
	names, err := names(string(b))
	if err != nil {
		return nil, &Error{Op: TypeDirectory, Path: path, Err: err}
	}
	return names, nil
}

// maxDirectory caps the bytes of a directory's names: more than the daemon
// lets any directory grow to.
const maxDirectory = 1 << 20

// directoryParts reads a list too long for one message. It starts again when
// the list changes meanwhile, which the generation count at the head of each
// part tells.
func (o ops) directoryParts(path string) ([]string, error) {
	const maxParts = 1024
	var gen, list string
	for range maxParts {
		b, err := o.do(TypeDirectoryPart, path, fmt.Sprint(len(list)), "\x00")
		if err != nil {
			return nil, err
		}
		g, part, ok := strings.Cut(string(b), "\x00")
		if !ok {
			return nil, &Error{Op: TypeDirectoryPart, Path: path, Err: errors.New("reply without generation")}
		}
		if list != "" && g != gen {
			list = ""
			continue
		}
		gen = g
		// An empty name ends the list.
		end := part == "\x00" || strings.HasSuffix(part, "\x00\x00")
		if end {
			part = part[:len(part)-1]
		}
		list += part
		switch {
		case end:
			n, err := names(list)
			if err != nil {
				return nil, &Error{Op: TypeDirectoryPart, Path: path, Err: err}
			}
			return n, nil
		case part == "":
			return nil, &Error{Op: TypeDirectoryPart, Path: path, Err: errors.New("empty part")}
		case len(list) > maxDirectory:
			return nil, &Error{Op: TypeDirectoryPart, Path: path, Err: fmt.Errorf("more than %d bytes of names", maxDirectory)}
		}
	}
	return nil, &Error{Op: TypeDirectoryPart, Path: path, Err: errors.New("list does not end")}
}

// names splits a list of names, each with its zero byte.
func names(list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	if !strings.HasSuffix(list, "\x00") {
		return nil, errors.New("last name without its end")
	}
	all := strings.Split(list[:len(list)-1], "\x00")
	for _, n := range all {
		if n == "" || strings.Contains(n, "/") {
			return nil, fmt.Errorf("name %q in the list", n)
		}
	}
	return all, nil
}

func (o ops) GetPerms(path string) ([]Perm, error) {
	b, err := o.do(TypeGetPerms, path)
	if err != nil {
		return nil, err
	}
	perms, err := parsePerms(string(b))
	if err != nil {
		return nil, &Error{Op: TypeGetPerms, Path: path, Err: err}
	}
	return perms, nil
}

func (o ops) SetPerms(path string, perms ...Perm) error {
	var rest []string
	for _, p := range perms {
		rest = append(rest, p.String(), "\x00")
	}
	_, err := o.do(TypeSetPerms, path, rest...)
	return err
}
