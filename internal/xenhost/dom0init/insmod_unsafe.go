package main

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// finitModule is the number of the system call finit_module(2).
var finitModule = map[string]uintptr{"amd64": 313, "arm64": 273}

// insertModule inserts a kernel module from a file.
func insertModule(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var options [1]byte // an empty string of options
	_, _, errno := syscall.Syscall(finitModule[runtime.GOARCH], f.Fd(), uintptr(unsafe.Pointer(&options)), 0)
	if errno != 0 && !errors.Is(errno, syscall.EEXIST) {
		return errno
	}
	return nil
}
