package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// rndAddEntropy is RNDADDENTROPY of Linux's linux/random.h.
const rndAddEntropy = 0x40085203

// addEntropy gives the kernel's random number generator its seed. An emulated
// machine without RDRAND and with no interrupts to speak of gathers entropy
// for minutes, and xl waits three seconds for it each time that it needs a
// UUID. Nothing in this dom0 is secret, so any seed will do.
func addEntropy() error {
	f, err := os.OpenFile("/dev/random", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info := struct {
		bits, size int32
		seed       [64]byte
	}{bits: 512, size: 64}
	copy(info.seed[:], "the seed of a machine that has no secrets")
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), rndAddEntropy, uintptr(unsafe.Pointer(&info)))
	if errno != 0 {
		return fmt.Errorf("seed /dev/random: %w", errno)
	}
	return nil
}
