package guest

import (
	"pvboot/arch/arm64"
	"pvboot/arch/pagetable"
)

// uartSize is how much is mapped of a UART's registers.
const uartSize = 0x1000

// uart is the address of the debug port, 0 for none: QEMU's machine "virt" has
// one, a domain with vuart="sbsa_uart" too.
var uart uintptr

func initConsole() {
	if a := found.uart; a != 0 && arm64.Map(a, a+uartSize, pagetable.Device) {
		uart = uintptr(a)
	}
}

func portOutput(p []byte) {
	if uart != 0 {
		portPut(p)
	}
}
