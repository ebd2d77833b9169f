package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"pvboot/internal/barehost"
	"pvboot/internal/cache"
	"pvboot/internal/xenhost"
	"pvboot/internal/xenhost/wire"
	"pvboot/xen/xentest/hypervisor/bundle"
)

// Domains of architectures that no released Xen has run on the project's test
// hypervisor, a machine of its own for each.

// testHypervisor tells whether the domain runs on the test hypervisor.
func (o *options) testHypervisor() bool {
	return guestHosts[o.arch].model != "" && o.mode != bareMode
}

// guestHost is the machine that a test hypervisor runs on, by QEMU's names.
type guestHost struct {
	model, cpu string
	devices    []string
}

var guestHosts = map[string]guestHost{
	"riscv64": {"virt", "rv64", nil},
	// The management controller turns the machine off.
	"ppc64": {"powernv9", "power9", []string{"ipmi-bmc-sim,id=bmc", "isa-ipmi-bt,bmc=bmc,irq=10"}},
}

// checkGuest says what is wrong with the options of such a run.
func (o *options) checkGuest() error {
	switch {
	case o.mode != "pvh":
		return usagef("-mode %s: there is no such type of domain on %s: want pvh or qemu", o.mode, o.arch)
	case o.loader == "pvgrub" || o.loader == "pygrub":
		return usagef("-loader %s: not on %s", o.loader, o.arch)
	case o.xen != "":
		return usagef("-xen %s: no Xen has domains on %s: a test hypervisor stands in", o.xen, o.arch)
	case o.machine != "":
		return usagef("-machine %s: only with -mode qemu", o.machine)
	case len(o.xl) > 0:
		return usagef("-xl: not on %s", o.arch)
	case o.store != "":
		return usagef("-store: not on %s", o.arch)
	case o.write:
		return usagef("-write: a disk in memory is not written to")
	case len(o.disks) == 0:
		return usagef("no disk is named")
	}
	for i, d := range o.disks {
		if _, err := d.number(); err != nil {
			return usagef("disk %d: %w", i+1, err)
		}
	}
	return nil
}

// number is the virtual device number of the disk, which must be xvda to xvdp
// (xen-vbd-interface(7)).
func (d domainDisk) number() (int, error) {
	letter, ok := strings.CutPrefix(d.vdev, "xvd")
	if !ok || len(letter) != 1 || letter < "a" || letter > "p" {
		return 0, fmt.Errorf("vdev=%s: want xvda to xvdp", d.vdev)
	}
	return 202<<8 + 16*int(letter[0]-'a'), nil
}

// guests are a session's domains on the test hypervisor.
type guests struct {
	*barehost.Host
	options    *options
	loader     *loader
	hypervisor string // image
	dir        string // for bundles
	events     chan xenhost.Event
	log        io.Writer
	console    guestConsole
}

// startGuests builds the hypervisor.
func startGuests(ctx context.Context, dir cache.Dir, o *options, l *loader, log io.Writer) (*guests, error) {
	image, err := buildImage(ctx, dir, "hypervisor", "pvboot/test/hypervisor/image", o.arch)
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "rig-")
	if err != nil {
		return nil, err
	}
	g := &guests{
		Host: barehost.Start(ctx, log), options: o, loader: l, hypervisor: image, dir: tmp,
		events: make(chan xenhost.Event), log: log,
	}
	go g.translate(ctx)
	return g, nil
}

// Close ends the machine.
func (g *guests) Close() error { return errors.Join(g.Host.Close(), os.RemoveAll(g.dir)) }

// List is for Xen: checkGuest refuses -store.
func (g *guests) List() error { return errors.New("no xenstore to look into") }

// hypervisorMiB is what the machine has besides the domain and the bundle: the
// image, a heap, and what alignment and the place of QEMU's initrd cost.
const hypervisorMiB = 1280

// Create writes a bundle and starts a machine with it.
func (g *guests) Create(v variant) error {
	file := filepath.Join(g.dir, "bundle")
	size, err := g.writeBundle(file, v)
	if err != nil {
		return err
	}
	host := guestHosts[g.options.arch]
	return g.Host.Create(barehost.Machine{
		Arch: g.options.arch, Model: host.model, CPU: cmp.Or(g.options.cpu, host.cpu), Memory: v.memory + int(size>>20) + hypervisorMiB,
		Kernel: g.hypervisor, Initrd: file, Devices: host.devices,
	})
}

// writeBundle writes what the hypervisor is to run.
func (g *guests) writeBundle(name string, v variant) (size int64, err error) {
	spec := &bundle.Spec{Memory: int64(v.memory) << 20, CmdLine: commandLine(g.options, g.loader, v)}
	var files []io.Reader
	open := func(name string) (int64, error) {
		f, err := os.Open(name)
		if err != nil {
			return 0, err
		}
		files = append(files, f)
		return f.Seek(0, io.SeekEnd)
	}
	defer func() {
		for _, f := range files {
			f.(*os.File).Close()
		}
	}()
	if spec.Kernel, err = open(g.loader.files[kernelFile]); err != nil {
		return 0, err
	}
	if initrd := g.loader.files[initrdFile]; initrd != "" {
		if spec.Initrd, err = open(initrd); err != nil {
			return 0, err
		}
	}
	for _, d := range g.options.disks {
		disk := bundle.Disk{SectorSize: d.SectorSize, ReadOnly: d.readOnly, CDROM: d.cdrom}
		if disk.ID, err = d.number(); err != nil {
			return 0, err
		}
		if disk.Size, err = open(d.File); err != nil {
			return 0, err
		}
		spec.Disks = append(spec.Disks, disk)
	}
	for _, f := range files {
		if _, err := f.(*os.File).Seek(0, io.SeekStart); err != nil {
			return 0, err
		}
	}
	out, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	return spec.Size(), errors.Join(bundle.Write(out, spec, files...), out.Close())
}

// Events are the machine's, as a domain's: see translate.
func (g *guests) Events() <-chan xenhost.Event { return g.events }

// translate makes events of a domain out of the machine's. The domain begins when
// the hypervisor says so; what was printed before is the firmware's. Its end is
// what the hypervisor said last.
func (g *guests) translate(ctx context.Context) {
	defer close(g.events)
	for {
		var e xenhost.Event
		select {
		case e = <-g.Host.Events():
		case <-ctx.Done():
			return
		}
		var send []xenhost.Event
		switch e.Kind {
		case wire.Unpause: // the machine's, not the domain's
		case wire.Output:
			var firmware []byte
			firmware, send = g.console.take(e)
			if g.log != nil {
				_, _ = g.log.Write(firmware)
			}
		case wire.Ended:
			e.End.Reason = g.console.reason(e.End.Reason)
			g.console = guestConsole{}
			send = append(send, e)
		default:
			send = append(send, e)
		}
		for _, e := range send {
			select {
			case g.events <- e:
			case <-ctx.Done():
				return
			}
		}
	}
}

// What the hypervisor says (test/hypervisor/image), and its status when all went
// well, as QEMU's (package guest).
const (
	hypervisorSays  = "hypervisor: "
	hypervisorEnded = "the domain ended: "
	hypervisorFine  = "QEMU: exit status 32"
	hypervisorFails = "QEMU: exit status 33"
	hypervisorOff   = "poweroff" // of a machine that has no status
)

// guestConsole is the console of a hypervisor's machine.
type guestConsole struct {
	begun bool
	line  []byte // the last one, which may go on
	said  string // by the hypervisor, last
}

// maxLine bounds what is kept of a line.
const maxLine = 4096

// take divides output between the firmware and the domain.
func (c *guestConsole) take(e xenhost.Event) (firmware []byte, send []xenhost.Event) {
	rest := e.Data
	for len(rest) > 0 && !c.begun {
		n := bytes.IndexByte(rest, '\n') + 1
		if n == 0 {
			n = len(rest)
		}
		c.note(rest[:n])
		firmware = append(firmware, rest[:n]...)
		if rest = rest[n:]; c.said != "" {
			c.begun = true
			begin := e
			begin.Kind, begin.Data = wire.Unpause, nil
			send = append(send, begin)
		}
	}
	if len(rest) > 0 {
		c.note(rest)
		e.Data = rest
		send = append(send, e)
	}
	return firmware, send
}

// note looks for lines of the hypervisor's.
func (c *guestConsole) note(p []byte) {
	for _, b := range p {
		if b != '\n' {
			if len(c.line) < maxLine {
				c.line = append(c.line, b)
			}
			continue
		}
		if said, ok := strings.CutPrefix(strings.TrimRight(string(c.line), "\r"), hypervisorSays); ok {
			c.said = said
		}
		c.line = c.line[:0]
	}
}

// reason is why the domain ended, when the machine did for the reason that QEMU
// gives.
func (c *guestConsole) reason(qemu string) string {
	switch qemu {
	case hypervisorFine, hypervisorFails, hypervisorOff:
		if c.said != "" {
			return strings.TrimPrefix(c.said, hypervisorEnded)
		}
	}
	return qemu
}
