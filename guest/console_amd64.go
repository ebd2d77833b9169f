package guest

import (
	"pvboot/arch/amd64"
	"pvboot/hypercall"
)

// debugPort is for early output: Xen logs what a domain writes to it (with
// guest_loglvl=all), QEMU's debugcon prints it and answers reads with 0xe9; else
// there may be a 16550.
const debugPort = 0xe9

var debugcon bool

func initConsole() {
	debugcon = hypercall.Present() || amd64.In8(debugPort) == debugPort
}

func portOutput(p []byte) {
	if !running || amd64.PV() {
		return
	}
	if !debugcon {
		portPut(p)
		return
	}
	for _, c := range p {
		amd64.Out8(debugPort, c)
	}
}
