package xen

import (
	"fmt"
	"sync"

	"pvboot/hypercall"
)

// maxPort is the last port of the 2-level event channel ABI: 64 words of 64
// bits (public/event_channel.h, EVTCHN_2L_NR_CHANNELS).
const maxPort = 4096 - 1

// EventChannel is a port that this domain made. Nobody is told of its events:
// whoever waits polls the ring that it belongs to, see [Domain.Wait].
type EventChannel struct {
	d      *Domain
	port   Port
	remote DomID

	mu     sync.Mutex
	closed bool
}

// AllocUnbound makes a port to which domain remote may bind.
func (d *Domain) AllocUnbound(remote DomID) (*EventChannel, error) {
	if d.isClosed() {
		return nil, fmt.Errorf("xen: event channel: %w", ErrClosed)
	}
	port, err := hypercall.EvtchnAllocUnbound(d.p, remote)
	if err != nil {
		return nil, fmt.Errorf("xen: event channel for domain %d: %w", remote, err)
	}
	c := &EventChannel{d: d, port: port, remote: remote}
	d.ports.add(port)
	d.Register(c)
	return c, nil
}

// Port returns the number to publish to the other end.
func (c *EventChannel) Port() Port { return c.port }

// Notify tells the other end to look at the ring.
func (c *EventChannel) Notify() error {
	if err := hypercall.EvtchnSend(c.d.p, c.port); err != nil {
		return fmt.Errorf("xen: port %d: %w", c.port, err)
	}
	return nil
}

// Close closes the port. A second Close does nothing.
func (c *EventChannel) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	if err := hypercall.EvtchnClose(c.d.p, c.port); err != nil {
		return fmt.Errorf("xen: port %d: %w", c.port, err)
	}
	c.closed = true
	c.d.Unregister(c)
	return nil
}

// String names the port.
func (c *EventChannel) String() string {
	return fmt.Sprintf("event channel %d to domain %d", c.port, c.remote)
}

// portList remembers every port that the domain ever made, for Close's check.
type portList struct {
	d    *Domain
	mu   sync.Mutex
	made map[Port]bool
}

func (l *portList) add(p Port) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.made == nil {
		l.made = make(map[Port]bool)
	}
	l.made[p] = true
}

// check asks Xen for each port whether it is closed.
func (l *portList) check() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var left []error
	for p := Port(0); p <= maxPort; p++ {
		if !l.made[p] {
			continue
		}
		st, err := hypercall.EvtchnStatus(l.d.p, p)
		switch {
		case err != nil:
			left = append(left, fmt.Errorf("port %d: %w", p, err))
		case st.Status != hypercall.PortClosed:
			left = append(left, fmt.Errorf("port %d to domain %d still open", p, st.RemoteDom))
		}
	}
	return left
}
