package hypercall

// Port is an event channel of the calling domain (public/event_channel.h,
// evtchn_port_t). Port 0 is never valid.
type Port uint32

// Commands of OpEventChannel (public/event_channel.h). EVTCHNOP_reset,
// init_control and expand_array are left out on purpose: a guest cannot undo
// them.
const (
	EvtchnOpBindInterdomain = 0
	EvtchnOpClose           = 3
	EvtchnOpSend            = 4
	EvtchnOpStatus          = 5
	EvtchnOpAllocUnbound    = 6
	EvtchnOpUnmask          = 9
)

// AllocUnbound is struct evtchn_alloc_unbound.
type AllocUnbound struct {
	Dom, RemoteDom DomID
	Port           Port // out
}

// BindInterdomain is struct evtchn_bind_interdomain.
type BindInterdomain struct {
	RemoteDom  DomID
	RemotePort Port
	LocalPort  Port // out
}

// PortArg is the one field of struct evtchn_close, evtchn_send and
// evtchn_unmask.
type PortArg struct{ Port Port }

// PortState is what EVTCHNOP_status says of a port (EVTCHNSTAT_*).
type PortState uint32

// States of a port.
const (
	PortClosed PortState = iota
	PortUnbound
	PortInterdomain
	PortPIRQ
	PortVIRQ
	PortIPI
)

// PortStatus is struct evtchn_status. RemoteDom is valid for unbound and
// interdomain ports, RemotePort for interdomain ones.
type PortStatus struct {
	Dom        DomID
	Port       Port
	Status     PortState // out
	VCPU       uint32    // out
	RemoteDom  DomID     // out
	RemotePort Port      // out
}

// EvtchnAllocUnbound makes a port of this domain to which remote may bind.
func EvtchnAllocUnbound(h Hypervisor, remote DomID) (Port, error) {
	a := &AllocUnbound{Dom: DomSelf, RemoteDom: remote}
	_, err := result("EVTCHNOP_alloc_unbound", h.Call(OpEventChannel, Int(EvtchnOpAllocUnbound), Ptr(a)))
	return a.Port, err
}

// EvtchnBindInterdomain binds a new port of this domain to remote's unbound
// port.
func EvtchnBindInterdomain(h Hypervisor, remote DomID, port Port) (Port, error) {
	a := &BindInterdomain{RemoteDom: remote, RemotePort: port}
	_, err := result("EVTCHNOP_bind_interdomain", h.Call(OpEventChannel, Int(EvtchnOpBindInterdomain), Ptr(a)))
	return a.LocalPort, err
}

// EvtchnClose closes a port; its pending bit goes with it.
func EvtchnClose(h Hypervisor, port Port) error {
	_, err := result("EVTCHNOP_close", h.Call(OpEventChannel, Int(EvtchnOpClose), Ptr(&PortArg{port})))
	return err
}

// EvtchnSend notifies the other end of port.
func EvtchnSend(h Hypervisor, port Port) error {
	_, err := result("EVTCHNOP_send", h.Call(OpEventChannel, Int(EvtchnOpSend), Ptr(&PortArg{port})))
	return err
}

// EvtchnUnmask clears the mask bit of port.
func EvtchnUnmask(h Hypervisor, port Port) error {
	_, err := result("EVTCHNOP_unmask", h.Call(OpEventChannel, Int(EvtchnOpUnmask), Ptr(&PortArg{port})))
	return err
}

// EvtchnStatus tells what port is bound to.
func EvtchnStatus(h Hypervisor, port Port) (PortStatus, error) {
	a := &PortStatus{Dom: DomSelf, Port: port}
	_, err := result("EVTCHNOP_status", h.Call(OpEventChannel, Int(EvtchnOpStatus), Ptr(a)))
	return *a, err
}
