package hypercall

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// list reads n elements where a call's pointer argument leads.
func list[T any](a Arg, n uintptr) []T { return unsafe.Slice((*T)(a.Pointer()), n) }

func TestUpdateMMU(t *testing.T) {
	want := []MMUUpdate{{0x1008, 5<<12 | 7}, {0x2000 | MMUMachphysUpdate, 9}}
	r := &recorder{}
	r.answer = func(a []Arg) {
		if d := cmp.Diff(want, list[MMUUpdate](a[0], a[1].Val())); d != "" || a[3].Val() != 0x7ff0 {
			t.Errorf("domain %#x, updates %s", a[3].Val(), d)
		}
		if r.ret < 0 {
			fill(a[2], uint32(1))
		}
	}
	if err := UpdateMMU(r, want); err != nil || r.op != 1 {
		t.Errorf("hypercall %d: %v", r.op, err)
	}
	r.ret = -22
	if err := UpdateMMU(r, want); !errors.Is(err, ErrInvalid) || err.Error() != "update 1 of 2: mmu_update: EINVAL (invalid argument)" {
		t.Errorf("error %v", err)
	}
	r.op = 99
	if err := UpdateMMU(r, nil); err != nil || r.op != 99 {
		t.Errorf("no updates: hypercall %d, %v", r.op, err)
	}
}

func TestMMUExt(t *testing.T) {
	want := []MMUExtOp{{Cmd: MMUExtPinL4Table, Arg1: 0x1234}, {Cmd: MMUExtUnpinTable, Arg1: 0x1235}}
	r := &recorder{}
	r.answer = func(a []Arg) {
		got := list[MMUExtOp](a[0], a[1].Val())
		if d := cmp.Diff(want, got, cmp.AllowUnexported(MMUExtOp{})); d != "" || a[3].Val() != 0x7ff0 {
			t.Errorf("domain %#x, operations %s", a[3].Val(), d)
		}
	}
	if err := MMUExt(r, want...); err != nil || r.op != 26 {
		t.Errorf("hypercall %d: %v", r.op, err)
	}
	r.ret = -16
	if err := MMUExt(r, want...); !errors.Is(err, ErrBusy) || err.Error() != "operation 0 of 2: mmuext_op: EBUSY (device or resource busy)" {
		t.Errorf("error %v", err)
	}
	if err := MMUExt(r); err != nil {
		t.Errorf("no operations: %v", err)
	}
}

func TestPVProcessor(t *testing.T) {
	for _, tt := range []struct {
		name string
		op   Op
		call func(h Hypervisor) error
		args []uintptr
	}{
		{"update_va_mapping", 14, func(h Hypervisor) error { return UpdateVAMapping(h, 0x1000, 0x5067, FlushInvlpg) }, []uintptr{0x1000, 0x5067, 2}},
		{"set_segment_base", 25, func(h Hypervisor) error { return SetSegmentBase(h, SegmentFS, 0x7000) }, []uintptr{0, 0x7000}},
		{"set_trap_table", 0, func(h Hypervisor) error { return SetTrapTable(h, nil) }, []uintptr{0}},
	} {
		r := &recorder{}
		if err := tt.call(r); err != nil || r.op != tt.op {
			t.Errorf("%s: hypercall %d: %v", tt.name, r.op, err)
		}
		var got []uintptr
		for _, a := range r.args {
			got = append(got, a.Val())
		}
		if d := cmp.Diff(tt.args, got); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
		r.ret = -1
		if err := tt.call(r); err == nil || err.Error() != tt.name+": EPERM (operation not permitted)" {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}

// Xen reads a trap table up to an entry without an address.
func TestSetTrapTable(t *testing.T) {
	table := []TrapInfo{{Vector: 14, CS: FlatCS64, Address: 0x201000}}
	r := &recorder{answer: func(a []Arg) {
		if d := cmp.Diff([]TrapInfo{table[0], {}}, list[TrapInfo](a[0], 2), cmp.AllowUnexported(TrapInfo{})); d != "" {
			t.Error(d)
		}
	}}
	if err := SetTrapTable(r, table); err != nil {
		t.Error(err)
	}
}
