package hypervisor

import (
	"time"

	"pvboot/hypercall"
)

// VCPU is the guest's processor.
type VCPU interface {
	// Run runs the guest until something happens that is not the processor's
	// own business, and says what. It must come back after a few
	// milliseconds (ExitTime).
	Run(e *Exit)
	// SetResult is what the hypercall returns that Run came back with.
	SetResult(v int64)
}

// Exit is why a guest does not run.
type Exit struct {
	Kind   ExitKind
	PC     uint64
	Op     uint64                   // ExitCall: the hypercall's number
	Args   [5]uint64                // ExitCall
	Addr   uint64                   // ExitExecute, ExitFault: guest-physical
	What   string                   // ExitFault: what the guest tried
	Idle   time.Duration            // ExitIdle: until the guest's timer rings
	Reason hypercall.ShutdownReason // ExitShutdown
}

// ExitKind is the kind of an Exit.
type ExitKind int

// Kinds of exits.
const (
	ExitCall     ExitKind = iota + 1 // a hypercall
	ExitTime                         // the time slice is over
	ExitIdle                         // the guest waits for an interrupt
	ExitExecute                      // code outside of the programs that are known
	ExitShutdown                     // by the firmware's call
	ExitFault                        // anything else
)
