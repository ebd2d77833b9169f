//go:build riscv64 || ppc64le

// Command image is a hypervisor for tests: a Go program on a bare machine that
// runs one guest as Xen would, where no released Xen can. The guest and its disks
// come as initial RAM disk (package bundle); its console is the machine's. When the
// guest ends, so does the machine, with status 0 when all went well.
//
//	go run ./cmd/rig boot -arch riscv64 DISK
//	go run ./cmd/rig boot -arch ppc64 DISK
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"pvboot/guest"
	"pvboot/hypercall"
	"pvboot/internal/fdt"
	"pvboot/test/hypervisor/stage2"
	"pvboot/xen/xentest"
	"pvboot/xen/xentest/hypervisor"
	"pvboot/xen/xentest/hypervisor/bundle"
)

// machine is what an architecture's file supplies.
type machine struct {
	layout hypervisor.Guest // without RAM
	format *stage2.Format
	flush  func()
	load   func(g *hypervisor.Guest, image []byte) (hypervisor.Program, error)
	// programAt finds the program that code at an address belongs to.
	programAt func(view hypervisor.View, addr uint64) (hypervisor.Program, bool)
	cpu       func() (hypervisor.CPU, error)
	// vcpu makes the processor, and attach tells it of the hypervisor.
	vcpu func(t *stage2.Tables, entry, tree uint64, console io.Writer) (v hypervisor.VCPU, attach func(h *hypervisor.Hypervisor), err error)
}

// screen is the machine's console, and lines what the hypervisor itself has to
// say there.
var (
	screen = hypervisor.NewScreen(os.Stdout)
	lines  = screen.Lines()
)

func main() {
	reason, err := run()
	if err != nil {
		fmt.Fprintln(lines, "hypervisor:", strings.TrimPrefix(err.Error(), "hypervisor: "))
		os.Exit(1)
	}
	fmt.Fprintln(lines, "hypervisor: the domain ended:", reason)
	if reason == hypercall.ShutdownCrash {
		os.Exit(1)
	}
}

func run() (hypercall.ShutdownReason, error) {
	b, err := openBundle()
	if err != nil {
		return 0, err
	}
	g := this.layout
	if g.RAM, err = findRAM(uint64(b.Memory)); err != nil {
		return 0, err
	}
	for i, d := range b.Disks {
		g.Disks = append(g.Disks, xentest.BlkConfig{
			ID: d.ID, Disk: disk(b.Contents[i]), Size: d.Size, SectorSize: d.SectorSize, ReadOnly: d.ReadOnly, CDROM: d.CDROM,
			MaxIndirect: 32,
		})
	}
	if g.Program, err = this.load(&g, b.Image); err != nil {
		return 0, err
	}
	tree, err := plant(&g, b)
	if err != nil {
		return 0, err
	}
	tables := stage2.New(this.format, this.flush)
	if err := tables.MapRAM(g.Base, g.RAM); err != nil {
		return 0, err
	}
	vcpu, attach, err := this.vcpu(tables, g.Program.Start, tree, screen)
	if err != nil {
		return 0, err
	}
	h, err := hypervisor.New(hypervisor.Config{
		Guest: g, VCPU: vcpu, Stage2: tables, ProgramAt: this.programAt, Console: screen, Log: lines,
	})
	if err != nil {
		return 0, err
	}
	defer h.Close()
	attach(h)
	fmt.Fprintf(lines, "hypervisor: %d MiB for %d KiB of kernel at %#x\n", b.Memory>>20, len(b.Image)>>10, g.Program.Start)
	port, err := guest.OpenPort()
	if err != nil {
		return 0, err
	}
	h.Machine().Go(func(stop <-chan struct{}) { readKeys(h, port, stop) })
	return h.Run()
}

// plant writes the guest's device tree, and what it is about, to its RAM.
func plant(g *hypervisor.Guest, b *bundle.Bundle) (addr uint64, err error) {
	tree := &hypervisor.Tree{Guest: g, CmdLine: b.CmdLine}
	if tree.CPU, err = this.cpu(); err != nil {
		return 0, err
	}
	if b.Initrd > 0 {
		if tree.Initrd, tree.InitrdEnd, err = g.PutInitrd(b.Ramdisk); err != nil {
			return 0, err
		}
	}
	flat, err := tree.Bytes()
	if err != nil {
		return 0, err
	}
	return g.PutTree(flat)
}

// openBundle finds the bundle in memory.
func openBundle() (*bundle.Bundle, error) {
	modules := guest.Start().Modules
	if len(modules) != 1 {
		return nil, fmt.Errorf("%d initial RAM disks, want a bundle", len(modules))
	}
	m := modules[0]
	b := guest.Platform().View(m.Start, m.Size)
	if b == nil {
		return nil, fmt.Errorf("the initial RAM disk at %#x cannot be read", m.Start)
	}
	return bundle.Open(b)
}

// ramAlign is for large leaves in the second stage.
const ramAlign = 2 << 20

// findRAM takes size bytes of what the program itself does not use.
func findRAM(size uint64) ([]byte, error) {
	var largest uint64
	for _, r := range guest.Free() {
		start := (r.Start + ramAlign - 1) &^ (ramAlign - 1)
		if r.Type != guest.RAM || start >= r.End() {
			continue
		}
		largest = max(largest, r.End()-start)
		if r.End()-start < size {
			continue
		}
		if b := guest.Platform().View(start, size); b != nil {
			return b, nil
		}
	}
	return nil, fmt.Errorf("no %d MiB of RAM for the domain: the largest piece has %d", size>>20, largest>>20)
}

// disk is a disk that lies in memory and can be written.
type disk []byte

func (d disk) ReadAt(p []byte, off int64) (int, error) { return bytes.NewReader(d).ReadAt(p, off) }

func (d disk) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(d)) || len(p) > len(d)-int(off) {
		return 0, errors.New("write past the disk's end")
	}
	return copy(d[off:], p), nil
}

// keyWait is how often the console is looked at for keys.
const keyWait = 5 * time.Millisecond

// readKeys passes keys on.
func readKeys(h *hypervisor.Hypervisor, port *guest.Port, stop <-chan struct{}) {
	var keys [256]byte
	for {
		if n := port.Read(keys[:]); n > 0 {
			h.Type(keys[:n])
		}
		select {
		case <-stop:
			return
		case <-time.After(keyWait):
		}
	}
}

// frequency is that of the processor's counter, in the machine's device tree: of all
// processors, or of one.
func frequency() (uint32, error) {
	tree, err := fdt.Parse(guest.Start().DeviceTree)
	if err != nil {
		return 0, err
	}
	cpus, _ := tree.Find("/cpus")
	hz, ok := cpus.Uint("timebase-frequency")
	for c, more := cpus.Child(); more && !ok; c, more = c.Next() {
		hz, ok = c.Uint("timebase-frequency")
	}
	if !ok || hz == 0 || hz > 1<<32-1 {
		return 0, errors.New("device tree: /cpus: no timebase-frequency")
	}
	return uint32(hz), nil
}
