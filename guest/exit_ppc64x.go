//go:build ppc64 || ppc64le

package guest

import (
	"pvboot/arch/ppc64"
	"pvboot/hypercall"
)

// exitBase marks the byte that a second console gets as the exit status:
// cmd/xengo starts QEMU, which has no better way, with one.
const exitBase = 0x20

// exitStatus is that byte.
var exitStatus [1]byte

func machineExit(code int32) {
	if !running {
		return
	}
	if !hypercall.Present() && found.papr.vtys > 1 {
		exitStatus[0] = exitBase | byte(code)&0x1f
		for tries := 0; tries < portTries && putTerm(found.papr.vty[1], exitStatus[:]) == 0; tries++ {
			relax()
		}
	}
	machineOff()
	for {
		ppc64.Halt()
	}
}

func machineOff() {
	if !running {
		return
	}
	// RTAS: any switch may turn the power on again, in no time (LoPAR, 7.3.6.2
	// "power-off").
	rtas(found.papr.rtas.powerOff, 1<<32-1, 1<<32-1)
	if opal(opalPowerDown, 0, 0, 0) >= 0 {
		untilOff()
	}
}

func machineReset() {
	if running {
		rtas(found.papr.rtas.reboot)
		if opal(opalReboot, 0, 0, 0) >= 0 {
			untilOff()
		}
	}
}

// untilOff lets OPAL carry out what it has begun.
func untilOff() {
	for {
		opal(opalPollEvents, 0, 0, 0)
	}
}
