package guest

import (
	"pvboot/arch/pagetable"
	"pvboot/arch/riscv64"
	"pvboot/hypercall"
)

// Ways to end a machine that is not Xen's: the register of QEMU's machine
// "virt" (hw/misc/sifive_test.c), which takes a status, then SBI.
const (
	finisherFail = 0x3333 // with the status above
	finisherSize = 4
	// exitBase keeps QEMU's status apart from those it has of its own.
	exitBase = 0x20
)

// finisher is the register's address, 0 for none.
var finisher uintptr

func initExit() {
	a := found.finisher
	if a != 0 && !hypercall.Present() && riscv64.Map(a, a+finisherSize, pagetable.Device) {
		finisher = uintptr(a)
	}
}

func machineExit(code int32) {
	if !running {
		return
	}
	if finisher != 0 {
		riscv64.Store32(finisher, finisherFail|(exitBase|uint32(code)&0x1f)<<16)
	}
	reason := uint64(sbiNoReason)
	if code != 0 {
		reason = sbiFailure
	}
	riscv64.SBICall(sbiReset, 0, sbiShutdown, reason, 0)
	riscv64.SBICall(sbiLegacyEnd, 0, 0, 0, 0)
	for {
		riscv64.Halt()
	}
}

func machineOff() {
	if running {
		riscv64.SBICall(sbiReset, 0, sbiShutdown, sbiNoReason, 0)
		riscv64.SBICall(sbiLegacyEnd, 0, 0, 0, 0)
	}
}

func machineReset() {
	if running {
		riscv64.SBICall(sbiReset, 0, sbiColdReboot, sbiNoReason, 0)
	}
}
