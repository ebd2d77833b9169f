//go:build riscv64

package riscv64

// state is the guest's processor while it does not run, and what the hypervisor
// needs again when it does. The switch code knows the offsets (switch_riscv64.h).
type state struct {
	x     [32]uint64 // x[0] is not used
	_     [32]uint64 // f0 to f31
	_     uint64     // fcsr
	pc    uint64
	cause uint64     // scause
	value uint64     // stval
	guest uint64     // htval
	mode  uint64     // the mode it runs in: SSTATUS_SPP for supervisor mode, 0 for user mode
	_     [10]uint64 // the hypervisor's own
}

// enter runs the guest until the next trap into HS-mode.
func enter(s *state)

// setUp gives the guest's mode its first state: what it traps to itself, what it
// may read, no translation. root is the second stage's topmost table.
func setUp(root uint64)

// setPending sets which of the guest's interrupts are pending (hvip).
func setPending(bits uint64)

// flushGuest makes new entries of the second stage seen, and all that the guest's
// own tables had cached forgotten.
func flushGuest()

// pending reads which of the guest's interrupts are pending (hvip).
func pending() uint64

// satp is the guest's own page table (vsatp).
func satp() uint64
