package main

import (
	"errors"
	"syscall"
	"testing"
	"time"
)

// fakePorts are the other ends of event channels by number from 1; sent are those
// that an event went through.
type fakePorts struct {
	remotes []domainPort
	sent    []uint32
}

func (f *fakePorts) Remote(port uint32) (domainPort, error) {
	if int(port) > len(f.remotes) {
		return domainPort{}, syscall.EINVAL
	}
	return f.remotes[port-1], nil
}

func (f *fakePorts) Send(port uint32) error {
	f.sent = append(f.sent, port)
	return nil
}

func TestNudge(t *testing.T) {
	f := &fakePorts{remotes: []domainPort{{}, {4, 2}, {3, 1}, {3, 2}}}
	if err := nudge(f, domainPort{3, 2}); err != nil || len(f.sent) != 1 || f.sent[0] != 4 {
		t.Errorf("nudge: %v, events through %v, want one through 4", err, f.sent)
	}
	if err := nudge(f, domainPort{3, 7}); !errors.Is(err, syscall.EINVAL) || len(f.sent) != 1 {
		t.Errorf("nudge of a port that is not there: %v, events through %v", err, f.sent)
	}
}

func TestAlive(t *testing.T) {
	const limit = 10 * time.Second
	begin := time.Unix(1000, 0)
	at := func(seconds float64) time.Time { return begin.Add(time.Duration(seconds * 1e9)) }
	var a alive
	a.heard(at(0))
	for _, step := range []struct {
		at     float64
		heard  bool
		woken  bool
		silent bool
	}{
		{at: 1}, {at: 9.9}, {at: 10, silent: true},
		{at: 11}, {at: 19}, {at: 20, silent: true}, // again after as long
		{at: 20.5, heard: true, woken: true}, {at: 21},
		{at: 30.5, silent: true},
		{at: 35, heard: true}, // not by the event
		{at: 44}, {at: 45, silent: true},
	} {
		now := at(step.at)
		if step.heard {
			a.heard(now)
		}
		if got := a.woken(); got != step.woken {
			t.Errorf("after %v s: woken %v, want %v", step.at, got, step.woken)
		}
		got := a.silent(now, limit)
		if got != step.silent {
			t.Errorf("after %v s: silent %v, want %v", step.at, got, step.silent)
		}
		if got {
			a.nudged = now
		}
	}
}
