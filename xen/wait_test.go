package xen_test

import (
	"errors"
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

// sleeper counts the sleeps of its machine's virtual processor, or refuses
// them.
type sleeper struct {
	*xentest.Machine
	err   error
	naps  int
	total time.Duration
}

func (s *sleeper) Sleep(d time.Duration) error {
	s.naps++
	s.total += d
	if s.err != nil {
		return s.err
	}
	return s.Machine.Sleep(d)
}

func newSleeper(t *testing.T, c xentest.Config, err error) (*sleeper, *xen.Domain) {
	t.Helper()
	m, _ := newDomain(t, c)
	s := &sleeper{Machine: m, err: err}
	d, derr := xen.New(s)
	if derr != nil {
		t.Fatal(derr)
	}
	return s, d
}

// A wait gives way to others: by yields first, then by sleeps of the processor
// that double, and no more of either when goroutines sleep.
func TestWaitGivesWay(t *testing.T) {
	yields := 0
	s, d := newSleeper(t, xentest.Config{Call: func(op hypercall.Op, _ []hypercall.Arg) (int64, bool) {
		if op == hypercall.OpSched {
			yields++
		}
		return 0, false
	}}, nil)
	looks := 0
	err := d.Wait(time.Hour, func() bool {
		looks++
		return looks == 20
	})
	if err != nil || yields != 3 || s.naps != 5 || s.total != 1550*time.Microsecond {
		t.Errorf("%v; %d yields, %d sleeps of %v in all", err, yields, s.naps, s.total)
	}
}

func TestWaitTellsOfErrors(t *testing.T) {
	_, d := newDomain(t, xentest.Config{Call: func(op hypercall.Op, _ []hypercall.Arg) (int64, bool) {
		return -int64(hypercall.ErrNoSys), op == hypercall.OpSched
	}})
	if err := d.Wait(time.Minute, func() bool { return false }); !errors.Is(err, hypercall.ErrNoSys) {
		t.Error(err)
	}
	_, d = newSleeper(t, xentest.Config{}, hypercall.ErrInvalid)
	if err := d.Wait(time.Minute, func() bool { return false }); !errors.Is(err, hypercall.ErrInvalid) {
		t.Error(err)
	}
}

// An event ends a sleep of the virtual processor before its time.
func TestSleepEndsAtAnEvent(t *testing.T) {
	m, _ := newDomain(t, xentest.Config{})
	b, err := m.Bind(m.ConsolePort())
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				b.Notify()
			}
		}
	}()
	if err := m.Sleep(time.Hour); err != nil { // does not return otherwise
		t.Error(err)
	}
}
