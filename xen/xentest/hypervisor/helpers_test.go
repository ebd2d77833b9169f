package hypervisor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"pvboot/hypercall"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

const (
	ramBase = 0x80000000
	ramSize = 64 << 12
	loaded  = ramBase + 0x4000 // the first program, of four pages
	region  = 0x38000000       // for frames of Xen's
)

// fakeStage2 is a second stage that only knows what it was told.
type fakeStage2 struct {
	pages map[uint64][]byte
	exec  map[uint64]bool // gfns
}

func (s *fakeStage2) Map(gfn uint64, page []byte) error {
	if gfn >= 1<<29 {
		return errors.New("out of reach")
	}
	s.pages[gfn] = page
	return nil
}

func (s *fakeStage2) Unmap(gfn uint64) { delete(s.pages, gfn) }

func (s *fakeStage2) Protect(start, end uint64, executable bool) error {
	for gfn := start / xen.PageSize; gfn < end/xen.PageSize; gfn++ {
		s.exec[gfn] = executable
	}
	return nil
}

// guestCode is a guest in Go: each step is what runs until an exit.
type guestCode []func(g *fakeGuest, e *Exit)

// fakeGuest is the processor of a guest whose code is Go.
type fakeGuest struct {
	h     *Hypervisor
	ram   []byte
	steps guestCode
	ret   int64
}

func (g *fakeGuest) Run(e *Exit) {
	if len(g.steps) == 0 {
		*e = Exit{Kind: ExitShutdown, Reason: hypercall.ShutdownPoweroff}
		return
	}
	step := g.steps[0]
	g.steps = g.steps[1:]
	step(g, e)
}

func (g *fakeGuest) SetResult(v int64) { g.ret = v }

// at is the RAM at a guest-physical address.
func (g *fakeGuest) at(addr uint64) []byte { return g.ram[addr-ramBase:] }

// machine makes a hypervisor whose guest carries out the steps.
func machine(t testing.TB, steps ...func(g *fakeGuest, e *Exit)) (*Hypervisor, *fakeGuest, *fakeStage2, *bytes.Buffer) {
	g := &fakeGuest{ram: make([]byte, ramSize), steps: steps}
	s := &fakeStage2{pages: map[uint64][]byte{}, exec: map[uint64]bool{}}
	log := &bytes.Buffer{}
	h, err := New(Config{
		Guest: Guest{
			RAM: g.ram, Base: ramBase, StorePage: 0x39001000, ConsolePage: 0x39000000,
			Grants: region, GrantSize: 16 << 20, Program: Program{loaded, loaded + 0x4000},
			Disks: []xentest.BlkConfig{{Disk: strings.NewReader(strings.Repeat("d", 4096)), Size: 4096}},
		},
		VCPU: g, Stage2: s, ProgramAt: headed, Console: log, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	g.h = h
	t.Cleanup(h.Close)
	return h, g, s, log
}

// headed finds programs whose first page begins with 0xee and the number of
// their pages.
func headed(view View, addr uint64) (Program, bool) {
	b, ok := view(addr&^(xen.PageSize-1), 2)
	if !ok || b[0] != 0xee {
		return Program{}, false
	}
	start := addr &^ (xen.PageSize - 1)
	return Program{start, start + uint64(b[1])*xen.PageSize}, true
}

// call is a step that makes a hypercall.
func call(op hypercall.Op, args ...uint64) func(g *fakeGuest, e *Exit) {
	return func(g *fakeGuest, e *Exit) {
		e.Kind, e.Op = ExitCall, uint64(op)
		copy(e.Args[:], args)
	}
}

// callWith is call with a structure of words in RAM, to which the last argument
// points.
func callWith(op hypercall.Op, cmd uint64, words ...uint64) func(g *fakeGuest, e *Exit) {
	const addr = ramBase + 0x100
	return func(g *fakeGuest, e *Exit) {
		for i, w := range words {
			binary.NativeEndian.PutUint64(g.at(addr+8*uint64(i)), w)
		}
		call(op, cmd, addr)(g, e)
	}
}

// execute is a step whose code is at addr.
func execute(addr uint64) func(g *fakeGuest, e *Exit) {
	return func(g *fakeGuest, e *Exit) { e.Kind, e.Addr = ExitExecute, addr }
}

// write is a step that writes to RAM and uses its time up.
func write(addr uint64, b ...byte) func(g *fakeGuest, e *Exit) {
	return func(g *fakeGuest, e *Exit) {
		copy(g.at(addr), b)
		e.Kind = ExitTime
	}
}

// executable lists what of s may be executed.
func (s *fakeStage2) executable() (gfns []uint64) {
	for gfn, on := range s.exec {
		if on {
			gfns = append(gfns, gfn)
		}
	}
	slices.Sort(gfns)
	return gfns
}
