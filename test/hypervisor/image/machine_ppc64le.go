package main

import (
	"io"

	"pvboot/test/hypervisor/ppc64"
	"pvboot/test/hypervisor/stage2"
	"pvboot/xen/xentest/hypervisor"
)

// this is QEMU's machine "powernv9" with skiboot.
var this = machine{
	layout: hypervisor.Guest{
		Base: ppc64.RAMBase, ConsolePage: ppc64.ConsolePage, StorePage: ppc64.StorePage,
		Grants: ppc64.Grants, GrantSize: ppc64.GrantSize,
		Vectors: ppc64.Vectors,
	},
	format:    ppc64.Format,
	flush:     ppc64.Flush,
	load:      ppc64.Load,
	programAt: ppc64.ProgramAt,
	cpu: func() (hypervisor.CPU, error) {
		hz, err := frequency()
		return ppc64.CPU(hz), err
	},
	vcpu: func(t *stage2.Tables, entry, tree uint64, console io.Writer) (hypervisor.VCPU, func(h *hypervisor.Hypervisor), error) {
		hz, err := frequency()
		if err != nil {
			return nil, nil, err
		}
		v := ppc64.New(t, entry, tree, uint64(hz), console)
		return v, v.Attach, nil
	},
}
