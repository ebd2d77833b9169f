package xen

import (
	"errors"
	"fmt"

	"pvboot/hypercall"
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
	port, err := d.port(evtchn)
	if err != nil {
		return Connection{}, err
	}
	page, err := d.p.MapGFN(gfn, 1)
	if err != nil {
		return Connection{}, fmt.Errorf("xen: %v %#x: %w", pfn, gfn, err)
	}
	return Connection{Page: page, GFN: gfn, Port: port, d: d}, nil
}

// port reads a parameter that holds a port.
func (d *Domain) port(index hypercall.Param) (Port, error) {
	v, err := d.Param(index)
	if err != nil {
		return 0, err
	}
	if v > maxPort {
		return 0, fmt.Errorf("xen: %v is %#x: not a port", index, v)
	}
	return Port(v), nil
}

// IsAbsent tells whether err says that the toolstack gave the domain no such
// page or port.
func IsAbsent(err error) bool {
	var a *AbsentError
	return errors.As(err, &a)
}
