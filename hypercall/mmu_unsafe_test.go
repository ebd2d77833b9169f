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

func TestUpdateVAMapping(t *testing.T) {
	r := &recorder{}
	call := func() error { return UpdateVAMapping(r, 0x1000, 0x5067, FlushInvlpg) }
	if err := call(); err != nil || r.op != 14 {
		t.Errorf("hypercall %d: %v", r.op, err)
	}
	var got []uintptr
	for _, a := range r.args {
		got = append(got, a.Val())
	}
	if d := cmp.Diff([]uintptr{0x1000, 0x5067, 2}, got); d != "" {
		t.Error(d)
	}
	r.ret = -1
	if err := call(); err == nil || err.Error() != "update_va_mapping: EPERM (operation not permitted)" {
		t.Errorf("error %v", err)
	}
}
