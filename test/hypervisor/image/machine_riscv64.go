package main

import (
	"io"

	"pvboot/test/hypervisor/riscv64"
	"pvboot/test/hypervisor/stage2"
	"pvboot/xen/xentest/hypervisor"
)

// this is QEMU's machine "virt" with OpenSBI.
var this = machine{
	layout: hypervisor.Guest{
		Base: riscv64.RAMBase, ConsolePage: riscv64.ConsolePage, StorePage: riscv64.StorePage,
		Grants: riscv64.Grants, GrantSize: riscv64.GrantSize,
	},
	format:    riscv64.Format,
	flush:     riscv64.Flush,
	load:      riscv64.Load,
	programAt: riscv64.ProgramAt,
	cpu: func() (hypervisor.CPU, error) {
		hz, err := frequency()
		return riscv64.CPU(hz), err
	},
	vcpu: func(t *stage2.Tables, entry, tree uint64, console io.Writer) (hypervisor.VCPU, func(h *hypervisor.Hypervisor), error) {
		hz, err := frequency()
		if err != nil {
			return nil, nil, err
		}
		v := riscv64.New(t, entry, tree, uint64(hz), console)
		return v, v.Attach, nil
	},
}
