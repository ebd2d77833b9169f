package hypervisor

import (
	"encoding/binary"
	"reflect"

	"pvboot/hypercall"
	"pvboot/xen"
)

// fault is what a hypercall returns for a handle that leads nowhere.
const fault = -int64(hypercall.ErrFault)

// Call makes the guest's hypercall op with the arguments that its registers hold.
// Addresses are guest-physical: a guest that wants to be understood maps its
// memory one to one.
func (h *Hypervisor) Call(op hypercall.Op, a [5]uint64) int64 {
	ret := h.call(op, a)
	h.area.copyOut(h.machine.View)
	return ret
}

func (h *Hypervisor) call(op hypercall.Op, a [5]uint64) int64 {
	c := caller{h: h, op: op, args: a}
	switch op {
	case hypercall.OpXenVersion:
		switch a[0] {
		case hypercall.VersionOpExtraVersion:
			return pass[hypercall.ExtraVersion](c, 1)
		case hypercall.VersionOpGetFeatures:
			return pass[hypercall.FeatureInfo](c, 1)
		}
	case hypercall.OpEventChannel:
		switch a[0] {
		case hypercall.EvtchnOpBindInterdomain:
			return pass[hypercall.BindInterdomain](c, 1)
		case hypercall.EvtchnOpAllocUnbound:
			return pass[hypercall.AllocUnbound](c, 1)
		case hypercall.EvtchnOpStatus:
			return pass[hypercall.PortStatus](c, 1)
		case hypercall.EvtchnOpClose, hypercall.EvtchnOpSend, hypercall.EvtchnOpUnmask:
			return pass[hypercall.PortArg](c, 1)
		}
	case hypercall.OpGrantTable:
		switch a[0] {
		case hypercall.GnttabOpSetupTable:
			return c.setupTable()
		case hypercall.GnttabOpQuerySize:
			return pass[hypercall.QuerySize](c, 1)
		case hypercall.GnttabOpGetVersion:
			return pass[hypercall.GrantVersion](c, 1)
		case hypercall.GnttabOpSetVersion:
			return pass[uint32](c, 1)
		}
	case hypercall.OpMemory:
		switch a[0] {
		case hypercall.MemoryOpAddToPhysmap:
			return pass[hypercall.AddToPhysmap](c, 1)
		case hypercall.MemoryOpRemoveFromPhysmap:
			return pass[hypercall.RemoveFromPhysmap](c, 1)
		case hypercall.MemoryOpPopulatePhysmap, hypercall.MemoryOpDecreaseReservation:
			return c.reservation()
		}
	case hypercall.OpHVM:
		return pass[hypercall.HVMParam](c, 1)
	case hypercall.OpVCPU:
		switch a[0] {
		case hypercall.VCPUOpGetRunstateInfo:
			return pass[hypercall.Runstate](c, 2)
		case hypercall.VCPUOpRegisterRunstate:
			return c.registerRunstate()
		case hypercall.VCPUOpRegisterVCPUInfo:
			return pass[hypercall.RegisterVCPUInfo](c, 2)
		}
	case hypercall.OpSched:
		switch a[0] {
		case hypercall.SchedOpPoll:
			return c.poll()
		case hypercall.SchedOpShutdown:
			return pass[hypercall.Shutdown](c, 1)
		}
	}
	return c.ints()
}

// caller is one hypercall of the guest's.
type caller struct {
	h    *Hypervisor
	op   hypercall.Op
	args [5]uint64
}

// ints makes the call with integers alone: null handles for what takes any.
func (c caller) ints() int64 {
	return c.with(len(c.args), hypercall.Arg{})
}

// with makes the call with p in place of argument i.
func (c caller) with(i int, p hypercall.Arg) int64 {
	var args [len(c.args)]hypercall.Arg
	for n, a := range c.args {
		args[n] = hypercall.Int(a)
	}
	if i < len(args) {
		args[i] = p
	}
	return c.h.machine.Call(c.op, args[:]...)
}

// pass makes the call with a copy of the T that argument i points to, and copies
// it back.
func pass[T any](c caller, i int) int64 {
	return through(c, i, func(*T, []uint64) int64 { return 0 }, nil)
}

// through is pass for a T with handles: in gets what they are and fills the
// copy's pointers; when it returns 0 the call is made, and then done.
func through[T any](c caller, i int, in func(v *T, handles []uint64) int64, done func(v *T)) int64 {
	if c.args[i] == 0 {
		return c.with(i, hypercall.Ptr[T](nil))
	}
	v := new(T)
	r := reflect.ValueOf(v).Elem()
	b, ok := c.h.machine.View(c.args[i], uint64(r.Type().Size()))
	if !ok {
		return fault
	}
	handles := decode(b, r)
	if ret := in(v, handles); ret != 0 {
		return ret
	}
	before := *v
	ret := c.with(i, hypercall.Ptr(v))
	if done != nil {
		done(v)
	}
	if !reflect.DeepEqual(before, *v) {
		encode(b, r)
	}
	return ret
}

// words reads n numbers of 64 bits.
func (c caller) words(addr, n uint64) ([]uint64, bool) {
	if n > uint64(len(c.h.c.RAM))/8 {
		return nil, false
	}
	b, ok := c.h.machine.View(addr, 8*n)
	if !ok {
		return nil, false
	}
	list := make([]uint64, n)
	for i := range list {
		list[i] = binary.NativeEndian.Uint64(b[8*i:])
	}
	return list, true
}

// first points to the first of a list that may be empty; the call that gets it
// knows how long the list is.
func first[T any](list []T) *T {
	if len(list) == 0 {
		return new(T)
	}
	return &list[0]
}

// setupTable is GNTTABOP_setup_table, which writes a list of frame numbers.
func (c caller) setupTable() int64 {
	var list []uint64
	var out []byte
	return through(c, 1, func(a *hypercall.SetupTable, handles []uint64) int64 {
		if handles[0] == 0 {
			return 0
		}
		// More than this is refused before the list is looked at.
		n := uint64(min(a.NrFrames, hypercall.MaxSetupTable))
		var ok bool
		if out, ok = c.h.machine.View(handles[0], 8*n); !ok {
			return fault
		}
		list = make([]uint64, n)
		a.FrameList = first(list)
		return 0
	}, func(a *hypercall.SetupTable) {
		if a.Status != hypercall.GrantOkay {
			return
		}
		for i, gfn := range list {
			binary.NativeEndian.PutUint64(out[8*i:], gfn)
		}
	})
}

// reservation is XENMEM_populate_physmap or XENMEM_decrease_reservation, with a
// list of frame numbers.
func (c caller) reservation() int64 {
	return through(c, 1, func(a *hypercall.Reservation, handles []uint64) int64 {
		if handles[0] == 0 {
			return 0
		}
		a.ExtentStart = new(uint64)
		if a.NrExtents > uint64(len(c.h.c.RAM))/xen.PageSize {
			return 0 // refused before the list is looked at
		}
		list, ok := c.words(handles[0], a.NrExtents)
		if !ok {
			return fault
		}
		a.ExtentStart = first(list)
		return 0
	}, nil)
}

// maxPoll is the most ports that SCHEDOP_poll takes (do_poll in
// xen/common/sched/core.c).
const maxPoll = 128

// poll is SCHEDOP_poll, with a list of ports.
func (c caller) poll() int64 {
	return through(c, 1, func(a *hypercall.Poll, handles []uint64) int64 {
		n := uint64(a.NrPorts)
		if n == 0 || n > maxPoll {
			return 0
		}
		b, ok := c.h.machine.View(handles[0], 4*n)
		if !ok {
			return fault
		}
		list := make([]hypercall.Port, n)
		for i := range list {
			list[i] = hypercall.Port(binary.NativeEndian.Uint32(b[4*i:]))
		}
		a.Ports = first(list)
		return 0
	}, nil)
}

// runstateArea is where the guest wants its runstate, and what the machine keeps
// in its place.
type runstateArea struct {
	addr  uint64 // 0 for nowhere
	state *hypercall.Runstate
}

// registerRunstate is VCPUOP_register_runstate_memory_area. As on Arm, where Xen
// believes each address, one that leads nowhere is no error.
func (c caller) registerRunstate() int64 {
	var area runstateArea
	ret := through(c, 2, func(a *hypercall.RegisterRunstate, handles []uint64) int64 {
		if handles[0] != 0 {
			area = runstateArea{handles[0], new(hypercall.Runstate)}
			a.Area = area.state
		}
		return 0
	}, nil)
	if ret == 0 {
		c.h.area = area
	}
	return ret
}

// copyOut brings the area in the guest up to date.
func (a *runstateArea) copyOut(view View) {
	if a.addr == 0 {
		return
	}
	v := reflect.ValueOf(a.state).Elem()
	if b, ok := view(a.addr, uint64(v.Type().Size())); ok {
		encode(b, v)
	}
}
