package handover

import (
	"errors"

	"pvboot/arch/amd64"
	"pvboot/hypercall"
)

// ownDomain is the PV domain that this program is.
type ownDomain struct{ hypercall.Real }

var errNotPV = errors.New("not a PV domain")

func (ownDomain) root() (uint64, error) {
	if !amd64.PV() {
		return 0, errNotPV
	}
	return amd64.PVRoot(), nil
}

func (ownDomain) protect(addr, mfn uint64) error {
	return amd64.PVSet(addr, amd64.PVEntry(mfn, amd64.PVReadOnly))
}

func (ownDomain) reach(va, mfn uint64) error {
	const present = 1
	if amd64.PVLookup(va)&present != 0 || amd64.PVMapAt(va, amd64.PVEntry(mfn, amd64.PVWritable)) {
		return nil
	}
	return errors.New("no page table for it")
}

func (ownDomain) depart(page []byte, addr, mfn, va uint64, t *amd64.PVTarget) error {
	return amd64.DepartPV(page, addr, mfn, va, t)
}
