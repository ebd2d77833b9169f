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

// onXen is whether a guest sleeps in Xen.
var onXen bool

// schedPoll is struct sched_poll.
type schedPoll struct {
	_       [2]uint64 // no ports
	timeout uint64
}

const schedOpPoll = 3

var xenPoll schedPoll

// xenSleep blocks until system time until, in nanoseconds. It may return
// early.
func xenSleep(until int64) {
	atomic.StoreUint64(&xenPoll.timeout, uint64(max(until, 1)))
	hypercall.Trap(hypercall.OpSched, schedOpPoll, addressOf(&xenPoll), 0, 0, 0)
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
		block(min(left, maxSleep))
		if until-nanotime() > early {
			syncSystemTime()
		}
	}
}
