package xentest

import (
	"encoding/binary"
	"fmt"

	"pvboot/hypercall"
	"pvboot/internal/shm"
	"pvboot/xen"
)

const maxPorts = 4096

// port is one event channel of the guest's.
type port struct {
	state     hypercall.PortState
	remote    xen.DomID // for unbound ones
	toolstack bool
	back      *BackPort // the other end of an interdomain one
}

// BackPort is domain 0's end of an event channel.
type BackPort struct {
	m     *Machine
	guest xen.Port
	ch    chan struct{}
}

// Bind binds a port of domain 0 to the guest's port, as a backend does with
// the port that its frontend published. Real Xen's refusal is EINVAL.
func (m *Machine) Bind(guest xen.Port) (*BackPort, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if guest == 0 || guest >= maxPorts {
		return nil, fmt.Errorf("xentest: bind to port %d: %w", guest, hypercall.ErrInvalid)
	}
	p := &m.ports[guest]
	if p.state != hypercall.PortUnbound || p.remote != 0 {
		return nil, fmt.Errorf("xentest: bind to port %d: %w", guest, hypercall.ErrInvalid)
	}
	b := &BackPort{m: m, guest: guest, ch: make(chan struct{}, 1)}
	b.ch <- struct{}{} // Xen marks the new port pending
	p.state, p.back = hypercall.PortInterdomain, b
	return b, nil
}

// Events tells of the guest's notifications. Several may be told as one.
func (b *BackPort) Events() <-chan struct{} { return b.ch }

// Notify notifies the guest.
func (b *BackPort) Notify() {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	b.m.setPending(b.guest, true)
	b.m.event()
}

// Close closes domain 0's end; the guest's becomes unbound.
func (b *BackPort) Close() {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	p := &b.m.ports[b.guest]
	if p.back == b {
		p.state, p.back = hypercall.PortUnbound, nil
	}
}

func (b *BackPort) kick() {
	select {
	case b.ch <- struct{}{}:
	default:
	}
}

// callEventChannel is OpEventChannel. With mu held.
func (m *Machine) callEventChannel(args []hypercall.Arg) int64 {
	switch intOf(args, 0) {
	case hypercall.EvtchnOpAllocUnbound:
		return m.allocUnbound(argOf[hypercall.AllocUnbound](args, 1))
	case hypercall.EvtchnOpClose:
		return m.closePort(argOf[hypercall.PortArg](args, 1))
	case hypercall.EvtchnOpSend:
		return m.send(argOf[hypercall.PortArg](args, 1))
	case hypercall.EvtchnOpStatus:
		return m.portStatus(argOf[hypercall.PortStatus](args, 1))
	case hypercall.EvtchnOpUnmask:
		a := argOf[hypercall.PortArg](args, 1)
		switch {
		case a == nil:
			return fault
		case a.Port == 0 || a.Port >= maxPorts:
			return errno(hypercall.ErrInvalid)
		}
		return 0
	}
	return errno(hypercall.ErrNoSys)
}

func (m *Machine) allocUnbound(a *hypercall.AllocUnbound) int64 {
	switch {
	case a == nil:
		return fault
	case a.Dom != hypercall.DomSelf && a.Dom != m.c.DomID:
		return errno(hypercall.ErrPerm)
	}
	for p := xen.Port(1); p < maxPorts; p++ {
		if m.ports[p].state == hypercall.PortClosed {
			m.ports[p] = port{state: hypercall.PortUnbound, remote: a.RemoteDom}
			a.Port = p
			return 0
		}
	}
	return errno(hypercall.ErrNoSpace)
}

func (m *Machine) closePort(a *hypercall.PortArg) int64 {
	if a == nil {
		return fault
	}
	if a.Port == 0 || a.Port >= maxPorts || m.ports[a.Port].state == hypercall.PortClosed {
		return errno(hypercall.ErrInvalid)
	}
	if m.ports[a.Port].toolstack {
		m.violation("closed port %d of the toolstack", a.Port)
	}
	m.ports[a.Port] = port{}
	m.setPending(a.Port, false)
	return 0
}

// Where evtchn_pending stands in struct shared_info: behind the vcpu_infos of
// XEN_LEGACY_MAX_VCPUS vcpus (public/xen.h, public/arch-*.h).
const (
	pendingX86 = 32 * 64
	pendingArm = 48
)

// setPending sets a port's bit in evtchn_pending, which has words of 64 bits, or
// clears it. With mu held.
func (m *Machine) setPending(p xen.Port, on bool) {
	at := pendingX86
	if m.c.Arm {
		at = pendingArm
	}
	half := int(p / 32)
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		half ^= 1 // the lower half is behind the upper one
	}
	at += half * 4
	bit := uint32(1) << (p % 32)
	for {
		old := shm.Load(m.sharedInfo, at)
		now := old &^ bit
		if on {
			now |= bit
		}
		if shm.CompareAndSwap(m.sharedInfo, at, old, now) {
			return
		}
	}
}

func (m *Machine) send(a *hypercall.PortArg) int64 {
	if a == nil {
		return fault
	}
	if a.Port == 0 || a.Port >= maxPorts {
		return errno(hypercall.ErrInvalid)
	}
	switch p := &m.ports[a.Port]; p.state {
	case hypercall.PortInterdomain:
		p.back.kick()
		return 0
	case hypercall.PortUnbound:
		return 0 // dropped
	}
	return errno(hypercall.ErrInvalid)
}

func (m *Machine) portStatus(a *hypercall.PortStatus) int64 {
	switch {
	case a == nil:
		return fault
	case a.Dom != hypercall.DomSelf && a.Dom != m.c.DomID:
		return errno(hypercall.ErrPerm)
	case a.Port >= maxPorts:
		return errno(hypercall.ErrInvalid)
	}
	p := &m.ports[a.Port]
	a.Status, a.VCPU, a.RemoteDom, a.RemotePort = p.state, 0, p.remote, 0
	if p.back != nil {
		a.RemotePort = a.Port // domain 0's number, of which the guest learns nothing
	}
	return 0
}
