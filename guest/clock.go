package guest

import (
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
// state_entry_time is hardly older than NOW(): one sleep finds the constant.

// runstate is struct vcpu_runstate_info (public/vcpu.h).
type runstate struct {
	state     uint32
	_         uint32
	entryTime uint64
	time      [4]uint64
}

// schedPoll is struct sched_poll.
type schedPoll struct {
	ports   uint64
	nrPorts uint32
	_       uint32
	timeout uint64
}

const (
	schedOpPoll          = 3
	vcpuOpGetRunstate    = 4
	systemTimeCalibrated = 2 // sleeps
)

var (
	xenRunstate runstate
	xenPoll     schedPoll
	// xenEpoch is what the sum of the runstate's times lacks to NOW().
	xenEpoch int64
	onXen    bool
)

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

// initSystemTime finds xenEpoch with two sleeps that end at once. The smaller
// gap is the better one.
func initSystemTime() {
	onXen = hypercall.Present()
	if !onXen {
		return
	}
	for i := range systemTimeCalibrated {
		xenSleep(1)
		sum, entry := readRunstate()
		if i == 0 || entry-sum > xenEpoch {
			xenEpoch = entry - sum
		}
	}
}

// systemTime is Xen's clock in nanoseconds; without Xen the time since start.
func systemTime() int64 {
	if !onXen {
		return nanotime()
	}
	sum, _ := readRunstate()
	return sum + xenEpoch
}

// maxSleep bounds one sleep, so that a clock that jumps cannot hold the guest.
const maxSleep = 10e9 // ns

// idle waits until nanotime is until, without using the processor where that
// can be had.
func idle(until int64) {
	for {
		left := until - nanotime()
		if left <= 0 {
			return
		}
		if onXen {
			xenSleep(systemTime() + min(left, maxSleep))
		} else {
			relax()
		}
	}
}
