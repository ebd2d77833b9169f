//go:build riscv64

// Command image is a hypervisor for tests: a Go program on a bare machine that
// runs one guest as Xen would, where no released Xen can. The guest and its disks
// come as initial RAM disk (package bundle); its console is the machine's. When the
// guest ends, so does the machine, with status 0 when all went well.
//
//	go run ./cmd/rig boot -arch riscv64 DISK
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"pvboot/guest"
	"pvboot/hypercall"
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
	// key reads a key from the machine's console; false when there is none.
	key func() (byte, bool)
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
		fmt.Fprintln(lines, "hypervisor:", err)
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
	h.Machine().Go(func(stop <-chan struct{}) { readKeys(h, stop) })
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
func readKeys(h *hypervisor.Hypervisor, stop <-chan struct{}) {
	for {
		var keys []byte
		for k, ok := this.key(); ok && len(keys) < 256; k, ok = this.key() {
			keys = append(keys, k)
		}
		if len(keys) > 0 {
			h.Type(keys)
		}
		select {
		case <-stop:
			return
		case <-time.After(keyWait):
		}
	}
}
