package volume

import (
	"errors"
	"fmt"
)

// The kinds of trouble with a partition table; test with errors.Is.
var (
	ErrCorrupt  = errors.New("corrupt partition table")
	ErrOutside  = errors.New("partition outside the disk")
	ErrOverlap  = errors.New("partitions overlap")
	ErrReadOnly = errors.New("disk is read-only")
)

// A TableError says what is wrong with a partition table or with one of its
// partitions.
type TableError struct {
	Place string // "gpt: primary header", "msdos5"
	Cause string
	Kind  error // ErrCorrupt, ErrOutside or ErrOverlap
}

// Error is one line: place and cause.
func (e *TableError) Error() string { return e.Place + ": " + e.Cause }

// Unwrap gives the kind to errors.Is.
func (e *TableError) Unwrap() error { return e.Kind }

func corrupt(place, format string, args ...any) error {
	return tableError(ErrCorrupt, place, format, args...)
}

func tableError(kind error, place, format string, args ...any) error {
	return &TableError{Place: place, Cause: fmt.Sprintf(format, args...), Kind: kind}
}
