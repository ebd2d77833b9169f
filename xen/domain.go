// Package xen is a domain's view of Xen: discovery, event channels, grants,
// the xenstore connection and waiting, over a [Platform] that is the real
// guest or xentest's machine. Devices are found and driven through package
// xen/xenbus.
//
// Whatever a [Domain] acquires is a value with a Close and stands in the
// domain's register, so that [Domain.Close] can undo all of it, in reverse,
// and check that nothing is left for the next kernel to trip over. Nothing is
// used that a guest cannot undo: no upcall is taken, event channels are 2-level,
// grants version 1; shared_info stays unmapped unless a program asks for it, and
// vcpu_info unregistered unless the program is to stay, see [Resident]. A wait is
// a timed poll of a condition.
//
// A PV domain differs in where Xen's frames come from: they are machine frames
// that the domain maps by its own page tables, and what others find by HVM
// parameters stands in its start_info.
package xen

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"pvboot/hypercall"
	"pvboot/xen/xenstore"
)

// DomID names a domain.
type DomID = hypercall.DomID

// Port is an event channel of this domain.
type Port = hypercall.Port

// Ref is a grant reference.
type Ref = hypercall.Ref

// Feature is a bit of Xen's feature map.
type Feature = hypercall.Feature

// PageSize is the size in bytes of a frame, of every shared ring page and of
// what a grant covers.
const PageSize = 4096

// ErrClosed is returned by what is used after its Close or its domain's.
var ErrClosed = errors.New("closed")

// AbsentError says that the toolstack gave the domain no page or port of the
// kind that Param names: it is 0 or all ones.
type AbsentError struct {
	Param hypercall.Param
	Value uint64
	// Field is the field of start_info that a PV domain has in place of the
	// parameter; empty elsewhere.
	Field string
}

// Error names the parameter or the field.
func (e *AbsentError) Error() string {
	name := e.Param.String()
	if e.Field != "" {
		name = "start_info: " + e.Field
	}
	return fmt.Sprintf("xen: %s is %#x: not provided by the toolstack", name, e.Value)
}

// A Domain is the running domain. Its methods may be called by several
// goroutines at once.
type Domain struct {
	p        Platform
	version  Version
	features uint32
	limits   Limits

	grants   grantTable
	ports    portList
	shared   sharedInfo
	resident Resident

	storeMu     sync.Mutex
	store       *xenstore.Client
	storeWaited bool // for one that did not come

	mu        sync.Mutex
	resources []Resource
	closed    bool
}

// Limits are the times that a domain waits for others; 0 stands for the
// default.
type Limits struct {
	Store      time.Duration // for one xenstore request, see xenstore.DefaultLimit
	StoreReady time.Duration // for a xenstore that is not ready when the domain starts, 1 min
	Grant      time.Duration // for another domain to let go of a grant, 2 s
}

// New looks at the hypervisor that p stands on. It acquires nothing.
func New(p Platform) (*Domain, error) { return NewLimits(p, Limits{}) }

// NewLimits is New with other time limits.
func NewLimits(p Platform, l Limits) (*Domain, error) {
	if l.Grant == 0 {
		l.Grant = grantEndLimit
	}
	if l.StoreReady == 0 {
		l.StoreReady = storeReadyLimit
	}
	d := &Domain{p: p, limits: l}
	var err error
	if d.version, err = readVersion(p); errors.Is(err, hypercall.ErrNoSys) {
		return nil, fmt.Errorf("xen: no Xen below this program: %w", err)
	} else if err != nil {
		return nil, fmt.Errorf("xen: %w", err)
	}
	if d.features, err = hypercall.XenFeatures(p, 0); err != nil {
		return nil, fmt.Errorf("xen: %w", err)
	}
	d.grants.d = d
	d.ports.d = d
	d.resident.d = d
	return d, nil
}

// Platform returns what the domain stands on.
func (d *Domain) Platform() Platform { return d.p }

// Version returns Xen's version.
func (d *Domain) Version() Version { return d.version }

// HasFeature tells whether Xen has feature f for this domain.
func (d *Domain) HasFeature(f Feature) bool { return f < 32 && d.features>>f&1 != 0 }

// Shutdown ends the domain. On real Xen it returns only to tell of an error.
func (d *Domain) Shutdown(reason hypercall.ShutdownReason) error {
	return hypercall.SchedShutdown(d.p, reason)
}

// Version is the hypervisor's version.
type Version struct {
	Major, Minor int
	Extra        string // what follows, ".7" for 4.17.7
}

// String gives the version as xl info does.
func (v Version) String() string { return fmt.Sprintf("%d.%d%s", v.Major, v.Minor, v.Extra) }

// before tells whether v is older than major.minor.
func (v Version) before(major, minor int) bool {
	return v.Major < major || v.Major == major && v.Minor < minor
}

func readVersion(p Platform) (v Version, err error) {
	if v.Major, v.Minor, err = hypercall.XenVersion(p); err != nil {
		return v, err
	}
	v.Extra, err = hypercall.XenExtraVersion(p)
	return v, err
}
