//go:build amd64

package amd64

import (
	_ "unsafe" // for linkname

	"pvboot/hypercall"
)

// boot is the first Go code. It runs before the runtime: no allocation, no
// maps, no channels, no write barriers. entry_amd64.s calls it.
//
//go:linkname boot pvboot/arch/amd64.boot
func boot() (argc uint64, argv uintptr) {
	if PV() {
		hypercall.SetPV()
		loadTraps()
	} else {
		loadTables()
		enableAVX()
	}
	hwinit0()
	v, n := args()
	return uint64(n), v
}

// CR2 is the address that the last page fault was about.
func CR2() uint64 { return readCR2() }

// syscall and exception are called on the handlers' stacks; see
// trap_amd64.s.
//
//go:linkname syscall pvboot/arch/amd64.syscall
func syscall(f *Frame) (resume *Frame) { return onSyscall(f) }

//go:linkname exception pvboot/arch/amd64.exception
func exception(f *Frame) { onException(f) }
