package fs

import "errors"

// What a filesystem's error is about; test with errors.Is.
var (
	// ErrUnknown: the device holds no filesystem of the kind asked for. A
	// reader's Open returns it so that the next reader is tried.
	ErrUnknown = errors.New("unknown filesystem")
	// ErrCorrupt: the filesystem contradicts itself or a checksum is wrong.
	ErrCorrupt = errors.New("corrupt filesystem")
	// ErrUnsupported: a feature that the reader does not know; it is named
	// in the message as the filesystem's own tools name it.
	ErrUnsupported = errors.New("unsupported filesystem feature")
)

// An Error is a filesystem's complaint about one of its places.
type Error struct {
	Type  string // of the filesystem: "ext4"
	Place string // "inode 12: extent block 3", "" for the whole filesystem
	Cause string
	Kind  error // ErrUnknown, ErrCorrupt or ErrUnsupported
}

// Error is one line: type, place and cause.
func (e *Error) Error() string {
	if e.Place == "" {
		return e.Type + ": " + e.Cause
	}
	return e.Type + ": " + e.Place + ": " + e.Cause
}

// Unwrap gives the kind to errors.Is.
func (e *Error) Unwrap() error { return e.Kind }
