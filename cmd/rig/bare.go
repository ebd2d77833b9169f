package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"pvboot/internal/barehost"
)

// bareMode is the -mode without Xen.
const bareMode = "qemu"

// machines are a session's machines without Xen.
type machines struct {
	*barehost.Host
	options *options
	loader  *loader
}

func startMachines(ctx context.Context, o *options, l *loader, log io.Writer) *machines {
	return &machines{barehost.Start(ctx, log), o, l}
}

// Create starts a machine: the loader with the disk as its initrd, or a kernel with
// its own.
func (m *machines) Create(v variant) error {
	machine := barehost.Machine{
		Arch: m.options.arch, Model: m.options.machine, CPU: m.options.cpu, Memory: v.memory,
		Kernel: m.loader.files[kernelFile], Initrd: m.loader.files[initrdFile],
		CmdLine: commandLine(m.options, m.loader, v),
	}
	if machine.Initrd == "" && len(m.options.disks) > 0 {
		machine.Initrd = m.options.disks[0].File
	}
	return m.Host.Create(machine)
}

// List is for Xen: check refuses -store.
func (m *machines) List() error { return errors.New("no xenstore without Xen") }

// checkBare says what is wrong with the options of a run without Xen.
func (o *options) checkBare() error {
	const only = "only with Xen"
	switch {
	case o.xen != "":
		return usagef("-xen %s: %s", o.xen, only)
	case o.loader == "pvgrub" || o.loader == "pygrub":
		return usagef("-loader %s: %s", o.loader, only)
	case len(o.xl) > 0:
		return usagef("-xl: %s", only)
	case o.store != "":
		return usagef("-store: %s", only)
	case o.write:
		return usagef("-write: a disk in memory is not written to")
	case o.gic != 0:
		return usagef("-gic %d: %s; say -machine virt,gic-version=%d", o.gic, only, o.gic)
	case len(o.disks) > 1:
		return usagef("%d disks: a machine without Xen has one, as its initrd", len(o.disks))
	case len(o.disks) == 1 && o.disks[0].xenOnly():
		return usagef("disk %s: its options are for Xen", o.disks[0].File)
	case len(o.disks) == 0 && o.loader == "direct":
		return usagef("no disk is named")
	}
	return nil
}

// xenOnly tells whether a disk has options that only a domain's can have.
func (d domainDisk) xenOnly() bool {
	return d.readOnly || d.SectorSize != 0 || d.vdev != "xvda"
}

// speakers are those whose messages are kept.
func (o *options) speakers() string {
	switch {
	case o.mode == bareMode:
		return "QEMU"
	case o.testHypervisor():
		return "QEMU and the hypervisor"
	}
	return "Xen, dom0 and xl"
}

// starting says what a run on a terminal begins with.
func (o *options) starting() string {
	switch {
	case o.mode == bareMode:
		return "starting QEMU"
	case o.testHypervisor():
		return "starting the test hypervisor in QEMU"
	}
	return fmt.Sprintf("starting Xen %s in QEMU", o.xen)
}
