package hypercall

import (
	"encoding/binary"
	"errors"
	iofs "io/fs"
	"strings"
	"testing"
)

// recorder is a hypervisor that notes one call and answers it.
type recorder struct {
	op     Op
	args   []Arg
	ret    int64
	answer func(args []Arg)
}

func (r *recorder) Call(op Op, args ...Arg) int64 {
	r.op, r.args = op, args
	if r.answer != nil {
		r.answer(args)
	}
	return r.ret
}

// calls are all typed calls, with the hypercall and command that each must
// make and what stands in its error.
var calls = []struct {
	name string
	op   Op
	cmd  int
	call func(h Hypervisor) error
}{
	{"XENVER_version", 17, 0, func(h Hypervisor) error { _, _, err := XenVersion(h); return err }},
	{"XENVER_extraversion", 17, 1, func(h Hypervisor) error { _, err := XenExtraVersion(h); return err }},
	{"XENVER_get_features", 17, 6, func(h Hypervisor) error { _, err := XenFeatures(h, 0); return err }},
	{"EVTCHNOP_bind_interdomain", 32, 0, func(h Hypervisor) error { _, err := EvtchnBindInterdomain(h, 1, 2); return err }},
	{"EVTCHNOP_close", 32, 3, func(h Hypervisor) error { return EvtchnClose(h, 1) }},
	{"EVTCHNOP_send", 32, 4, func(h Hypervisor) error { return EvtchnSend(h, 1) }},
	{"EVTCHNOP_status", 32, 5, func(h Hypervisor) error { _, err := EvtchnStatus(h, 1); return err }},
	{"EVTCHNOP_alloc_unbound", 32, 6, func(h Hypervisor) error { _, err := EvtchnAllocUnbound(h, 1); return err }},
	{"EVTCHNOP_unmask", 32, 9, func(h Hypervisor) error { return EvtchnUnmask(h, 1) }},
	{"GNTTABOP_setup_table", 20, 2, func(h Hypervisor) error { _, err := GnttabSetupTable(h, 3); return err }},
	{"GNTTABOP_query_size", 20, 6, func(h Hypervisor) error { _, _, err := GnttabQuerySize(h); return err }},
	{"GNTTABOP_set_version", 20, 8, func(h Hypervisor) error { return GnttabSetVersion(h, 1) }},
	{"GNTTABOP_get_version", 20, 10, func(h Hypervisor) error { _, err := GnttabGetVersion(h); return err }},
	{"XENMEM_decrease_reservation", 12, 1, func(h Hypervisor) error { _, err := MemoryDecreaseReservation(h, []uint64{1}); return err }},
	{"XENMEM_populate_physmap", 12, 6, func(h Hypervisor) error { _, err := MemoryPopulatePhysmap(h, []uint64{1}); return err }},
	{"XENMEM_add_to_physmap", 12, 7, func(h Hypervisor) error { return MemoryAddToPhysmap(h, SpaceGrantTable, 0, 1) }},
	{"XENMEM_memory_map", 12, 9, func(h Hypervisor) error { _, err := MemoryE820(h); return err }},
	{"XENMEM_remove_from_physmap", 12, 15, func(h Hypervisor) error { return MemoryRemoveFromPhysmap(h, 1) }},
	{"HVMOP_set_param", 34, 0, func(h Hypervisor) error { return HVMSetParam(h, 0, 1) }},
	{"HVMOP_get_param", 34, 1, func(h Hypervisor) error { _, err := HVMGetParam(h, 0); return err }},
	{"SCHEDOP_yield", 29, 0, SchedYield},
	{"SCHEDOP_shutdown", 29, 2, func(h Hypervisor) error { return SchedShutdown(h, ShutdownCrash) }},
	{"SCHEDOP_poll", 29, 3, func(h Hypervisor) error { return SchedPoll(h, nil, 1) }},
	{"VCPUOP_get_runstate_info", 24, 4, func(h Hypervisor) error { _, err := VCPURunstate(h, 0); return err }},
	{"VCPUOP_register_vcpu_info", 24, 10, func(h Hypervisor) error { return VCPURegisterInfo(h, 0, 1, 0) }},
	{"CONSOLEIO_write", 18, 0, func(h Hypervisor) error { return ConsoleWrite(h, []byte("x")) }},
}

func TestCallsMakeTheRightHypercall(t *testing.T) {
	for _, tt := range calls {
		r := &recorder{}
		if err := tt.call(r); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if r.op != tt.op || int(r.args[0].Val()) != tt.cmd || r.args[0].Pointer() != nil {
			t.Errorf("%s: hypercall %d, command %d", tt.name, r.op, r.args[0].Val())
		}
		r.ret = -16
		err := tt.call(r)
		if !errors.Is(err, ErrBusy) || !strings.HasPrefix(err.Error(), tt.name+": EBUSY") {
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
}

func TestResults(t *testing.T) {
	r := &recorder{ret: 4<<16 | 20}
	if a, b, err := XenVersion(r); a != 4 || b != 20 || err != nil {
		t.Errorf("version %d.%d, %v", a, b, err)
	}
	r = &recorder{answer: func(a []Arg) { fill(a[1], ExtraVersion{'.', '7', 0, 'x'}) }}
	if s, err := XenExtraVersion(r); s != ".7" || err != nil {
		t.Errorf("extra version %q, %v", s, err)
	}
	r.answer = func(a []Arg) { fill(a[1], ExtraVersion([]byte("0123456789abcdef"))) }
	if s, _ := XenExtraVersion(r); s != "0123456789abcdef" {
		t.Errorf("extra version without its end: %q", s)
	}
	r = &recorder{answer: func(a []Arg) { fill(a[1], FeatureInfo{Submap: 0x104}) }}
	if f, _ := XenFeatures(r, 0); f != 0x104 {
		t.Errorf("features %#x", f)
	}
	r = &recorder{answer: func(a []Arg) {
		if in := pointee[AllocUnbound](a[1]); in.Dom != DomSelf || in.RemoteDom != 3 {
			t.Errorf("alloc_unbound %+v", in)
		}
		fill(a[1], AllocUnbound{Port: 9})
	}}
	if p, _ := EvtchnAllocUnbound(r, 3); p != 9 {
		t.Errorf("port %d", p)
	}
	r = &recorder{answer: func(a []Arg) {
		if int(a[1].Val()) != 2 {
			t.Errorf("vcpu %d", a[1].Val())
		}
		fill(a[2], Runstate{State: 2, EntryTime: 77})
	}}
	if s, _ := VCPURunstate(r, 2); s.State != 2 || s.EntryTime != 77 {
		t.Errorf("runstate %+v", s)
	}
}

func TestQuerySizeStatus(t *testing.T) {
	r := &recorder{answer: func(a []Arg) { fill(a[1], QuerySize{Status: GrantPermissionDenied}) }}
	if _, _, err := GnttabQuerySize(r); !errors.Is(err, GrantPermissionDenied) || err.Error() != "GNTTABOP_query_size: GNTST_permission_denied" {
		t.Error(err)
	}
	if s := GrantStatus(-77).Error(); s != "GNTST -77" {
		t.Error(s)
	}
}

func TestSetupTable(t *testing.T) {
	r := &recorder{answer: func(a []Arg) {
		in := pointee[SetupTable](a[1])
		if in.Dom != DomSelf || in.NrFrames != 2 || a[2].Val() != 1 {
			t.Errorf("setup_table %+v, count %d", in, a[2].Val())
		}
		fillWords(in.FrameList, 7, 9)
	}}
	if l, err := GnttabSetupTable(r, 2); err != nil || len(l) != 2 || l[0] != 7 || l[1] != 9 {
		t.Errorf("%v, %v", l, err)
	}
	r.answer = func(a []Arg) { fill(a[1], SetupTable{Status: GrantGeneralError}) }
	if _, err := GnttabSetupTable(r, 2); !errors.Is(err, GrantGeneralError) || err.Error() != "GNTTABOP_setup_table: GNTST_general_error" {
		t.Error(err)
	}
	r.args = nil
	for _, n := range []int{-1, 0, MaxSetupTable + 1} {
		if _, err := GnttabSetupTable(r, n); !errors.Is(err, ErrInvalid) || r.args != nil {
			t.Errorf("%d frames: %v, call %v", n, err, r.args)
		}
	}
}

func TestRegisterVCPUInfo(t *testing.T) {
	r := &recorder{answer: func(a []Arg) {
		if in := pointee[RegisterVCPUInfo](a[2]); int(a[1].Val()) != 3 || in != (RegisterVCPUInfo{GFN: 0x1234, Offset: 64}) {
			t.Errorf("vcpu %d, %+v", a[1].Val(), in)
		}
	}}
	if err := VCPURegisterInfo(r, 3, 0x1234, 64); err != nil {
		t.Error(err)
	}
}

func TestMemoryE820(t *testing.T) {
	var packed []byte // struct e820entry has no gaps
	for _, e := range []E820{{0x100000, 0x10000000, 1}, {0x1fc000000, 0x1000, 2}} {
		packed = binary.NativeEndian.AppendUint64(binary.NativeEndian.AppendUint64(packed, e.Start), e.Size)
		packed = binary.NativeEndian.AppendUint32(packed, e.Type)
	}
	n := uint32(2)
	r := &recorder{answer: func(a []Arg) {
		mm := pointee[MemoryMap](a[1])
		if mm.NrEntries != MaxE820 {
			t.Errorf("room for %d entries", mm.NrEntries)
		}
		fillBytes(mm.Buffer, packed)
		mm.NrEntries = n
		fill(a[1], mm)
	}}
	m, err := MemoryE820(r)
	want := []E820{{0x100000, 0x10000000, 1}, {0x1fc000000, 0x1000, 2}}
	if err != nil || len(m) != 2 || m[0] != want[0] || m[1] != want[1] {
		t.Errorf("%+v, %v", m, err)
	}
	n = MaxE820 + 1
	if _, err := MemoryE820(r); err == nil || !strings.Contains(err.Error(), "257 entries in room for 256") {
		t.Error(err)
	}
}

func TestReservationCounts(t *testing.T) {
	r := &recorder{ret: 1}
	if n, err := MemoryPopulatePhysmap(r, []uint64{5, 6}); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if in := pointee[Reservation](r.args[1]); in.NrExtents != 2 || *in.ExtentStart != 5 || in.Dom != DomSelf {
		t.Errorf("%+v", in)
	}
	r.ret = 3
	if _, err := MemoryPopulatePhysmap(r, []uint64{5, 6}); err == nil {
		t.Error("more extents done than asked for")
	}
	r.args = nil
	if n, err := MemoryPopulatePhysmap(r, nil); n != 0 || err != nil || r.args != nil {
		t.Errorf("no extents: %d, %v, call %v", n, err, r.args)
	}
}

func TestPollPorts(t *testing.T) {
	r := &recorder{}
	if err := SchedPoll(r, []Port{4, 5}, 99); err != nil {
		t.Fatal(err)
	}
	if p := pointee[Poll](r.args[1]); p.NrPorts != 2 || *p.Ports != 4 || p.Timeout != 99 {
		t.Errorf("%+v", p)
	}
	if err := SchedPoll(r, nil, 99); err != nil {
		t.Fatal(err)
	}
	if p := pointee[Poll](r.args[1]); p.NrPorts != 0 || p.Ports != nil {
		t.Errorf("%+v", p)
	}
}

func TestConsoleWriteNothing(t *testing.T) {
	r := &recorder{ret: -1}
	if err := ConsoleWrite(r, nil); err != nil || r.args != nil {
		t.Errorf("%v, %v", err, r.args)
	}
}

func TestErrno(t *testing.T) {
	for _, tt := range []struct {
		e    Errno
		is   error
		text string
	}{
		{ErrPerm, iofs.ErrPermission, "EPERM (operation not permitted)"},
		{ErrAccess, iofs.ErrPermission, "EACCES (permission denied)"},
		{ErrNotExist, iofs.ErrNotExist, "ENOENT (no such entry)"},
		{ErrExist, iofs.ErrExist, "EEXIST (entry exists)"},
		{ErrInvalid, iofs.ErrInvalid, "EINVAL (invalid argument)"},
		{Errno(84), Errno(84), "xen errno 84"},
	} {
		if !errors.Is(tt.e, tt.is) || tt.e.Error() != tt.text {
			t.Errorf("%d: %v", int(tt.e), tt.e)
		}
	}
	if errors.Is(ErrBusy, iofs.ErrExist) || errors.Is(ErrNotExist, iofs.ErrPermission) {
		t.Error("unlike errors are alike")
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		ParamStorePFN.String(): "HVM_PARAM_STORE_PFN", Param(99).String(): "HVM_PARAM(99)",
		ShutdownCrash.String(): "crash", ShutdownReason(9).String(): "shutdown(9)",
		ShutdownPoweroff.String(): "poweroff", ShutdownReboot.String(): "reboot", ShutdownSuspend.String(): "suspend",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
