package guest

import (
	"pvboot/arch/arm64"
	"pvboot/hypercall"
)

// Ways to end a machine that is not Xen's: semihosting, as cmd/xengo starts
// QEMU with (Arm IHI 0100, "SYS_EXIT_EXTENDED"), then PSCI (Arm DEN0022).
const (
	semihostingExit = 0x20
	applicationExit = 0x20026
	// exitBase keeps QEMU's status apart from those it has of its own.
	exitBase = 0x20

	psciSystemOff   = 0x84000008
	psciSystemReset = 0x84000009
)

// exitStatus is semihosting's operand.
var exitStatus [2]uint64

func machineExit(code int32) {
	if !running {
		return
	}
	if !hypercall.Present() {
		exitStatus = [2]uint64{applicationExit, exitBase | uint64(code)&0x1f}
		arm64.Semihosting(semihostingExit, addressOf(&exitStatus))
	}
	machineOff()
	for {
		arm64.Halt()
	}
}

func machineOff() {
	if running {
		arm64.PSCI(psciSystemOff, found.psciBySMC)
	}
}

func machineReset() {
	if running {
		arm64.PSCI(psciSystemReset, found.psciBySMC)
	}
}
