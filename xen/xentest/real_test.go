package xentest_test

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/hypercall"
	"pvboot/xen/xentest"
)

// stage2 notes what stands at which gfn.
type stage2 map[uint64]*byte

func (s stage2) Map(gfn uint64, page []byte) error {
	if gfn >= 1<<29 {
		return errors.New("out of reach")
	}
	s[gfn] = &page[0]
	return nil
}

func (s stage2) Unmap(gfn uint64) { delete(s, gfn) }

// realMachine is a machine for a guest with RAM of its own at gfn 0x80000.
func realMachine(t *testing.T) (*xentest.Machine, stage2, []byte) {
	s, ram := stage2{}, make([]byte, 16<<12)
	m := xentest.New(xentest.Config{Arm: true, Memory: &xentest.Memory{
		RAM: ram, Base: 0x80000, Store: 0x39001, Console: 0x39000, Map: s.Map, Unmap: s.Unmap,
	}})
	t.Cleanup(m.Close)
	return m, s, ram
}

// TestRealMemory follows what a guest sees through the second stage.
func TestRealMemory(t *testing.T) {
	m, s, ram := realMachine(t)
	gfns := func() []uint64 { return slices.Sorted(maps.Keys(s)) }
	want := func(what string, err, wanted error, list ...uint64) {
		t.Helper()
		if !errors.Is(err, wanted) {
			t.Errorf("%s: %v, want %v", what, err, wanted)
		}
		if diff := cmp.Diff(list, gfns()); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	want("at the start", nil, nil, 0x39000, 0x39001)
	for p, gfn := range map[hypercall.Param]uint64{hypercall.ParamConsolePFN: 0x39000, hypercall.ParamStorePFN: 0x39001} {
		if v, err := hypercall.HVMGetParam(m, p); v != gfn || err != nil {
			t.Errorf("%v: %#x, %v", p, v, err)
		}
	}
	const hole = 0x38000
	add := func(space hypercall.MapSpace, idx, gfn uint64) error {
		return hypercall.MemoryAddToPhysmap(m, space, idx, gfn)
	}
	remove := func(gfn uint64) error { return hypercall.MemoryRemoveFromPhysmap(m, gfn) }
	want("shared_info", add(hypercall.SpaceSharedInfo, 0, hole), nil, hole, 0x39000, 0x39001)
	want("again", add(hypercall.SpaceSharedInfo, 0, hole+1), hypercall.ErrBusy, hole, 0x39000, 0x39001)
	want("out of reach", add(hypercall.SpaceGrantTable, 0, 1<<40), hypercall.ErrInvalid, hole, 0x39000, 0x39001)
	want("grant frame", add(hypercall.SpaceGrantTable, 0, hole+1), nil, hole, hole+1, 0x39000, 0x39001)
	want("gone", remove(hole), nil, hole+1, 0x39000, 0x39001)
	want("gone, too", remove(hole+1), nil, 0x39000, 0x39001)
	if left := m.Leaks(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}

	// RAM that is given back, and taken again.
	s[0x80002] = &ram[2<<12] // as the hypervisor does in the beginning
	want("RAM", remove(0x80002), nil, 0x39000, 0x39001)
	if _, ok := m.View(0x80001fff, 1); !ok {
		t.Error("the byte before a hole is not there")
	}
	if _, ok := m.View(0x80001fff, 2); ok {
		t.Error("a byte in a hole is there")
	}
	n, err := hypercall.MemoryPopulatePhysmap(m, []uint64{0x80002})
	want("populate", err, nil, 0x39000, 0x39001, 0x80002)
	if n != 1 || s[0x80002] != &ram[2<<12] {
		t.Errorf("populate: %d, another page", n)
	}
	if v, ok := m.View(0x80002000, 4096); !ok || &v[0] != &ram[2<<12] {
		t.Error("RAM is not where it was")
	}
	if left := m.Leaks(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestRealMemoryAllocates nothing: the guest's RAM is the guest's.
func TestRealMemoryAllocates(t *testing.T) {
	m, _, _ := realMachine(t)
	if _, err := m.AllocFrames(1); err == nil {
		t.Error("frames of a real guest's")
	}
	if _, err := m.Hole(1); err == nil {
		t.Error("a hole in a real guest's memory")
	}
}

func TestView(t *testing.T) {
	m, _, _ := realMachine(t)
	const base, size = 0x80000000, 16 << 12
	for _, tt := range []struct {
		addr, n uint64
		ok      bool
	}{
		{base, size, true}, {base, size + 1, false}, {base + size, 0, true}, {base + size, 1, false}, {base - 1, 1, false},
		{base + 5, 4096, true}, {base + 1, ^uint64(0), false}, {^uint64(0), 2, false}, {0x39000 << 12, 1, false},
	} {
		if v, ok := m.View(tt.addr, tt.n); ok != tt.ok || ok && uint64(len(v)) != tt.n {
			t.Errorf("%#x bytes at %#x: %d, %v", tt.n, tt.addr, len(v), ok)
		}
	}
}

// TestRunstateArea registers an area as guests on Arm do.
func TestRunstateArea(t *testing.T) {
	m := xentest.New(xentest.Config{Pages: 256, Arm: true})
	defer m.Close()
	if _, err := hypercall.VCPURunstate(m, 0); !errors.Is(err, hypercall.ErrInvalid) {
		t.Errorf("x86's call: %v", err)
	}
	if err := hypercall.VCPURegisterRunstate(m, 1, nil); !errors.Is(err, hypercall.ErrNotExist) {
		t.Errorf("second vcpu: %v", err)
	}
	area := &hypercall.Runstate{}
	if err := hypercall.VCPURegisterRunstate(m, 0, area); err != nil {
		t.Fatal(err)
	}
	first := *area
	if first.Time[0] == 0 || first.EntryTime > first.Time[0] {
		t.Errorf("registered: %+v", first)
	}
	if left := m.Leaks(); !slices.Contains(left, "runstate area registered") {
		t.Errorf("left: %q", left)
	}
	before := uint64(m.SystemTime())
	if err := hypercall.SchedPoll(m, nil, before+1e6); err != nil {
		t.Fatal(err)
	}
	if area.EntryTime < before+1e6 {
		t.Errorf("woken at %d, slept until %d", area.EntryTime, before+1e6)
	}
	if err := hypercall.VCPURegisterRunstate(m, 0, nil); err != nil {
		t.Fatal(err)
	}
	if left := m.Leaks(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestPending: shared_info shows the ports with events, whether it is mapped or
// not, and a closed port no more.
func TestPending(t *testing.T) {
	for _, arm := range []bool{false, true} {
		m := xentest.New(xentest.Config{Pages: 256, Arm: arm})
		port, err := hypercall.EvtchnAllocUnbound(m, 0)
		if err != nil {
			t.Fatal(err)
		}
		back, err := m.Bind(port)
		if err != nil {
			t.Fatal(err)
		}
		back.Notify()
		if err := hypercall.MemoryAddToPhysmap(m, hypercall.SpaceSharedInfo, 0, 0xf7000); err != nil {
			t.Fatal(err)
		}
		page, err := m.MapGFN(0xf7000, 1)
		if err != nil {
			t.Fatal(err)
		}
		at := 2048
		if arm {
			at = 48
		}
		pending := func() uint64 { return binary.NativeEndian.Uint64(page[at:]) }
		if got := pending(); got != 1<<port {
			t.Errorf("arm %v: pending %#x, want port %d's", arm, got, port)
		}
		if err := hypercall.EvtchnClose(m, port); err != nil || pending() != 0 {
			t.Errorf("arm %v: closed: pending %#x, %v", arm, pending(), err)
		}
		m.Close()
	}
}
