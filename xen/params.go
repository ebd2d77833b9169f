package xen

import (
	"errors"
	"fmt"

	"pvboot/hypercall"
)

// Connection is a ring page and its event channel that the toolstack placed
// for the domain. Neither is the domain's to close: they serve the next
// kernel. The page stays visible to this program, for its last words too.
type Connection struct {
	Page []byte // the ring page: shared memory, see internal/shm
	GFN  uint64 // in a PV domain, the machine frame
	Port Port

	d *Domain
}

// Notify tells the other end to look at the ring.
func (c Connection) Notify() error { return hypercall.EvtchnSend(c.d.p, c.Port) }

// Param reads an HVM parameter that holds a frame number or a port. In a PV
// domain, which has none, those of [Domain.Console] and [Domain.Store] come from
// start_info. 0 and all ones, with which the toolstack says that there is
// none, are an [AbsentError].
func (d *Domain) Param(index hypercall.Param) (uint64, error) {
	v, field := d.startInfo(index)
	if field == "" {
		var err error
		if v, err = hypercall.HVMGetParam(d.p, index); err != nil {
			return 0, fmt.Errorf("xen: %v: %w", index, err)
		}
	}
	if v == 0 || v == ^uint64(0) {
		return 0, &AbsentError{Param: index, Value: v, Field: field}
	}
	return v, nil
}

// startInfo looks into a PV domain's start_info for what others have as a
// parameter, and names the field (struct start_info, public/xen.h); no name
// where there is none.
func (d *Domain) startInfo(index hypercall.Param) (v uint64, field string) {
	s := d.p.StartInfo()
	if s == nil {
		return 0, ""
	}
	switch index {
	case hypercall.ParamStorePFN:
		return s.Store.MFN, "store_mfn"
	case hypercall.ParamStoreEvtchn:
		return uint64(s.Store.Port), "store_evtchn"
	case hypercall.ParamConsolePFN:
		return s.Console.MFN, "console.domU.mfn"
	case hypercall.ParamConsoleEvtchn:
		return uint64(s.Console.Port), "console.domU.evtchn"
	}
	return 0, ""
}

// paramName names a parameter, or what a PV domain has in its place.
func (d *Domain) paramName(index hypercall.Param) string {
	if _, field := d.startInfo(index); field != "" {
		return "start_info: " + field
	}
	return index.String()
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
		return Connection{}, fmt.Errorf("xen: %s %#x: %w", d.paramName(pfn), gfn, err)
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
		return 0, fmt.Errorf("xen: %s is %#x: not a port", d.paramName(index), v)
	}
	return Port(v), nil
}

// IsAbsent tells whether err says that the toolstack gave the domain no such
// page or port.
func IsAbsent(err error) bool {
	var a *AbsentError
	return errors.As(err, &a)
}
