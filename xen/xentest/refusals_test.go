package xentest_test

import (
	"errors"
	"strings"
	"testing"

	"pvboot/hypercall"
	"pvboot/xen/xentest"
)

// kind is a kind of machine; an x86 PVH domain's is the zero value.
type kind struct{ arm, pv bool }

// TestRefusals asks for what real Xen refuses, on each kind of machine.
func TestRefusals(t *testing.T) {
	const (
		self  = hypercall.DomSelf
		hole  = 0xf7000
		hole2 = 0xf7001
		ok    = hypercall.Errno(0)
	)
	mem := func(cmd int, a any) func(h hypercall.Hypervisor) int64 {
		return func(h hypercall.Hypervisor) int64 {
			switch a := a.(type) {
			case hypercall.AddToPhysmap:
				return h.Call(hypercall.OpMemory, hypercall.Int(cmd), hypercall.Ptr(&a))
			case hypercall.RemoveFromPhysmap:
				return h.Call(hypercall.OpMemory, hypercall.Int(cmd), hypercall.Ptr(&a))
			}
			return h.Call(hypercall.OpMemory, hypercall.Int(cmd), hypercall.Ptr[int](nil))
		}
	}
	add := func(space hypercall.MapSpace, idx, gfn uint64) func(h hypercall.Hypervisor) int64 {
		return mem(hypercall.MemoryOpAddToPhysmap, hypercall.AddToPhysmap{Dom: self, Space: space, Idx: idx, GPFN: gfn})
	}
	remove := func(gfn uint64) func(h hypercall.Hypervisor) int64 {
		return mem(hypercall.MemoryOpRemoveFromPhysmap, hypercall.RemoveFromPhysmap{Dom: self, GPFN: gfn})
	}
	port := func(cmd int, p hypercall.Port) func(h hypercall.Hypervisor) int64 {
		return func(h hypercall.Hypervisor) int64 {
			return h.Call(hypercall.OpEventChannel, hypercall.Int(cmd), hypercall.Ptr(&hypercall.PortArg{Port: p}))
		}
	}
	param := func(cmd int, dom hypercall.DomID, p hypercall.Param) func(h hypercall.Hypervisor) int64 {
		return func(h hypercall.Hypervisor) int64 {
			return h.Call(hypercall.OpHVM, hypercall.Int(cmd), hypercall.Ptr(&hypercall.HVMParam{Dom: dom, Index: p}))
		}
	}
	for _, tt := range []struct {
		name         string
		calls        []func(h hypercall.Hypervisor) int64 // the last one counts
		x86, arm, pv hypercall.Errno
	}{
		{"shared_info, index 1", []func(hypercall.Hypervisor) int64{add(hypercall.SpaceSharedInfo, 1, hole)}, hypercall.ErrInvalid, hypercall.ErrInvalid, hypercall.ErrAccess},
		{"shared_info twice", []func(hypercall.Hypervisor) int64{add(hypercall.SpaceSharedInfo, 0, hole), add(hypercall.SpaceSharedInfo, 0, hole2)}, ok, hypercall.ErrBusy, hypercall.ErrAccess},
		{"shared_info twice at one gfn", []func(hypercall.Hypervisor) int64{add(hypercall.SpaceSharedInfo, 0, hole), add(hypercall.SpaceSharedInfo, 0, hole)}, ok, hypercall.ErrBusy, hypercall.ErrAccess},
		{"shared_info, removed, again", []func(hypercall.Hypervisor) int64{add(hypercall.SpaceSharedInfo, 0, hole), remove(hole), add(hypercall.SpaceSharedInfo, 0, hole)}, ok, ok, hypercall.ErrAccess},
		{"grant frame twice", []func(hypercall.Hypervisor) int64{add(hypercall.SpaceGrantTable, 2, hole), add(hypercall.SpaceGrantTable, 2, hole2)}, ok, hypercall.ErrBusy, hypercall.ErrAccess},
		{"two grant frames", []func(hypercall.Hypervisor) int64{add(hypercall.SpaceGrantTable, 1, hole), add(hypercall.SpaceGrantTable, 2, hole2)}, ok, ok, hypercall.ErrAccess},
		{"grant frame beyond the limit", []func(hypercall.Hypervisor) int64{add(hypercall.SpaceGrantTable, 64, hole)}, hypercall.ErrInvalid, hypercall.ErrInvalid, hypercall.ErrAccess},
		{"moved page left its place", []func(hypercall.Hypervisor) int64{add(hypercall.SpaceGrantTable, 1, hole), add(hypercall.SpaceGrantTable, 1, hole2), remove(hole)}, hypercall.ErrNotExist, ok, hypercall.ErrAccess},
		{"foreign space", []func(hypercall.Hypervisor) int64{add(4, 0, hole)}, hypercall.ErrNoSys, hypercall.ErrNoSys, hypercall.ErrAccess},
		{"remove nothing", []func(hypercall.Hypervisor) int64{remove(hole)}, hypercall.ErrNotExist, hypercall.ErrNotExist, hypercall.ErrAccess},
		{"add, null handle", []func(hypercall.Hypervisor) int64{mem(hypercall.MemoryOpAddToPhysmap, nil)}, hypercall.ErrFault, hypercall.ErrFault, hypercall.ErrFault},
		{"add to another domain", []func(hypercall.Hypervisor) int64{mem(hypercall.MemoryOpAddToPhysmap, hypercall.AddToPhysmap{Dom: 9})}, hypercall.ErrPerm, hypercall.ErrPerm, hypercall.ErrAccess},
		{"remove from another domain", []func(hypercall.Hypervisor) int64{mem(hypercall.MemoryOpRemoveFromPhysmap, hypercall.RemoveFromPhysmap{Dom: 9})}, hypercall.ErrPerm, hypercall.ErrPerm, hypercall.ErrAccess},
		{"close port 0", []func(hypercall.Hypervisor) int64{port(hypercall.EvtchnOpClose, 0)}, hypercall.ErrInvalid, hypercall.ErrInvalid, hypercall.ErrInvalid},
		{"close a port out of range", []func(hypercall.Hypervisor) int64{port(hypercall.EvtchnOpClose, 5000)}, hypercall.ErrInvalid, hypercall.ErrInvalid, hypercall.ErrInvalid},
		{"close a closed port", []func(hypercall.Hypervisor) int64{port(hypercall.EvtchnOpClose, 9)}, hypercall.ErrInvalid, hypercall.ErrInvalid, hypercall.ErrInvalid},
		{"send to a closed port", []func(hypercall.Hypervisor) int64{port(hypercall.EvtchnOpSend, 9)}, hypercall.ErrInvalid, hypercall.ErrInvalid, hypercall.ErrInvalid},
		{"send to the store", []func(hypercall.Hypervisor) int64{port(hypercall.EvtchnOpSend, 1)}, ok, ok, ok},
		{"unmask out of range", []func(hypercall.Hypervisor) int64{port(hypercall.EvtchnOpUnmask, 5000)}, hypercall.ErrInvalid, hypercall.ErrInvalid, hypercall.ErrInvalid},
		{"reset all ports", []func(hypercall.Hypervisor) int64{port(10, 0)}, hypercall.ErrNoSys, hypercall.ErrNoSys, hypercall.ErrNoSys},
		{"unknown parameter", []func(hypercall.Hypervisor) int64{param(hypercall.HVMOpGetParam, self, 99)}, hypercall.ErrInvalid, hypercall.ErrInvalid, hypercall.ErrInvalid},
		{"parameter of another domain", []func(hypercall.Hypervisor) int64{param(hypercall.HVMOpGetParam, 9, 1)}, hypercall.ErrPerm, hypercall.ErrPerm, hypercall.ErrInvalid},
		{"set the store's page", []func(hypercall.Hypervisor) int64{param(hypercall.HVMOpSetParam, self, hypercall.ParamStorePFN)}, hypercall.ErrPerm, hypercall.ErrPerm, hypercall.ErrInvalid},
		{"set the callback", []func(hypercall.Hypervisor) int64{param(hypercall.HVMOpSetParam, self, hypercall.ParamCallbackIRQ)}, ok, hypercall.ErrPerm, hypercall.ErrInvalid},
		{"grant version 2", []func(hypercall.Hypervisor) int64{func(h hypercall.Hypervisor) int64 {
			v := uint32(2)
			return h.Call(hypercall.OpGrantTable, hypercall.Int(hypercall.GnttabOpSetVersion), hypercall.Ptr(&v), hypercall.Int(1))
		}}, hypercall.ErrNoSys, hypercall.ErrNoSys, hypercall.ErrNoSys},
		{"write to Xen's console", []func(hypercall.Hypervisor) int64{func(h hypercall.Hypervisor) int64 {
			return h.Call(hypercall.OpConsoleIO, hypercall.Int(0), hypercall.Int(1), hypercall.Ptr(new(byte)))
		}}, hypercall.ErrPerm, hypercall.ErrPerm, hypercall.ErrPerm},
		{"poll without an end", []func(hypercall.Hypervisor) int64{func(h hypercall.Hypervisor) int64 {
			return h.Call(hypercall.OpSched, hypercall.Int(hypercall.SchedOpPoll), hypercall.Ptr(&hypercall.Poll{}))
		}}, hypercall.ErrInvalid, hypercall.ErrInvalid, hypercall.ErrInvalid},
		{"no such hypercall", []func(hypercall.Hypervisor) int64{func(h hypercall.Hypervisor) int64 { return h.Call(55) }}, hypercall.ErrNoSys, hypercall.ErrNoSys, hypercall.ErrNoSys},
		{"no arguments", []func(hypercall.Hypervisor) int64{func(h hypercall.Hypervisor) int64 { return h.Call(hypercall.OpEventChannel, hypercall.Int(6)) }}, hypercall.ErrFault, hypercall.ErrFault, hypercall.ErrFault},
	} {
		for k, want := range map[kind]hypercall.Errno{{}: tt.x86, {arm: true}: tt.arm, {pv: true}: tt.pv} {
			m := xentest.New(xentest.Config{Pages: 256, Arm: k.arm, PV: k.pv})
			var ret int64
			for _, call := range tt.calls {
				ret = call(m)
			}
			if ret != -int64(want) {
				t.Errorf("%s, arm %v, PV %v: %v, want %v", tt.name, k.arm, k.pv, hypercall.Errno(-ret), want)
			}
			m.Close()
		}
	}
}

// TestLeaksSees does, without package xen, each thing that a guest must not do
// or leave: the negative controls of Leaks.
func TestLeaksSees(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(m *xentest.Machine) error
		want string
	}{
		{"shared_info", func(m *xentest.Machine) error {
			return hypercall.MemoryAddToPhysmap(m, hypercall.SpaceSharedInfo, 0, 0xf7000)
		}, "shared_info mapped at gfn 0xf7000"},
		{"grant frame", func(m *xentest.Machine) error {
			return hypercall.MemoryAddToPhysmap(m, hypercall.SpaceGrantTable, 0, 0xf7000)
		}, "grant frame 0 mapped at gfn 0xf7000"},
		{"grant frame over RAM", func(m *xentest.Machine) error {
			return errors.Join(hypercall.MemoryAddToPhysmap(m, hypercall.SpaceGrantTable, 0, 0x105),
				hypercall.MemoryRemoveFromPhysmap(m, 0x105))
		}, "hole in RAM at gfn 0x105"},
		{"RAM given back", func(m *xentest.Machine) error {
			_, err := hypercall.MemoryDecreaseReservation(m, []uint64{0x110})
			return err
		}, "hole in RAM at gfn 0x110"},
		{"port", func(m *xentest.Machine) error {
			_, err := hypercall.EvtchnAllocUnbound(m, 0)
			return err
		}, "port 3 to domain 0"},
		{"store's port closed", func(m *xentest.Machine) error { return hypercall.EvtchnClose(m, 1) }, "closed port 1 of the toolstack"},
		{"store's page removed", func(m *xentest.Machine) error { return hypercall.MemoryRemoveFromPhysmap(m, 0xfefff) },
			"removed the toolstack's page"},
		{"callback set", func(m *xentest.Machine) error {
			return hypercall.HVMSetParam(m, hypercall.ParamCallbackIRQ, 1)
		}, "set HVM_PARAM_CALLBACK_IRQ"},
		{"frame freed twice", func(m *xentest.Machine) error {
			f, err := m.AllocFrames(1)
			m.FreeFrames(f)
			m.FreeFrames(f)
			return err
		}, "freed gfn 0x100 twice"},
		{"other memory freed", func(m *xentest.Machine) error {
			m.FreeFrames(make([]byte, 4096))
			return nil
		}, "freed memory that is no frame of RAM"},
		{"vcpu_info", func(m *xentest.Machine) error {
			return hypercall.VCPURegisterInfo(m, 0, 0x107, 0)
		}, "vcpu_info registered at gfn 0x107"},
		{"vcpu_info's frame freed", func(m *xentest.Machine) error {
			f, err := m.AllocFrames(1)
			gfn, _ := m.GFN(f)
			err = errors.Join(err, hypercall.VCPURegisterInfo(m, 0, gfn, 0))
			m.FreeFrames(f)
			return err
		}, "freed gfn 0x100 while vcpu_info is there"},
		{"xenstore changed", func(m *xentest.Machine) error {
			m.Baseline()
			return errors.Join(m.Store().Write("/local/domain/1/data/new", "x"), m.Store().Write("/local/domain/1/name", "y"),
				m.Store().Rm("/local/domain/1/domid"))
		}, "data/new is new"},
	} {
		m := xentest.New(xentest.Config{Pages: 256})
		if left := m.Leaks(); len(left) != 0 {
			t.Errorf("%s: before: %q", tt.name, left)
		}
		if err := tt.do(m); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if left := strings.Join(m.Leaks(), "; "); !strings.Contains(left, tt.want) {
			t.Errorf("%s: left %s, want %s", tt.name, left, tt.want)
		}
		m.Close()
	}
}

func TestPopulateFillsHoles(t *testing.T) {
	m := xentest.New(xentest.Config{Pages: 256})
	defer m.Close()
	for _, gfn := range []uint64{0x100, 0x101} {
		if err := hypercall.MemoryRemoveFromPhysmap(m, gfn); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.MapGFN(0x101, 1); err == nil {
		t.Error("mapped a hole")
	}
	// The third frame is RAM already: it is where the call stops.
	if n, err := hypercall.MemoryPopulatePhysmap(m, []uint64{0x100, 0x101, 0x102}); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if left := m.Leaks(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestFramesRunOut(t *testing.T) {
	m := xentest.New(xentest.Config{Pages: 10})
	defer m.Close()
	a, err := m.AllocFrames(6)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.AllocFrames(5); err == nil {
		t.Error("5 of 4 frames")
	}
	m.FreeFrames(a)
	b, err := m.AllocFrames(10)
	if err != nil {
		t.Error(err)
	}
	if gfn, ok := m.GFN(b[4096*3+5:]); !ok || gfn != 0x103 {
		t.Errorf("gfn %#x, %v", gfn, ok)
	}
	if _, ok := m.GFN(make([]byte, 10)); ok {
		t.Error("other memory has a gfn")
	}
	if _, ok := m.GFN(nil); ok {
		t.Error("no memory has a gfn")
	}
	for _, n := range []int{0, -1, 1 << 40} {
		if _, err := m.AllocFrames(n); err == nil {
			t.Errorf("%d frames", n)
		}
		if _, err := m.Hole(n); err == nil {
			t.Errorf("hole of %d", n)
		}
	}
}

func TestE820(t *testing.T) {
	m := xentest.New(xentest.Config{Pages: 256})
	defer m.Close()
	e, err := hypercall.MemoryE820(m)
	if err != nil || len(e) != 2 || e[0] != (hypercall.E820{Start: 1 << 20, Size: 1 << 20, Type: 1}) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestRunstate(t *testing.T) {
	m := xentest.New(xentest.Config{Pages: 256})
	defer m.Close()
	before := m.SystemTime()
	r, err := hypercall.VCPURunstate(m, 0)
	if err != nil || int64(r.EntryTime) < before || int64(r.EntryTime) > m.SystemTime() {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := hypercall.VCPURunstate(m, 1); !errors.Is(err, hypercall.ErrNotExist) {
		t.Error(err)
	}
}
