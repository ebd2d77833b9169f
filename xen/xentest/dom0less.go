package xentest

import (
	"pvboot/hypercall"
	"pvboot/internal/shm"
)

// connecting is the ring's connection state while no daemon serves it
// (XENSTORE_RECONNECT, public/io/xs_wire.h).
const connecting = 1

// ProvideStore does for a domain of Config.Dom0less what init-dom0less does
// first: it makes the xenstore page, with the connection state 1, and tells by
// the parameter where it is. Called before the guest begins it makes the domain
// of Xen 4.21 and later.
func (m *Machine) ProvideStore() {
	m.mu.Lock()
	defer m.mu.Unlock()
	shm.Store(m.storePage, storeConnection, connecting)
	m.must(m.place(m.c.storeGFN(), frame{kind: frameSpecial, page: m.storePage}))
	m.params[hypercall.ParamStorePFN] = m.c.storeGFN()
}

// IntroduceStore then introduces the domain to the daemon. Like xenstored of
// Xen 4.17 it says "connected" first and resets the ring a moment later: when
// the guest next yields or sleeps.
func (m *Machine) IntroduceStore() {
	shm.Store(m.storePage, storeConnection, 0)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passing = func() {
		d := newDaemon(m, m.store)
		m.Go(d.run)
	}
}

// timePasses does what was to happen while the guest does not run.
func (m *Machine) timePasses() {
	m.mu.Lock()
	f := m.passing
	m.passing = nil
	m.mu.Unlock()
	if f != nil {
		f()
	}
}
