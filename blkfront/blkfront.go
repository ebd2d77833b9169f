// Package blkfront is the paravirtual block frontend: it finds the domain's
// virtual block devices (vbds), connects to their backends and reads and
// writes them, with many requests in flight and without copying where the
// caller's memory allows it.
//
// It speaks the protocol of public/io/blkif.h to a backend such as Linux's
// blkback or QEMU's, and package blkif has the ring. A [Device] connects as
// package xen/xenbus draws it, and its Close leaves the vbd so that the next
// kernel can connect. Nothing that the backend says is trusted.
//
// Several goroutines may use a device. One lock, Device.mu, guards the queue
// of requests; the cache of small reads has its own, and is never entered
// with Device.mu held. Whoever waits for answers takes everybody's from the
// ring.
package blkfront

import (
	"cmp"
	"errors"
	"fmt"
	iofs "io/fs"
	"slices"
	"strconv"

	"pvboot/xen"
	"pvboot/xen/xenbus"
)

// Keys of the frontend's directory. The toolstack writes the first three.
const (
	keyVirtualDevice    = "virtual-device"
	keyVirtualDeviceExt = "virtual-device-ext" // for numbers that old frontends choke on
	keyDeviceType       = "device-type"

	keyRingRef       = "ring-ref" // followed by the page's index in a ring of several
	keyRingPageOrder = "ring-page-order"
	keyNumRingPages  = "num-ring-pages"
	keyEventChannel  = "event-channel"
	keyProtocol      = "protocol"
	keyPersistent    = "feature-persistent" // of both directories
)

// Keys of the backend's directory.
const (
	keyMode             = "mode"
	keyParams           = "params"
	keyMaxIndirect      = "feature-max-indirect-segments"
	keyMaxRingPageOrder = "max-ring-page-order"
	keyMaxRingPages     = "max-ring-pages"
	keyFlushCache       = "feature-flush-cache"
	keySectors          = "sectors"
	keySectorSize       = "sector-size"
	keyPhysicalSector   = "physical-sector-size"
	keyInfo             = "info"
)

// Info describes a vbd before it is opened.
type Info struct {
	Number   Number
	CDROM    bool // the toolstack calls it a CD drive
	ReadOnly bool // the backend is to refuse writes

	bus *xenbus.Device
}

// Name is the vbd's name: xvda, sdb1, hdc.
func (i Info) Name() string { return i.Number.String() }

// Devices lists all vbds of the domain: by disk, then partition, then number.
// One whose entries are broken does not hide the others: errs tells of it.
func Devices(d *xen.Domain) (devs []Info, errs []error) {
	list, errs := xenbus.Devices(d, "vbd")
	for _, bus := range list {
		i, err := look(bus)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		devs = append(devs, i)
	}
	slices.SortFunc(devs, func(a, b Info) int { return a.Number.compare(b.Number) })
	return devs, errs
}

// compare orders numbers as a person would: xvda, xvda1, xvdb. Those that the
// interface does not define come last.
func (n Number) compare(m Number) int {
	_, nd, np, nok := n.split()
	_, md, mp, mok := m.split()
	if nok != mok {
		if nok {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(nd, md), cmp.Compare(np, mp), cmp.Compare(n, m))
}

// look reads what the toolstack says of a vbd.
func look(bus *xenbus.Device) (Info, error) {
	s, err := bus.FrontendKey(keyVirtualDevice)
	if errors.Is(err, iofs.ErrNotExist) {
		if ext, extErr := bus.FrontendKey(keyVirtualDeviceExt); extErr == nil {
			s, err = ext, nil
		}
	}
	if err != nil {
		return Info{}, fmt.Errorf("blkfront: %w", err)
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return Info{}, fmt.Errorf("blkfront: %v: %s %.32q is not a number", bus, keyVirtualDevice, s)
	}
	i := Info{Number: Number(n), bus: bus}
	// Both are hints: a device without them is a writable disk, and what
	// the backend says when connected counts.
	if t, err := bus.FrontendKey(keyDeviceType); err == nil {
		i.CDROM = t == "cdrom"
	}
	if m, err := bus.BackendKey(keyMode); err == nil {
		i.ReadOnly = m == "r"
	}
	return i, nil
}
