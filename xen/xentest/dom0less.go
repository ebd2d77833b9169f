package xentest

import (
	"time"

	"pvboot/hypercall"
	"pvboot/internal/shm"
)

// connecting is the ring's connection state while no daemon serves it
// (XENSTORE_RECONNECT, public/io/xs_wire.h).
const connecting = 1

// lateReset is how long after saying "connected" the daemon zeroes the ring's
// indexes.
const lateReset = 10 * time.Millisecond

// ProvideStore does for a domain of Config.Dom0less what init-dom0less does
// first: it makes the xenstore page, with the connection state 1, and tells by
// the parameter where it is. Called before the guest begins it makes the domain
// of Xen 4.21 and later.
func (m *Machine) ProvideStore() {
	m.mu.Lock()
	defer m.mu.Unlock()
	shm.Store(m.storePage, storeConnection, connecting)
	m.p2m[storeGFN] = frame{kind: frameSpecial, page: m.storePage}
	m.params[hypercall.ParamStorePFN] = storeGFN
}

// IntroduceStore then introduces the domain to the daemon. Like xenstored of
// Xen 4.17 it says "connected" before it resets the ring.
func (m *Machine) IntroduceStore() {
	shm.Store(m.storePage, storeConnection, 0)
	m.Go(func(stop <-chan struct{}) {
		select {
		case <-stop:
			return
		case <-time.After(lateReset):
		}
		d := newDaemon(m, m.store)
		d.run(stop)
	})
}
