package grub

import (
	"errors"
	"fmt"
	iofs "io/fs"
)

// Errno is GRUB's number of an error, which scripts see as $? (GRUB,
// include/grub/err.h).
type Errno int

const (
	OK             Errno = 0
	TestFailure    Errno = 1
	OutOfMemory    Errno = 3
	BadFileType    Errno = 4
	FileNotFound   Errno = 5
	FileReadError  Errno = 6
	BadFilename    Errno = 7
	UnknownFS      Errno = 8
	BadFS          Errno = 9
	BadNumber      Errno = 10
	OutOfRange     Errno = 11
	UnknownDevice  Errno = 12
	BadDevice      Errno = 13
	ReadError      Errno = 14
	WriteError     Errno = 15
	UnknownCommand Errno = 16
	InvalidCommand Errno = 17
	BadArgument    Errno = 18
	BadOS          Errno = 21
	NoKernel       Errno = 22
	NotImplemented Errno = 24
	MenuError      Errno = 27
	Timeout        Errno = 28
	IOError        Errno = 29
	AccessDenied   Errno = 30
	RecursionDepth Errno = 39
	defaultErrno         = IOError
	maxReturn      Errno = 1<<31 - 1
)

// Error is a command's error with the number that scripts see.
type Error struct {
	Errno Errno
	Err   error
	Quiet bool // sets $? and prints nothing
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error; the format may use %w.
func Errorf(n Errno, format string, args ...any) error {
	return &Error{Errno: n, Err: fmt.Errorf(format, args...)}
}

var errFalse = errors.New("false")

// ErrFalse is what a command returns that says false, such as a test.
var ErrFalse error = &Error{TestFailure, errFalse, true}

// Status makes an error that only sets $?; nil for OK.
func Status(n Errno) error {
	if n == OK {
		return nil
	}
	return &Error{n, errFalse, true}
}

// ErrNoDevice is wrapped by Host.Lookup when there is no such device.
var ErrNoDevice = errors.New("no such device")

// ErrInterrupted ends a script whose context is done.
var ErrInterrupted = errors.New("interrupted")

// ErrLimit ends a script that ran for too long or took too much memory.
var ErrLimit = errors.New("script limit exceeded")

// Number is the $? that an error gives.
func Number(err error) Errno {
	if err == nil {
		return OK
	}
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Errno
	case errors.Is(err, ErrNoDevice):
		return UnknownDevice
	case errors.Is(err, iofs.ErrNotExist):
		return FileNotFound
	case errors.Is(err, ErrLimit):
		return OutOfMemory
	case errors.Is(err, iofs.ErrPermission):
		return AccessDenied
	}
	return IOError
}
