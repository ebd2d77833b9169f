package guest

import (
	"pvboot/arch/arm64"
	"pvboot/arch/pagetable"
)

// Registers of the PL011 (Arm DDI 0183, chapter 3) and of SBSA's UART.
const (
	uartData = 0x00
	uartFlag = 0x18 // bit 5: no room for a byte
	uartFull = 1 << 5
	uartSize = 0x1000
)

// uart is the address of the debug port, 0 for none: QEMU's machine "virt" has
// one, a domain with vuart="sbsa_uart" too.
var uart uintptr

func initConsole() {
	if a := found.uart; a != 0 && arm64.Map(a, a+uartSize, pagetable.Device) {
		uart = uintptr(a)
	}
}

func portOutput(p []byte) {
	if uart == 0 {
		return
	}
	for _, c := range p {
		for tries := 0; tries < 10000 && arm64.Load32(uart+uartFlag)&uartFull != 0; tries++ {
			arm64.Yield()
		}
		arm64.Store32(uart+uartData, uint32(c))
	}
}
