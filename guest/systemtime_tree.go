//go:build arm64 || riscv64 || ppc64le || ppc64

package guest

import (
	"sync/atomic"

	"pvboot/hypercall"
)

// Xen's system time is the counter minus what it stood at when Xen started,
// which no guest is told: VCPUOP_get_runstate_info and shared_info's times are
// x86's. But VCPUOP_register_runstate_memory_area writes a vcpu's runstate at
// once, with the system time at which the vcpu began to run, and forgets the
// area when the next one is at address 0 (common_vcpu_op and update_runstate_area
// in xen/common/domain.c and xen/arch/arm/domain.c; the null area is what a soft
// reset sets). So an area is registered for a moment only, after a sleep, and
// what the sleep's end lacks to the counter is a constant.
//
// On Arm, WFI with the virtual timer is no way to sleep: an interrupt that Xen takes
// between the programming of the timer and the WFI is not pending for a guest
// without a GIC set up, and Xen masks the timer, so nobody wakes the vcpu
// (vtimer_interrupt and vgic_vcpu_pending_irq in xen/arch/arm). It would also
// leave the interrupt behind for the next kernel.

// runstate is struct vcpu_runstate_info (public/vcpu.h).
type runstate struct {
	_         uint64 // state
	entryTime uint64
	_         [4]uint64 // times
}

var xenRunstate runstate

const (
	schedOpYield           = 0
	vcpuOpRegisterRunstate = 5
	// firstGuess and lastGuess bound the sleeps that look for Xen's clock, in
	// nanoseconds.
	firstGuess = 500e3
	lastGuess  = 500e6
)

var (
	// xenClock counts as Xen's ticks_to_ns does (xen/arch/arm/time.c).
	xenClock ticks
	// xenEpoch is system time minus xenClock, found too small by the time that
	// passes after a wake-up: sleeps end early, and then it is read anew.
	xenEpoch    int64
	epochKnown  bool
	runstateArg uint64 // struct vcpu_register_runstate_memory_area
)

// entryTime is the system time at which this vcpu began to run last.
func entryTime() (ns int64, ok bool) {
	const vcpu = 0
	atomic.StoreUint64(&runstateArg, uint64(addressOf(&xenRunstate)))
	ret := hypercall.Trap(hypercall.OpVCPU, vcpuOpRegisterRunstate, vcpu, addressOf(&runstateArg), 0, 0)
	atomic.StoreUint64(&runstateArg, 0)
	if hypercall.Trap(hypercall.OpVCPU, vcpuOpRegisterRunstate, vcpu, addressOf(&runstateArg), 0, 0) < 0 || ret < 0 {
		return 0, false
	}
	return int64(atomic.LoadUint64(&xenRunstate.entryTime)), true
}

// initSystemTime finds xenEpoch. The system time is at least that at which
// this vcpu began to run, and hardly more than that and what has passed since the
// program's start together: a sleep until a little later is a short one. Its end
// is the next time to begin. Where that does not work, sleeps are yields. The
// counter has hz ticks a second.
func initSystemTime(hz uint64) {
	onXen = hypercall.Present()
	if !onXen {
		return
	}
	xenClock = newTicks(0, (hz+500)/1000*1000)
	entry, ok := entryTime()
	if !ok {
		return
	}
	began := xenClock.ns(firstTick())
	for guess := int64(firstGuess); guess < lastGuess && !epochKnown; guess *= 2 {
		xenSleep(entry + xenClock.ns(tickCount()) - began + guess)
		readEpoch(entry)
	}
}

// lastEntry is the last wake-up that was read.
var lastEntry int64

// readEpoch reads Xen's clock when the vcpu has slept since entry.
func readEpoch(entry int64) {
	next, ok := entryTime()
	now := xenClock.ns(tickCount())
	if !ok || next == entry {
		return
	}
	if epoch := next - now; !epochKnown || epoch > xenEpoch {
		xenEpoch = epoch
	}
	epochKnown, lastEntry = true, next
}

// syncSystemTime reads Xen's clock anew. Right after a wake-up it finds at
// most what is right.
func syncSystemTime() {
	if epochKnown {
		readEpoch(lastEntry)
	}
}

// block sleeps for about d nanoseconds.
func block(d int64) {
	if epochKnown {
		xenSleep(xenClock.ns(tickCount()) + xenEpoch + d)
		return
	}
	for until := nanotime() + d; nanotime() < until; {
		hypercall.Trap(hypercall.OpSched, schedOpYield, 0, 0, 0, 0)
	}
}
