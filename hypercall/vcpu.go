package hypercall

// Commands of OpVCPU (public/vcpu.h).
const (
	VCPUOpGetRunstateInfo  = 4
	VCPUOpRegisterRunstate = 5 // VCPUOP_register_runstate_memory_area
	VCPUOpRegisterVCPUInfo = 10
)

// Runstate is struct vcpu_runstate_info. Times are nanoseconds of system
// time.
type Runstate struct {
	State     int32 // 0 running, 1 runnable, 2 blocked, 3 offline
	EntryTime uint64
	Time      [4]uint64 // spent in each state
}

// RegisterRunstate is struct vcpu_register_runstate_memory_area: where Xen is to
// keep a vcpu's runstate up to date, nil for nowhere.
type RegisterRunstate struct{ Area *Runstate }

// RegisterVCPUInfo is struct vcpu_register_vcpu_info.
type RegisterVCPUInfo struct {
	GFN    uint64 // the header's mfn
	Offset uint32 // bytes within the frame
	Rsvd   uint32
}

// VCPURunstate returns when vcpu entered its present state and how long it
// has been in each.
func VCPURunstate(h Hypervisor, vcpu uint32) (Runstate, error) {
	a := &Runstate{}
	_, err := result("VCPUOP_get_runstate_info", h.Call(OpVCPU, Int(VCPUOpGetRunstateInfo), Int(vcpu), Ptr(a)))
	return *a, err
}

// VCPURegisterRunstate makes Xen write vcpu's runstate to area, at once and each
// time that it changes, until it is called with another area or nil. area must
// be memory that does not move.
func VCPURegisterRunstate(h Hypervisor, vcpu uint32, area *Runstate) error {
	a := &RegisterRunstate{area}
	_, err := result("VCPUOP_register_runstate_memory_area", h.Call(OpVCPU, Int(VCPUOpRegisterRunstate), Int(vcpu), Ptr(a)))
	return err
}

// VCPURegisterInfo makes Xen keep vcpu's struct vcpu_info at an offset into
// frame gfn of the domain's RAM. Nothing takes that back before the domain
// ends, and a kernel that is started later is refused: call it in a program that
// starts none. Errors: EBUSY when it was done before (EINVAL before Xen 4.18),
// ENXIO when the structure is misaligned or does not lie within the frame,
// ENOENT when there is no such vcpu.
func VCPURegisterInfo(h Hypervisor, vcpu uint32, gfn uint64, offset uint32) error {
	a := &RegisterVCPUInfo{GFN: gfn, Offset: offset}
	_, err := result("VCPUOP_register_vcpu_info", h.Call(OpVCPU, Int(VCPUOpRegisterVCPUInfo), Int(vcpu), Ptr(a)))
	return err
}
