//go:build ppc64 || ppc64le

package ppc64

import _ "unsafe" // for linkname

// What package guest supplies. Hwinit0 is TamaGo's name (runtime/goos).

// hwinit0 readies the machine for the runtime.
//
//go:linkname hwinit0 runtime/goos.Hwinit0
func hwinit0()

// args returns argv, followed by the environment and the auxiliary vector as
// Linux lays them out, and argc.
//
//go:linkname args runtime/goos.Args
func args() (argv uintptr, argc int)

// onSyscall carries out what the stock runtime asks of Linux.
//
//go:linkname onSyscall runtime/goos.OnSyscall
func onSyscall(f *Frame)

// onException handles a fault and may change the frame.
//
//go:linkname onException runtime/goos.OnException
func onException(f *Frame)

// onSigreturn fills the frame that a signal handler interrupted.
//
//go:linkname onSigreturn runtime/goos.OnSigreturn
func onSigreturn(f *Frame)
