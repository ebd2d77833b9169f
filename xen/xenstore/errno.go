package xenstore

import (
	"fmt"
	iofs "io/fs"
)

// Errno is an error number as the daemon sends it: by name.
type Errno string

// Errors that the protocol knows (xs_wire.h, xsd_errors).
const (
	EINVAL    Errno = "EINVAL"
	EACCES    Errno = "EACCES"
	EEXIST    Errno = "EEXIST"
	EISDIR    Errno = "EISDIR"
	ENOENT    Errno = "ENOENT"
	ENOMEM    Errno = "ENOMEM"
	ENOSPC    Errno = "ENOSPC"
	EIO       Errno = "EIO"
	ENOTEMPTY Errno = "ENOTEMPTY"
	ENOSYS    Errno = "ENOSYS"
	EROFS     Errno = "EROFS"
	EBUSY     Errno = "EBUSY"
	EAGAIN    Errno = "EAGAIN"
	EISCONN   Errno = "EISCONN"
	E2BIG     Errno = "E2BIG"
	EPERM     Errno = "EPERM"
)

// Error gives the name.
func (e Errno) Error() string { return string(e) }

// Is maps errors to those of io/fs that mean the same.
func (e Errno) Is(target error) bool {
	switch target {
	case iofs.ErrNotExist:
		return e == ENOENT
	case iofs.ErrPermission:
		return e == EACCES || e == EPERM
	case iofs.ErrExist:
		return e == EEXIST
	case iofs.ErrInvalid:
		return e == EINVAL
	}
	return false
}

// Error is a request that failed: by the daemon's word, which Err is as an
// [Errno], or on the way.
type Error struct {
	Op   Type
	Path string // or what the request is about
	Err  error
}

// Error is one line: operation, path, cause.
func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("xenstore: %v: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("xenstore: %v %q: %v", e.Op, e.Path, e.Err)
}

// also adds a second error, if there is one, to err on the same line.
func also(err, second error) error {
	if second == nil {
		return err
	}
	return fmt.Errorf("%w; %w", err, second)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
