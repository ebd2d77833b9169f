package guest

import (
	_ "unsafe" // for linkname

	"pvboot/arch/riscv64"
)

// onSyscall carries out what stands for a system call. It runs on the
// handlers' stack.
//
//go:linkname onSyscall runtime/goos.OnSyscall
func onSyscall(f *riscv64.Frame) {
	f.X[10] = uint64(call(f.X[17], operands(f.X[10:16])))
}
