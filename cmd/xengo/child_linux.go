package main

import "syscall"

// childAttributes makes QEMU end with xengo, however xengo ends.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
