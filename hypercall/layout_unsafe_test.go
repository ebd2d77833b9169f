package hypercall

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// TestGrantHead lays struct grant_entry_v1's first two fields out by themselves.
func TestGrantHead(t *testing.T) {
	entry := struct{ flags, domain uint16 }{GrantPermitAccess | GrantReading, 0x7ff2}
	word := *(*uint32)(unsafe.Pointer(&entry))
	if got := GrantHead(word); got != 0x7ff20009 {
		t.Errorf("%#x", got)
	}
	if got := GrantHead(GrantHead(word)); got != word {
		t.Errorf("%#x becomes %#x", word, got)
	}
}

// TestLayout compares sizes and offsets with those that the public headers
// give on 64-bit architectures, worked out by a C compiler's rules:
// size/offset of each field.
func TestLayout(t *testing.T) {
	var (
		au AllocUnbound
		bi BindInterdomain
		ps PortStatus
		st SetupTable
		qs QuerySize
		gv GrantVersion
		ap AddToPhysmap
		rp RemoveFromPhysmap
		re Reservation
		mm MemoryMap
		hp HVMParam
		po Poll
		rs Runstate
		mu MMUUpdate
		me MMUExtOp
		ti TrapInfo
		rv RegisterVCPUInfo
	)
	for _, tt := range []struct {
		header    string
		got, want []uintptr
	}{
		{"event_channel.h: struct evtchn_alloc_unbound",
			[]uintptr{unsafe.Sizeof(au), unsafe.Offsetof(au.Dom), unsafe.Offsetof(au.RemoteDom), unsafe.Offsetof(au.Port)},
			[]uintptr{8, 0, 2, 4}},
		{"event_channel.h: struct evtchn_bind_interdomain",
			[]uintptr{unsafe.Sizeof(bi), unsafe.Offsetof(bi.RemoteDom), unsafe.Offsetof(bi.RemotePort), unsafe.Offsetof(bi.LocalPort)},
			[]uintptr{12, 0, 4, 8}},
		{"event_channel.h: struct evtchn_close, evtchn_send, evtchn_unmask",
			[]uintptr{unsafe.Sizeof(PortArg{})}, []uintptr{4}},
		{"event_channel.h: struct evtchn_status",
			[]uintptr{unsafe.Sizeof(ps), unsafe.Offsetof(ps.Dom), unsafe.Offsetof(ps.Port), unsafe.Offsetof(ps.Status),
				unsafe.Offsetof(ps.VCPU), unsafe.Offsetof(ps.RemoteDom), unsafe.Offsetof(ps.RemotePort)},
			[]uintptr{24, 0, 4, 8, 12, 16, 20}},
		{"grant_table.h: struct gnttab_setup_table",
			[]uintptr{unsafe.Sizeof(st), unsafe.Offsetof(st.Dom), unsafe.Offsetof(st.NrFrames),
				unsafe.Offsetof(st.Status), unsafe.Offsetof(st.FrameList)},
			[]uintptr{24, 0, 4, 8, 16}},
		{"grant_table.h: struct gnttab_query_size",
			[]uintptr{unsafe.Sizeof(qs), unsafe.Offsetof(qs.Dom), unsafe.Offsetof(qs.NrFrames),
				unsafe.Offsetof(qs.MaxNrFrames), unsafe.Offsetof(qs.Status)},
			[]uintptr{16, 0, 4, 8, 12}},
		{"grant_table.h: struct gnttab_get_version",
			[]uintptr{unsafe.Sizeof(gv), unsafe.Offsetof(gv.Dom), unsafe.Offsetof(gv.Version)},
			[]uintptr{8, 0, 4}},
		{"memory.h: struct xen_add_to_physmap",
			[]uintptr{unsafe.Sizeof(ap), unsafe.Offsetof(ap.Dom), unsafe.Offsetof(ap.Size), unsafe.Offsetof(ap.Space),
				unsafe.Offsetof(ap.Idx), unsafe.Offsetof(ap.GPFN)},
			[]uintptr{24, 0, 2, 4, 8, 16}},
		{"memory.h: struct xen_remove_from_physmap",
			[]uintptr{unsafe.Sizeof(rp), unsafe.Offsetof(rp.Dom), unsafe.Offsetof(rp.GPFN)},
			[]uintptr{16, 0, 8}},
		{"memory.h: struct xen_memory_reservation",
			[]uintptr{unsafe.Sizeof(re), unsafe.Offsetof(re.ExtentStart), unsafe.Offsetof(re.NrExtents),
				unsafe.Offsetof(re.ExtentOrder), unsafe.Offsetof(re.MemFlags), unsafe.Offsetof(re.Dom)},
			[]uintptr{32, 0, 8, 16, 20, 24}},
		{"memory.h: struct xen_memory_map",
			[]uintptr{unsafe.Sizeof(mm), unsafe.Offsetof(mm.NrEntries), unsafe.Offsetof(mm.Buffer)},
			[]uintptr{16, 0, 8}},
		{"hvm/hvm_op.h: struct xen_hvm_param",
			[]uintptr{unsafe.Sizeof(hp), unsafe.Offsetof(hp.Dom), unsafe.Offsetof(hp.Index), unsafe.Offsetof(hp.Value)},
			[]uintptr{16, 0, 4, 8}},
		{"sched.h: struct sched_poll",
			[]uintptr{unsafe.Sizeof(po), unsafe.Offsetof(po.Ports), unsafe.Offsetof(po.NrPorts), unsafe.Offsetof(po.Timeout)},
			[]uintptr{24, 0, 8, 16}},
		{"sched.h: struct sched_shutdown", []uintptr{unsafe.Sizeof(Shutdown{})}, []uintptr{4}},
		{"vcpu.h: struct vcpu_runstate_info",
			[]uintptr{unsafe.Sizeof(rs), unsafe.Offsetof(rs.State), unsafe.Offsetof(rs.EntryTime), unsafe.Offsetof(rs.Time)},
			[]uintptr{48, 0, 8, 16}},
		{"vcpu.h: struct vcpu_register_vcpu_info",
			[]uintptr{unsafe.Sizeof(rv), unsafe.Offsetof(rv.GFN), unsafe.Offsetof(rv.Offset), unsafe.Offsetof(rv.Rsvd)},
			[]uintptr{16, 0, 8, 12}},
		{"xen.h: struct mmu_update",
			[]uintptr{unsafe.Sizeof(mu), unsafe.Offsetof(mu.Ptr), unsafe.Offsetof(mu.Val)},
			[]uintptr{16, 0, 8}},
		{"xen.h: struct mmuext_op",
			[]uintptr{unsafe.Sizeof(me), unsafe.Offsetof(me.Cmd), unsafe.Offsetof(me.Arg1)},
			[]uintptr{24, 0, 8}},
		{"arch-x86/xen.h: struct trap_info",
			[]uintptr{unsafe.Sizeof(ti), unsafe.Offsetof(ti.Vector), unsafe.Offsetof(ti.Flags), unsafe.Offsetof(ti.CS), unsafe.Offsetof(ti.Address)},
			[]uintptr{16, 0, 1, 2, 8}},
		{"version.h: struct xen_feature_info", []uintptr{unsafe.Sizeof(FeatureInfo{})}, []uintptr{8}},
		{"version.h: xen_extraversion_t", []uintptr{unsafe.Sizeof(ExtraVersion{})}, []uintptr{16}},
	} {
		if d := cmp.Diff(tt.want, tt.got); d != "" {
			t.Errorf("%s: %s", tt.header, d)
		}
	}
}

// pointee reads what a recorded call's pointer argument leads to.
func pointee[T any](a Arg) T {
	if a.Pointer() == nil {
		panic(fmt.Sprintf("argument %v is no pointer", a))
	}
	return *(*T)(a.Pointer())
}

// fill writes to where a call's pointer argument leads.
func fill[T any](a Arg, v T) { *(*T)(a.Pointer()) = v }

// fillBytes writes src to where p leads.
func fillBytes(p *byte, src []byte) { copy(unsafe.Slice(p, len(src)), src) }

// fillWords writes words to where p leads.
func fillWords(p *uint64, words ...uint64) { copy(unsafe.Slice(p, len(words)), words) }
