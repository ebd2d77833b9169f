package guest

import "pvboot/hypercall"

// exitCrash is the exit status of a guest that met a fault; like any status
// but 0 it becomes SHUTDOWN_crash.
const exitCrash = 2

// Shutdown reasons (public/sched.h, SHUTDOWN_*).
const (
	schedOpShutdown  = 2
	shutdownPoweroff = 0
	shutdownReboot   = 1
	shutdownCrash    = 3
)

// Exit ends the domain: it powers off with code 0 and crashes, as the
// toolstack calls it, with any other, so that on_crash applies. os.Exit and
// a return from main.main do the same with their status.
func Exit(code int) { exit(int32(code)) }

// PowerOff ends the domain as Exit(0) does. Without Xen it switches the machine off,
// where Exit first tries to tell QEMU a status.
func PowerOff() {
	flushOutput()
	shutdown(shutdownPoweroff)
	machineOff()
	exit(0)
}

// Reboot asks the toolstack to start the domain anew, and resets a machine that is
// not Xen's.
func Reboot() {
	shutdown(shutdownReboot)
	machineReset()
	exit(exitCrash)
}

func exit(code int32) {
	flushOutput()
	if code == 0 {
		shutdown(shutdownPoweroff)
	} else {
		shutdown(shutdownCrash)
	}
	machineExit(code)
}

// reason is SCHEDOP_shutdown's operand: struct sched_shutdown.
var reason uint32

func shutdown(r uint32) {
	reason = r
	hypercall.Trap(hypercall.OpSched, schedOpShutdown, addressOf(&reason), 0, 0, 0)
}
