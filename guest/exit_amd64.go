package guest

import "pvboot/arch/amd64"

// Ways to end a machine that is not Xen's: QEMU's isa-debug-exit as
// cmd/xengo places it, which ends QEMU with status 2*value+1, then the ACPI
// power button register of QEMU's q35 and pc.
const (
	exitPort = 0xf4
	// exitBase keeps QEMU's status apart from those it has of its own.
	exitBase = 0x20

	q35PM1Control = 0x604
	sleepEnableS5 = 0x2000
)

func machineExit(code int32) {
	if !running {
		return
	}
	for amd64.PV() { // SCHEDOP_shutdown cannot fail
		amd64.Pause()
	}
	amd64.Out32(exitPort, exitBase|uint32(code)&0x1f)
	amd64.Out16(q35PM1Control, sleepEnableS5)
	for {
		amd64.Halt()
	}
}

// machineReset is nothing that a machine without Xen is asked for.
func machineReset() {}
