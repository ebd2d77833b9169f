package guest

import (
	"math"
	"sync/atomic"

	"pvboot/hypercall"
)

// Xen's system time is not in the TSC, and shared_info, which says how they
// relate, is not mapped. But the four times of a vcpu's runstate always add up
// to NOW() minus a constant (vcpu_runstate_get in xen/common/sched/core.c
// adds the time since state_entry_time), and right after a wake-up
// state_entry_time is older than NOW() by about as much as a hypercall takes:
// one sleep finds the constant. Between two such readings, at most a second
// apart, the TSC counts on.

// runstate is struct vcpu_runstate_info (public/vcpu.h).
type runstate struct {
	_         uint64 // state
	entryTime uint64
	time      [4]uint64
}

var xenRunstate runstate

const (
	vcpuOpGetRunstate = 4
	epochSleeps       = 2
)

var (
	// xenEpoch is what the sum of the runstate's times lacks to NOW(), found
	// too small by the time that passes after a wake-up: about xenCost.
	xenEpoch, xenCost int64
	// synced is a moment by both clocks.
	synced struct{ own, sum int64 }
)

// maxSync is how old the last reading of Xen's clock may be, in nanoseconds.
const maxSync = 1e9

// readRunstate returns the sum of the times and state_entry_time.
func readRunstate() (sum, entry int64) {
	hypercall.Trap(hypercall.OpVCPU, vcpuOpGetRunstate, 0, addressOf(&xenRunstate), 0, 0)
	for i := range xenRunstate.time {
		sum += int64(atomic.LoadUint64(&xenRunstate.time[i]))
	}
	return sum, int64(atomic.LoadUint64(&xenRunstate.entryTime))
}

// initSystemTime finds xenEpoch after sleeps that end at once.
func initSystemTime() {
	onXen = hypercall.Present()
	if !onXen {
		return
	}
	xenEpoch, xenCost = math.MinInt64, math.MaxInt64
	for range epochSleeps {
		xenSleep(1)
		syncSystemTime()
	}
}

// syncSystemTime reads Xen's clock between two looks at the own one, again
// when the guest did not run in between. The highest xenEpoch is the right
// one: whatever gets in the way makes it smaller.
func syncSystemTime() {
	best := int64(math.MaxInt64)
	for range 4 {
		begin := nanotime()
		sum, entry := readRunstate()
		took := nanotime() - begin
		xenEpoch = max(xenEpoch, entry-sum)
		xenCost = min(xenCost, took)
		if took < best {
			best = took
			synced.own, synced.sum = begin+took/2, sum
		}
		if best < 2*xenCost {
			return
		}
	}
}

// block sleeps for about d nanoseconds.
func block(d int64) { xenSleep(systemTime() + d) }

// systemTime is Xen's clock in nanoseconds.
func systemTime() int64 {
	if nanotime()-synced.own > maxSync {
		syncSystemTime()
	}
	return synced.sum + xenEpoch + xenCost + nanotime() - synced.own
}
