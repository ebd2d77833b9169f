package hypervisor

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pvboot/hypercall"
)

// Handles that lead nowhere, and one that leads to the last word of RAM.
const (
	null    = 0
	nowhere = 0x1000
	edge    = ramBase + ramSize - 4
	past    = ramBase + ramSize
	odd     = ^uint64(0) - 3
)

// u32 and u64 make the bytes of structures.
func u32(v ...uint32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.NativeEndian.AppendUint32(b, x)
	}
	return b
}

func u64(v ...uint64) []byte {
	var b []byte
	for _, x := range v {
		b = binary.NativeEndian.AppendUint64(b, x)
	}
	return b
}

// domain makes the bytes of a structure that begins with DOMID_SELF.
func domain(v ...uint32) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(hypercall.DomSelf))
	return append(append(b, 0, 0), u32(v...)...)
}

// word is the word that two of 32 bits make in memory, and domainWord that at the
// beginning of a structure that begins with DOMID_SELF.
func word(first, second uint32) uint64 { return binary.NativeEndian.Uint64(u32(first, second)) }

func domainWord(second uint32) uint64 { return binary.NativeEndian.Uint64(domain(second)) }

// half is the 32 bits that one of 16 bits and a gap make in memory.
func half(v uint16) uint32 {
	return binary.NativeEndian.Uint32(append(binary.NativeEndian.AppendUint16(nil, v), 0, 0))
}

// Structures stand at arg, lists at list.
const (
	arg  = ramBase + 0x200
	list = ramBase + 0x800
)

// TestCalls makes calls by registers and memory alone.
func TestCalls(t *testing.T) {
	fault := -int64(hypercall.ErrFault)
	for _, tt := range []struct {
		name     string
		op       hypercall.Op
		args     [5]uint64
		arg      []byte // at arg
		list     []byte // at list
		ret      int64
		out      []byte // at arg, after the call; nil for what was there
		outAfter []byte // at list
	}{
		{"version", hypercall.OpXenVersion, [5]uint64{hypercall.VersionOpVersion, odd}, nil, nil, major<<16 | minor, nil, nil},
		{"extra version", hypercall.OpXenVersion, [5]uint64{hypercall.VersionOpExtraVersion, arg}, nil, nil, 0, []byte(extra + "\x00"), nil},
		{"extra version, nowhere", hypercall.OpXenVersion, [5]uint64{hypercall.VersionOpExtraVersion, nowhere}, nil, nil, fault, nil, nil},
		{"extra version, at the edge", hypercall.OpXenVersion, [5]uint64{hypercall.VersionOpExtraVersion, edge}, nil, nil, fault, nil, nil},
		{"features", hypercall.OpXenVersion, [5]uint64{hypercall.VersionOpGetFeatures, arg}, u32(0, 0), nil, 0, u32(0, 0x12005), nil},
		{"unknown version", hypercall.OpXenVersion, [5]uint64{77, odd}, nil, nil, -int64(hypercall.ErrNoSys), nil, nil},
		{"alloc unbound", hypercall.OpEventChannel, [5]uint64{hypercall.EvtchnOpAllocUnbound, arg}, domain(0), nil, 0, domain(3), nil},
		{"status", hypercall.OpEventChannel, [5]uint64{hypercall.EvtchnOpStatus, arg}, domain(9, 9, 9, half(9), 9), nil, 0, domain(9, 0, 0, 0, 0), nil},
		{"send, null", hypercall.OpEventChannel, [5]uint64{hypercall.EvtchnOpSend, null}, nil, nil, fault, nil, nil},
		{"send, past RAM", hypercall.OpEventChannel, [5]uint64{hypercall.EvtchnOpSend, past}, nil, nil, fault, nil, nil},
		{"reset", hypercall.OpEventChannel, [5]uint64{10, odd}, nil, nil, -int64(hypercall.ErrNoSys), nil, nil},
		{"get parameter", hypercall.OpHVM, [5]uint64{hypercall.HVMOpGetParam, arg}, append(domain(17), u64(0)...), nil, 0, append(domain(17), u64(0x39000)...), nil},
		{"set parameter", hypercall.OpHVM, [5]uint64{hypercall.HVMOpSetParam, arg}, append(domain(0), u64(1)...), nil, -int64(hypercall.ErrPerm), nil, nil},
		{"query size", hypercall.OpGrantTable, [5]uint64{hypercall.GnttabOpQuerySize, arg, 1}, domain(0, 0, half(7)), nil, 0, domain(1, 64, 0), nil},
		{"setup table", hypercall.OpGrantTable, [5]uint64{hypercall.GnttabOpSetupTable, arg, 1}, append(domain(2, half(7), 0), u64(list)...), u64(1, 2, 3), 0,
			append(domain(2, 0, 0), u64(list)...), u64(^uint64(0), ^uint64(0), 3)},
		{"setup table, too many", hypercall.OpGrantTable, [5]uint64{hypercall.GnttabOpSetupTable, arg, 1}, append(domain(65, half(7), 0), u64(list)...), u64(1, 2), 0,
			append(domain(65, half(0xffff), 0), u64(list)...), u64(1, 2)},
		{"setup table, all too many", hypercall.OpGrantTable, [5]uint64{hypercall.GnttabOpSetupTable, arg, 1}, append(domain(^uint32(0), half(7), 0), u64(list)...), u64(1, 2), 0,
			append(domain(^uint32(0), half(0xffff), 0), u64(list)...), u64(1, 2)},
		{"setup table, list null", hypercall.OpGrantTable, [5]uint64{hypercall.GnttabOpSetupTable, arg, 1}, append(domain(2, half(7), 0), u64(null)...), nil, fault, nil, nil},
		{"setup table, list nowhere", hypercall.OpGrantTable, [5]uint64{hypercall.GnttabOpSetupTable, arg, 1}, append(domain(2, half(7), 0), u64(nowhere)...), nil, fault, nil, nil},
		{"setup table, list past RAM", hypercall.OpGrantTable, [5]uint64{hypercall.GnttabOpSetupTable, arg, 1}, append(domain(2, half(7), 0), u64(past-8)...), nil, fault, nil, nil},
		{"set version", hypercall.OpGrantTable, [5]uint64{hypercall.GnttabOpSetVersion, arg, 1}, u32(1), nil, 0, nil, nil},
		{"populate, full", hypercall.OpMemory, [5]uint64{hypercall.MemoryOpPopulatePhysmap, arg}, append(u64(list, 1, 0), domain(0)...), u64(0x80001), 0, nil, nil},
		{"decrease", hypercall.OpMemory, [5]uint64{hypercall.MemoryOpDecreaseReservation, arg}, append(u64(list, 2, 0), domain(0)...), u64(0x80008, 0x80009), 2, nil, nil},
		{"decrease, none", hypercall.OpMemory, [5]uint64{hypercall.MemoryOpDecreaseReservation, arg}, append(u64(null, 0, 0), domain(0)...), nil, 0, nil, nil},
		{"decrease, list null", hypercall.OpMemory, [5]uint64{hypercall.MemoryOpDecreaseReservation, arg}, append(u64(null, 1, 0), domain(0)...), nil, fault, nil, nil},
		{"decrease, list nowhere", hypercall.OpMemory, [5]uint64{hypercall.MemoryOpDecreaseReservation, arg}, append(u64(nowhere, 1, 0), domain(0)...), nil, fault, nil, nil},
		{"decrease, list of all memory", hypercall.OpMemory, [5]uint64{hypercall.MemoryOpDecreaseReservation, arg}, append(u64(ramBase, 64, 0), domain(0)...), nil, 0, nil, nil},
		{"decrease, more than there is", hypercall.OpMemory, [5]uint64{hypercall.MemoryOpDecreaseReservation, arg}, append(u64(ramBase, 65, 0), domain(0)...), nil, -int64(hypercall.ErrInvalid), nil, nil},
		{"decrease, 2⁶¹ frames", hypercall.OpMemory, [5]uint64{hypercall.MemoryOpDecreaseReservation, arg}, append(u64(ramBase, 1<<61, 0), domain(0)...), nil, -int64(hypercall.ErrInvalid), nil, nil},
		{"memory map", hypercall.OpMemory, [5]uint64{hypercall.MemoryOpMemoryMap, odd}, nil, nil, -int64(hypercall.ErrNoSys), nil, nil},
		{"shared_info over another's gfn", hypercall.OpMemory, [5]uint64{hypercall.MemoryOpAddToPhysmap, arg}, append(domain(0), u64(0, 1<<40)...), nil, -int64(hypercall.ErrInvalid), nil, nil},
		{"yield", hypercall.OpSched, [5]uint64{hypercall.SchedOpYield, odd}, nil, nil, 0, nil, nil},
		{"poll", hypercall.OpSched, [5]uint64{hypercall.SchedOpPoll, arg}, append(append(u64(list), u32(2, 0)...), u64(1)...), u32(1, 2), 0, nil, nil},
		{"poll, ports nowhere", hypercall.OpSched, [5]uint64{hypercall.SchedOpPoll, arg}, append(append(u64(nowhere), u32(2, 0)...), u64(1)...), nil, fault, nil, nil},
		{"poll, ports past RAM", hypercall.OpSched, [5]uint64{hypercall.SchedOpPoll, arg}, append(append(u64(past-4), u32(2, 0)...), u64(1)...), nil, fault, nil, nil},
		{"poll, too many", hypercall.OpSched, [5]uint64{hypercall.SchedOpPoll, arg}, append(append(u64(list), u32(129, 0)...), u64(1)...), nil, -int64(hypercall.ErrInvalid), nil, nil},
		{"poll, null", hypercall.OpSched, [5]uint64{hypercall.SchedOpPoll, null}, nil, nil, fault, nil, nil},
		{"shutdown, nowhere", hypercall.OpSched, [5]uint64{hypercall.SchedOpShutdown, odd}, nil, nil, fault, nil, nil},
		{"runstate info", hypercall.OpVCPU, [5]uint64{hypercall.VCPUOpGetRunstateInfo, 0, arg}, nil, nil, -int64(hypercall.ErrInvalid), nil, nil},
		{"runstate area, nowhere", hypercall.OpVCPU, [5]uint64{hypercall.VCPUOpRegisterRunstate, 0, arg}, u64(nowhere), nil, 0, nil, nil},
		{"runstate area, null", hypercall.OpVCPU, [5]uint64{hypercall.VCPUOpRegisterRunstate, 0, null}, nil, nil, fault, nil, nil},
		{"runstate area of vcpu 1", hypercall.OpVCPU, [5]uint64{hypercall.VCPUOpRegisterRunstate, 1, arg}, u64(list), nil, -int64(hypercall.ErrNotExist), nil, nil},
		{"unknown", 99, [5]uint64{odd, odd, odd, odd, odd}, nil, nil, -int64(hypercall.ErrNoSys), nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, g, _, _ := machine(t)
			copy(g.at(arg), tt.arg)
			copy(g.at(list), tt.list)
			if ret := h.Call(tt.op, tt.args); ret != tt.ret {
				t.Errorf("%d, want %d", ret, tt.ret)
			}
			if tt.out == nil {
				tt.out = tt.arg
			}
			if tt.outAfter == nil {
				tt.outAfter = tt.list
			}
			if got := g.at(arg)[:len(tt.out)]; !bytes.Equal(got, tt.out) {
				t.Errorf("argument % x, want % x", got, tt.out)
			}
			if got := g.at(list)[:len(tt.outAfter)]; !bytes.Equal(got, tt.outAfter) {
				t.Errorf("list % x, want % x", got, tt.outAfter)
			}
		})
	}
}

// TestRunstateArea: the area follows the machine's clock until it is taken away.
func TestRunstateArea(t *testing.T) {
	h, g, _, _ := machine(t)
	register := func(area uint64) {
		copy(g.at(arg), u64(area))
		if ret := h.Call(hypercall.OpVCPU, [5]uint64{hypercall.VCPUOpRegisterRunstate, 0, arg}); ret != 0 {
			t.Fatal(ret)
		}
	}
	entry := func() uint64 { return binary.NativeEndian.Uint64(g.at(list + 8)) }
	poll := func() (until uint64) {
		until = uint64(h.machine.SystemTime()) + uint64(time.Millisecond)
		copy(g.at(arg), append(append(u64(0), u32(0, 0)...), u64(until)...))
		if ret := h.Call(hypercall.OpSched, [5]uint64{hypercall.SchedOpPoll, arg}); ret != 0 {
			t.Fatal(ret)
		}
		return until
	}
	copy(g.at(list), u64(1, 2, 0, 4, 5, 6))
	register(list)
	if got := g.at(list)[:48]; binary.NativeEndian.Uint64(got[16:]) == 0 || !bytes.Equal(got[24:48], make([]byte, 24)) {
		t.Errorf("registered: % x", got)
	}
	if poll(); entry() == 0 {
		t.Error("no time of entry after a sleep")
	}
	register(0)
	before := entry()
	if poll(); entry() != before {
		t.Error("written after it was taken away")
	}
	if left := h.left(); len(left) > 0 {
		t.Error(left)
	}
}

// TestLayout compares the codec with package hypercall's structures.
func TestLayout(t *testing.T) {
	type all struct {
		A uint16
		B int16
		C *uint64
		D uint32
		E uint64
		F [3]byte
		G [2]uint32
	}
	gap := []byte{9, 9, 9, 9}
	order := binary.NativeEndian
	b := order.AppendUint16(order.AppendUint16(nil, 1), 0xfffe)
	b = order.AppendUint64(append(b, gap...), 1<<56|2)
	b = append(order.AppendUint32(b, 0x80000003), gap...)
	b = append(order.AppendUint64(b, 1<<63|4), 5, 6, 7, 9)
	b = append(append(b, u32(8, 9)...), gap...)
	var got all
	handles := decode(b, reflect.ValueOf(&got).Elem())
	want := all{A: 1, B: -2, D: 0x80000003, E: 1<<63 | 4, F: [3]byte{5, 6, 7}, G: [2]uint32{8, 9}}
	if diff := cmp.Diff(want, got); diff != "" || len(handles) != 1 || handles[0] != 1<<56|2 {
		t.Error(diff, handles)
	}
	if uintptr(len(b)) != reflect.TypeFor[all]().Size() {
		t.Errorf("%d bytes, want %d", len(b), reflect.TypeFor[all]().Size())
	}
	back := bytes.Clone(b)
	encode(back, reflect.ValueOf(&got).Elem())
	if !bytes.Equal(b, back) {
		t.Errorf("% x, want % x", back, b)
	}
}

// FuzzCall: whatever a guest has in its registers and its memory, a call returns
// and writes to nothing but the guest's RAM.
func FuzzCall(f *testing.F) {
	f.Add(uint32(hypercall.OpMemory), uint64(hypercall.MemoryOpAddToPhysmap), uint64(arg), uint64(0), append(u64(0x7ff0, 0, region>>12), u64(0)...))
	f.Add(uint32(hypercall.OpMemory), uint64(hypercall.MemoryOpDecreaseReservation), uint64(arg), uint64(0), u64(arg, 1<<60, 0, 0x7ff0))
	f.Add(uint32(hypercall.OpGrantTable), uint64(hypercall.GnttabOpSetupTable), uint64(arg), uint64(1), append(u32(0x7ff0, 3, 0, 0), u64(list)...))
	f.Add(uint32(hypercall.OpVCPU), uint64(hypercall.VCPUOpRegisterRunstate), uint64(0), uint64(arg), u64(edge))
	f.Add(uint32(hypercall.OpVCPU), uint64(hypercall.VCPUOpRegisterVCPUInfo), uint64(0), uint64(arg), u64(0x80001, 8))
	f.Add(uint32(hypercall.OpHVM), uint64(hypercall.HVMOpGetParam), uint64(edge), uint64(0), u32(0x7ff0, 17, 0, 0))
	f.Fuzz(func(t *testing.T, op uint32, a0, a1, a2 uint64, memory []byte) {
		h, g, _, _ := machine(t)
		copy(g.at(arg)[:0x800], memory)
		if op == uint32(hypercall.OpSched) && a0 == hypercall.SchedOpPoll {
			a1 = arg
			clear(g.at(arg)[16:24]) // it may sleep as long as it likes
		}
		for range 2 {
			h.Call(hypercall.Op(op), [5]uint64{a0, a1, a2})
		}
		h.left()
	})
}
