package main

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"pvboot/internal/xenhost/wire"
)

// QEMU's VMRUN forgets the interrupt shadow that a domain was left in: svm_helper.c
// saves the VMCB's INTERRUPT_SHADOW and does not load it (AMD64 Architecture
// Programmer's Manual, volume 2, "Interrupt Shadows"). When an interrupt of the host
// comes between STI and HLT, and brings along one for the domain, that one is taken
// before HLT instead of ending it, and the domain sleeps until something else
// happens. That is once in some dozens of boots in the idle loop of pvshim: the
// memory of one that slept showed it halted with softirqs pending, and its last
// interrupt's return address at the HLT. So a domain that has been silent for long
// gets an event of its console, which tells it nothing: every guest has to expect
// those.

// alive is what is known of a domain's being awake.
type alive struct {
	spoke  atomic.Int64 // when it was last heard, in Unix nanoseconds
	nudged time.Time    // when it was last sent an event, or zero
}

// answer is how soon after an event a domain speaks that was woken by it.
const answer = time.Second

// heard notes that the domain has written something.
func (a *alive) heard(now time.Time) { a.spoke.Store(now.UnixNano()) }

// silent reports whether there was neither word nor event for limit.
func (a *alive) silent(now time.Time, limit time.Duration) bool {
	since := time.Unix(0, a.spoke.Load())
	if a.nudged.After(since) {
		since = a.nudged
	}
	return now.Sub(since) >= limit
}

// woken reports, once, that the domain spoke soon after it was sent an event.
func (a *alive) woken() bool {
	spoke := time.Unix(0, a.spoke.Load())
	if a.nudged.IsZero() || !spoke.After(a.nudged) {
		return false
	}
	late := spoke.Sub(a.nudged)
	a.nudged = time.Time{}
	return late < answer
}

// domainPort is a domain's end of an event channel. Ports are numbered from 1.
type domainPort struct {
	domain uint16
	port   uint32
}

// eventPorts are dom0's event channels.
type eventPorts interface {
	Remote(port uint32) (domainPort, error)
	Send(port uint32) error
}

// maxPort is where the search through dom0's ports ends at the latest.
const maxPort = 4095

// nudge sends an event to a domain from the other end of its port, in dom0.
func nudge(ports eventPorts, to domainPort) error {
	for local := uint32(1); local <= maxPort; local++ {
		remote, err := ports.Remote(local)
		if err != nil {
			return fmt.Errorf("event channel %d of dom0: %w", local, err)
		}
		if remote == to {
			return ports.Send(local)
		}
	}
	return fmt.Errorf("port %d of domain %d ends nowhere in dom0", to.port, to.domain)
}

// wake sends the domain an event when it has been silent for limit.
func (d *domain) wake(conn *wire.Conn, now time.Time, limit time.Duration) {
	if d.alive.woken() {
		_ = conn.Write(wire.Log, fmt.Appendf(nil, "the domain speaks again after an event"))
	}
	if d.console == nil || !d.alive.silent(now, limit) {
		return
	}
	first := d.alive.nudged.IsZero()
	d.alive.nudged = now
	if err := d.nudge(); err != nil {
		_ = conn.Write(wire.Log, fmt.Appendf(nil, "no event for the silent domain: %v", err))
	} else if first {
		_ = conn.Write(wire.Log, fmt.Appendf(nil, "the domain has been silent for %v: it gets an event", limit))
	}
}

// nudge sends an event of the console to the domain.
func (d *domain) nudge() error {
	id, err := strconv.ParseUint(d.id, 10, 16)
	if err != nil {
		return err
	}
	ports, err := openPrivcmd()
	if err != nil {
		return err
	}
	defer ports.Close()
	return nudge(ports, domainPort{uint16(id), d.consolePort})
}
