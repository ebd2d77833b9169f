package guest

import (
	_ "unsafe" // for linkname

	"pvboot/arch/arm64"
)

// onSyscall carries out what stands for a system call. It runs on the
// handlers' stack.
//
//go:linkname onSyscall runtime/goos.OnSyscall
func onSyscall(f *arm64.Frame) {
	f.X[0] = uint64(call(f.X[8], operands(f.X[:6])))
}
