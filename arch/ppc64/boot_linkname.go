//go:build ppc64 || ppc64le

package ppc64

import _ "unsafe" // for linkname

// DeviceTree is the address that the caller left in r3, or where the entry code
// moved the tree to; 0 where Open Firmware was the caller.
func DeviceTree() uint64 { return entered.tree }

// OpenFirmware is the address of Open Firmware's client interface; 0 where
// something else was the caller. initrd and its size are what the caller left in
// r3 and r4 then: 0, 0 or not memory for none.
func OpenFirmware() (entry, initrd, size uint64) {
	return entered.openFirmware, entered.initrd, entered.initrdSize
}

// Began is what the time base was at the entry.
func Began() uint64 { return entered.timeBase }

// entered is written by the entry code.
var entered struct {
	tree         uint64
	openFirmware uint64
	initrd       uint64
	initrdSize   uint64
	timeBase     uint64
}

// boot is the first Go code. It runs before the runtime: no allocation, no
// maps, no channels, no write barriers. entry_ppc64x.s calls it, in real mode.
//
//go:linkname boot pvboot/arch/ppc64.boot
func boot() (argc uint64, argv uintptr) {
	hwinit0()
	v, n := args()
	return uint64(n), v
}

// syscall, exception and fillFrame are called on the handlers' stacks; see
// trap_ppc64x.s.
//
//go:linkname syscall pvboot/arch/ppc64.syscall
func syscall(f *Frame) { onSyscall(f) }

//go:linkname exception pvboot/arch/ppc64.exception
func exception(f *Frame) { onException(f) }

//go:linkname fillFrame pvboot/arch/ppc64.fillFrame
func fillFrame(f *Frame) { onSigreturn(f) }
