package hypercall

import (
	"fmt"
	iofs "io/fs"
)

// Errno is an error number of Xen's own numbering (public/errno.h), which is
// Linux's on x86 and need not be the host's. The zero value is no error.
type Errno int

// Error numbers that hypercalls of this library return.
const (
	ErrPerm         Errno = 1
	ErrNotExist     Errno = 2  // ENOENT
	ErrSrch         Errno = 3  // ESRCH: no such domain
	ErrIO           Errno = 5  // EIO
	ErrNxio         Errno = 6  // ENXIO
	ErrTooBig       Errno = 7  // E2BIG
	ErrAgain        Errno = 11 // EAGAIN
	ErrNoMemory     Errno = 12 // ENOMEM
	ErrAccess       Errno = 13 // EACCES
	ErrFault        Errno = 14 // EFAULT
	ErrBusy         Errno = 16 // EBUSY
	ErrExist        Errno = 17 // EEXIST
	ErrInvalid      Errno = 22 // EINVAL
	ErrNoSpace      Errno = 28 // ENOSPC
	ErrNotSupported Errno = 95 // EOPNOTSUPP
	ErrNoSys        Errno = 38 // ENOSYS
)

var errnoNames = map[Errno]string{
	ErrPerm:         "EPERM (operation not permitted)",
	ErrNotExist:     "ENOENT (no such entry)",
	ErrSrch:         "ESRCH (no such domain)",
	ErrIO:           "EIO (input/output error)",
	ErrNxio:         "ENXIO (no such device or address)",
	ErrTooBig:       "E2BIG (argument list too long)",
	ErrAgain:        "EAGAIN (try again)",
	ErrNoMemory:     "ENOMEM (out of memory)",
	ErrAccess:       "EACCES (permission denied)",
	ErrFault:        "EFAULT (bad address)",
	ErrBusy:         "EBUSY (device or resource busy)",
	ErrExist:        "EEXIST (entry exists)",
	ErrInvalid:      "EINVAL (invalid argument)",
	ErrNoSpace:      "ENOSPC (no space left)",
	ErrNotSupported: "EOPNOTSUPP (operation not supported)",
	ErrNoSys:        "ENOSYS (function not implemented)",
}

// Error gives the number's name, or the number where it has none here.
func (e Errno) Error() string {
	if s, ok := errnoNames[e]; ok {
		return s
	}
	return fmt.Sprintf("xen errno %d", int(e))
}

// Is maps the numbers that have a meaning in io/fs to its errors.
func (e Errno) Is(target error) bool {
	switch target {
	case iofs.ErrPermission:
		return e == ErrPerm || e == ErrAccess
	case iofs.ErrNotExist:
		return e == ErrNotExist
	case iofs.ErrExist:
		return e == ErrExist
	case iofs.ErrInvalid:
		return e == ErrInvalid
	}
	return false
}

// result turns a hypercall's return value into its value or an error that
// names the call.
func result(call string, ret int64) (uint64, error) {
	if ret < 0 {
		return 0, fmt.Errorf("%s: %w", call, Errno(-ret))
	}
	return uint64(ret), nil
}
