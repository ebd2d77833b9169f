//go:build riscv64

package riscv64

import _ "unsafe" // for linkname

// DeviceTree is the address that the toolstack left in a1, or where the entry
// code moved the tree to; 0 for none. The first 8 bytes from there are mapped
// if it is a multiple of 8, and all of it if it is a device tree of at most
// 2 MiB.
func DeviceTree() uintptr { return deviceTree }

// Hart is the ID of the hart that runs, which was in a0.
func Hart() uint64 { return hart }

// SpareTables is memory for page tables that the entry code has left over: 7
// frames at least.
func SpareTables() (pool, size uint64) { return spare[0], spare[1] }

// Began is what the counter was at the entry.
func Began() uint64 { return began }

// deviceTree, hart, spare and began are written by the entry code.
var (
	deviceTree uintptr
	hart       uint64
	spare      [2]uint64
	began      uint64
)

// boot is the first Go code. It runs before the runtime: no allocation, no
// maps, no channels, no write barriers. entry_riscv64.s calls it.
//
//go:linkname boot pvboot/arch/riscv64.boot
func boot() (argc uint64, argv uintptr) {
	hwinit0()
	v, n := args()
	return uint64(n), v
}

// syscall, exception and fillFrame are called on the handlers' stacks; see
// trap_riscv64.s.
//
//go:linkname syscall pvboot/arch/riscv64.syscall
func syscall(f *Frame) { onSyscall(f) }

//go:linkname exception pvboot/arch/riscv64.exception
func exception(f *Frame) { onException(f) }

//go:linkname fillFrame pvboot/arch/riscv64.fillFrame
func fillFrame(f *Frame) { onSigreturn(f) }
