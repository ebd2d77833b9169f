package xen

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"pvboot/hypercall"
)

// ErrTimeout is what a wait ends with when its time is over. It wraps nothing
// and is wrapped by the errors of this package and its users.
var ErrTimeout = errors.New("timed out")

// How a wait spends its time: a few yields for an answer that is about to
// come, then sleeps of the virtual processor that grow, then sleeps of the
// goroutine so that others run. It never spins.
const (
	waitYields    = 3
	waitPollFirst = 50 * time.Microsecond
	waitPollLast  = time.Millisecond
	waitSleep     = time.Millisecond
	waitSleepLong = 5 * time.Millisecond
	waitLongAfter = time.Second
)

// Wait returns nil once cond says true, or an error that wraps [ErrTimeout]
// when limit has passed without it. cond is called by the waiting goroutine,
// again and again, and once more after the limit; it must not block.
func (d *Domain) Wait(limit time.Duration, cond func() bool) error {
	start := time.Now()
	nap := waitPollFirst
	for i := 0; ; i++ {
		if cond() {
			return nil
		}
		past := time.Since(start)
		if past >= limit {
			return fmt.Errorf("%w after %v", ErrTimeout, limit)
		}
		runtime.Gosched()
		switch {
		case i < waitYields:
			if err := hypercall.SchedYield(d.p); err != nil {
				return err
			}
		case nap <= waitPollLast:
			if err := d.p.Sleep(min(nap, limit-past)); err != nil {
				return err
			}
			nap *= 2
		case past < waitLongAfter:
			time.Sleep(min(waitSleep, limit-past))
		default:
			time.Sleep(min(waitSleepLong, limit-past))
		}
	}
}
