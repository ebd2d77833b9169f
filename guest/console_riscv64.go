package guest

import (
	"pvboot/arch/pagetable"
	"pvboot/arch/riscv64"
)

// uart is the debug port, which has an address of 0 when it is none: QEMU's
// machine "virt" has one.
var uart registers

// initConsole maps what output and exit need.
func initConsole() {
	initExit()
	r := found.ns16550
	if r.addr != 0 && riscv64.Map(r.addr, r.addr+(uartLine+1)<<r.shift, pagetable.Device) {
		uart = r
		return
	}
	initSBIConsole()
}

func portOutput(p []byte) { portPut(p) }

func loadUART(register uint64) uint8 {
	addr := uintptr(uart.addr + register<<uart.shift)
	if uart.width == 4 {
		return uint8(riscv64.Load32(addr))
	}
	return riscv64.Load8(addr)
}

func storeUART(register uint64, value uint8) {
	addr := uintptr(uart.addr + register<<uart.shift)
	if uart.width == 4 {
		riscv64.Store32(addr, uint32(value))
		return
	}
	riscv64.Store8(addr, value)
}
