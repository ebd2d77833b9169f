package hypercall

import "fmt"

// Commands of OpSched (public/sched.h).
const (
	SchedOpYield    = 0
	SchedOpShutdown = 2
	SchedOpPoll     = 3
)

// Poll is struct sched_poll. Timeout is absolute system time in nanoseconds,
// 0 for none.
type Poll struct {
	Ports   *Port // array of NrPorts
	NrPorts uint32
	Timeout uint64
}

// Shutdown is struct sched_shutdown.
type Shutdown struct{ Reason ShutdownReason }

// ShutdownReason tells the toolstack why a domain ended (SHUTDOWN_*).
type ShutdownReason uint32

// Reasons for a shutdown.
const (
	ShutdownPoweroff ShutdownReason = 0
	ShutdownReboot   ShutdownReason = 1
	ShutdownSuspend  ShutdownReason = 2
	ShutdownCrash    ShutdownReason = 3
)

// String gives the reason as xl's on_… settings name it.
func (r ShutdownReason) String() string {
	switch r {
	case ShutdownPoweroff:
		return "poweroff"
	case ShutdownReboot:
		return "reboot"
	case ShutdownSuspend:
		return "suspend"
	case ShutdownCrash:
		return "crash"
	}
	return fmt.Sprintf("shutdown(%d)", uint32(r))
}

// SchedYield gives the processor to another vcpu that wants it.
func SchedYield(h Hypervisor) error {
	_, err := result("SCHEDOP_yield", h.Call(OpSched, Int(SchedOpYield), Arg{}))
	return err
}

// SchedPoll blocks until one of ports is pending, or until until: absolute
// system time in nanoseconds, 0 for ever. Without ports it is a sleep.
func SchedPoll(h Hypervisor, ports []Port, until uint64) error {
	a := &Poll{NrPorts: uint32(len(ports)), Timeout: until}
	if len(ports) > 0 {
		a.Ports = &ports[0]
	}
	_, err := result("SCHEDOP_poll", h.Call(OpSched, Int(SchedOpPoll), Ptr(a)))
	return err
}

// SchedShutdown ends the domain; on success it does not return on real Xen.
func SchedShutdown(h Hypervisor, reason ShutdownReason) error {
	_, err := result("SCHEDOP_shutdown", h.Call(OpSched, Int(SchedOpShutdown), Ptr(&Shutdown{reason})))
	return err
}
