package xen

import (
	"errors"
	"fmt"

	"pvboot/hypercall"
	"pvboot/xen/xenstore"
)

// Connection is a ring page and its event channel that the toolstack placed
// for the domain. Neither is the domain's to close: they serve the next
// kernel.
type Connection struct {
	Page []byte // the ring page: shared memory, see internal/shm
	GFN  uint64
	Port Port

	d *Domain
}

// Notify tells the other end to look at the ring.
func (c Connection) Notify() error { return hypercall.EvtchnSend(c.d.p, c.Port) }

// Param reads an HVM parameter that holds a frame number or a port. 0 and all
// ones, with which the toolstack says that there is none, are an
// [AbsentError].
func (d *Domain) Param(index hypercall.Param) (uint64, error) {
	v, err := hypercall.HVMGetParam(d.p, index)
	if err != nil {
		return 0, fmt.Errorf("xen: %v: %w", index, err)
	}
	if v == 0 || v == ^uint64(0) {
		return 0, &AbsentError{index, v}
	}
	return v, nil
}

// Console returns the ring page (public/io/console.h) and port of the
// domain's first PV console.
func (d *Domain) Console() (Connection, error) {
	return d.connection(hypercall.ParamConsolePFN, hypercall.ParamConsoleEvtchn)
}

// connection maps the page and checks the port that two parameters name.
func (d *Domain) connection(pfn, evtchn hypercall.Param) (Connection, error) {
	gfn, err := d.Param(pfn)
	if err != nil {
		return Connection{}, err
	}
	port, err := d.Param(evtchn)
	if err != nil {
		return Connection{}, err
	}
	if port > maxPort {
		return Connection{}, fmt.Errorf("xen: %v is %#x: not a port", evtchn, port)
	}
	page, err := d.p.MapGFN(gfn, 1)
	if err != nil {
		return Connection{}, fmt.Errorf("xen: %v %#x: %w", pfn, gfn, err)
	}
	return Connection{Page: page, GFN: gfn, Port: Port(port), d: d}, nil
}

// Store returns the domain's xenstore client, connected on the first call.
func (d *Domain) Store() (*xenstore.Client, error) {
	d.storeMu.Lock()
	defer d.storeMu.Unlock()
	if d.store != nil {
		return d.store, nil
	}
	if d.isClosed() {
		return nil, fmt.Errorf("xen: %w", ErrClosed)
	}
	c, err := d.connection(hypercall.ParamStorePFN, hypercall.ParamStoreEvtchn)
	if err != nil {
		return nil, err
	}
	s, err := xenstore.New(xenstore.Transport{Page: c.Page, Notify: c.Notify, Wait: d.Wait, Limit: d.limits.Store})
	if err != nil {
		return nil, err
	}
	d.store = s
	return s, nil
}

// IsAbsent tells whether err says that the toolstack gave the domain no such
// page or port.
func IsAbsent(err error) bool {
	var a *AbsentError
	return errors.As(err, &a)
}
