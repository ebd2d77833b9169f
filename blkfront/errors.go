package blkfront

import (
	"errors"
	"fmt"

	"pvboot/blkfront/blkif"
)

// What an operation or [Open] can fail with, besides xen.ErrTimeout,
// xen.ErrClosed and the errors of package xenstore.
var (
	// ErrIO is the backend's answer that a request failed.
	ErrIO = errors.New("backend reports an i/o error")
	// ErrNotSupported is the backend's answer that it does not know the
	// operation.
	ErrNotSupported = errors.New("backend does not support it")
	// ErrReadOnly is returned for writes to a read-only device.
	ErrReadOnly = errors.New("device is read-only")
	// ErrNoMedium says that a CD or floppy drive is empty.
	ErrNoMedium = errors.New("no medium in the drive")
	// ErrBackend says that the backend broke the protocol or went away. The
	// device answers nothing but this from then on.
	ErrBackend = errors.New("backend failed")
)

// An OpError tells which sectors could not be read or written, and why.
type OpError struct {
	Device string   // name of the device, such as xvda
	Op     blkif.Op // OpRead, OpWrite or OpFlush
	Sector int64    // first sector, in units of 512 bytes
	Count  int      // number of sectors
	Err    error
}

func (e *OpError) Error() string {
	if e.Op == blkif.OpFlush {
		return fmt.Sprintf("blkfront: %s: flush: %v", e.Device, e.Err)
	}
	return fmt.Sprintf("blkfront: %s: %v of %d sectors at sector %d: %v", e.Device, e.Op, e.Count, e.Sector, e.Err)
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// statusError turns a response's status into an error, nil when it is good.
func statusError(s blkif.Status) error {
	switch s {
	case blkif.StatusOK:
		return nil
	case blkif.StatusNotSupported:
		return ErrNotSupported
	case blkif.StatusError:
		return ErrIO
	}
	return fmt.Errorf("%w (status %d)", ErrIO, s)
}

// also adds what went wrong while err was cleaned up after, on the same line.
func also(err, cleanup error) error {
	if cleanup == nil {
		return err
	}
	return fmt.Errorf("%w; and then: %w", err, cleanup)
}
