package guest

import (
	"math"
	"math/bits"
	"sync/atomic"

	"pvboot/hypercall"
)

// ticks turns a counter into nanoseconds: ns = (count - base) * mult >> 32.
type ticks struct {
	base uint64
	mult uint64
}

// newTicks is for a counter at hz ticks a second that stands at base now.
func newTicks(base, hz uint64) ticks {
	// 1e9<<32 fits 64 bits only as a 128-bit quotient below 1<<64: hz must be
	// at least 1 Hz and 1e9<<32/hz < 1<<64, which holds for every hz > 0.
	hi, lo := uint64(1e9)>>32, uint64(1e9)<<32
	mult, _ := bits.Div64(hi, lo, max(hz, 1))
	return ticks{base, mult}
}

func (t ticks) ns(count uint64) int64 {
	hi, lo := bits.Mul64(count-t.base, t.mult)
	return int64(hi<<32 | lo>>32)
}

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

// schedPoll is struct sched_poll.
type schedPoll struct {
	_       [2]uint64 // no ports
	timeout uint64
}

const (
	schedOpPoll       = 3
	vcpuOpGetRunstate = 4
	epochSleeps       = 2
)

var (
	xenRunstate runstate
	xenPoll     schedPoll
	onXen       bool
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

// xenSleep blocks until system time until, in nanoseconds. It may return
// early.
func xenSleep(until int64) {
	atomic.StoreUint64(&xenPoll.timeout, uint64(max(until, 1)))
	hypercall.Trap(hypercall.OpSched, schedOpPoll, addressOf(&xenPoll), 0, 0, 0)
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

// systemTime is Xen's clock in nanoseconds; without Xen the time since start.
func systemTime() int64 {
	if !onXen {
		return nanotime()
	}
	if nanotime()-synced.own > maxSync {
		syncSystemTime()
	}
	return synced.sum + xenEpoch + xenCost + nanotime() - synced.own
}

// maxSleep bounds one sleep, so that a clock that jumps cannot hold the guest.
const maxSleep = 10e9 // ns

// early is by how much a sleep may end too soon before the clocks are compared
// anew, in nanoseconds.
const early = 20e3

// idle waits until nanotime is until, without using the processor where that
// can be had.
func idle(until int64) {
	for {
		left := until - nanotime()
		if left <= 0 {
			return
		}
		if !onXen {
			relax()
			continue
		}
		xenSleep(systemTime() + min(left, maxSleep))
		if until-nanotime() > early {
			syncSystemTime()
		}
	}
}
