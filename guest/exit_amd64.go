package guest

import (
	"pvboot/arch/amd64"
	"pvboot/internal/acpi"
)

// Ways to end a machine that is not Xen's: QEMU's isa-debug-exit as
// cmd/xengo places it, which ends QEMU with status 2*value+1, then what the ACPI
// tables say. A program whose boot loader has not told where they are knows
// QEMU's q35.
const (
	exitPort = 0xf4
	// exitBase keeps QEMU's status apart from those it has of its own.
	exitBase = 0x20

	q35PM1Control = 0x604
	sleepEnableS5 = 0x2000

	// Ways to reset a PC: the keyboard controller's output port (8042 data
	// sheet) and the chipset's reset control register.
	keyboardCommand = 0x64
	pulseReset      = 0xfe
	resetControl    = 0xcf9
	fullReset       = 0x0e

	// powerPauses is how long a reset or the end may take: a pause of the
	// processor is some ten nanoseconds, in an emulator microseconds.
	powerPauses = 200000
)

func machineExit(code int32) {
	if !running {
		return
	}
	for amd64.PV() { // SCHEDOP_shutdown cannot fail
		amd64.Pause()
	}
	amd64.Out32(exitPort, exitBase|uint32(code)&0x1f)
	machineOff()
	put("pvboot: the machine cannot be switched off\n")
	for {
		amd64.Halt()
	}
}

func machineOff() {
	if !running || amd64.PV() {
		return
	}
	power := acpi.Find(start.rsdp, viewTables)
	for _, w := range power.Off {
		carryOut(w)
	}
	if start.rsdp == 0 {
		amd64.Out16(q35PM1Control, sleepEnableS5)
	}
	wait()
}

// machineReset tries one way after the other.
func machineReset() {
	if !running || amd64.PV() {
		return
	}
	carryOut(acpi.Find(start.rsdp, viewTables).Reset)
	wait()
	amd64.Out8(keyboardCommand, pulseReset)
	wait()
	amd64.Out8(resetControl, fullReset)
	wait()
	amd64.TripleFault()
}

// wait lets some time pass. The clock may not run yet.
func wait() {
	for range powerPauses {
		relax()
	}
}

// carryOut writes what ACPI's tables say.
func carryOut(w acpi.Write) {
	switch {
	case w.Size == 1 && w.Space == acpi.IO:
		amd64.Out8(uint16(w.Addr), uint8(w.Value))
	case w.Size == 2 && w.Space == acpi.IO:
		amd64.Out16(uint16(w.Addr), w.Value)
	case w.Size == 1 && mapped(w.Addr, 1):
		*at[uint8](w.Addr) = uint8(w.Value)
	case w.Size == 2 && mapped(w.Addr, 2):
		*at[uint16](w.Addr) = w.Value
	}
}

// viewTables sees memory that holds ACPI's tables: all that is mapped but page 0.
func viewTables(addr, size uint64) []byte {
	if addr < pageSize || !mapped(addr, size) {
		return nil
	}
	return memory(addr, int(size))
}
