package guest

import (
	"pvboot/arch/amd64"
	"pvboot/hypercall"
)

// Ports for early output. Xen logs what a domain writes to 0xe9 (with
// guest_loglvl=all), QEMU's debugcon prints it and answers reads with 0xe9;
// else there may be a 16550 at COM1.
const (
	debugPort = 0xe9
	com1      = 0x3f8
	com1Line  = com1 + 5 // line status; bit 5: room for a byte
)

var debugcon bool

func initConsole() {
	debugcon = hypercall.Present() || amd64.In8(debugPort) == debugPort
}

func portOutput(p []byte) {
	if !running || amd64.PV() {
		return
	}
	for _, c := range p {
		if debugcon {
			amd64.Out8(debugPort, c)
			continue
		}
		for tries := 0; tries < 10000 && amd64.In8(com1Line)&0x20 == 0; tries++ {
			amd64.Pause()
		}
		amd64.Out8(com1, c)
	}
}
