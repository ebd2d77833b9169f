package xen_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"pvboot/hypercall"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

func TestWaitEnds(t *testing.T) {
	_, d := newDomain(t, xentest.Config{})
	looks := 0
	if err := d.Wait(time.Minute, func() bool { looks++; return true }); err != nil || looks != 1 {
		t.Errorf("condition that holds: %d looks, %v", looks, err)
	}
	for _, limit := range []time.Duration{0, -time.Second, time.Microsecond, 5 * time.Millisecond} {
		looks = 0
		err := d.Wait(limit, func() bool { looks++; return false })
		if !errors.Is(err, xen.ErrTimeout) || looks == 0 {
			t.Errorf("limit %v: %d looks, %v", limit, looks, err)
		}
	}
	looks = 0
	if err := d.Wait(time.Minute, func() bool { looks++; return looks == 12 }); err != nil || looks != 12 {
		t.Errorf("%d looks, %v", looks, err)
	}
}

// A wait gives way in one manner or another before each new look.
func TestWaitNeverSpins(t *testing.T) {
	var sched atomic.Int64
	_, d := newDomain(t, xentest.Config{Call: func(op hypercall.Op, _ []hypercall.Arg) (int64, bool) {
		if op == hypercall.OpSched {
			sched.Add(1)
		}
		return 0, false
	}})
	var looks, quick int64
	last := time.Now()
	d.Wait(30*time.Millisecond, func() bool {
		looks++
		if now := time.Now(); now.Sub(last) < 50*time.Microsecond {
			quick++
		} else {
			last = now
		}
		return false
	})
	if quick > sched.Load()+1 {
		t.Errorf("%d of %d looks without a pause, %d scheduler calls", quick, looks, sched.Load())
	}
	if sched.Load() == 0 {
		t.Error("no scheduler call")
	}
}

func TestWaitTellsOfErrors(t *testing.T) {
	_, d := newDomain(t, xentest.Config{Call: func(op hypercall.Op, _ []hypercall.Arg) (int64, bool) {
		return -int64(hypercall.ErrNoSys), op == hypercall.OpSched
	}})
	if err := d.Wait(time.Minute, func() bool { return false }); !errors.Is(err, hypercall.ErrNoSys) {
		t.Error(err)
	}
}
