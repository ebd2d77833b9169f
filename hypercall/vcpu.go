package hypercall

// Commands of OpVCPU (public/vcpu.h). VCPUOP_register_vcpu_info is left out on
// purpose: a guest cannot undo it, and the next kernel would be refused.
const VCPUOpGetRunstateInfo = 4

// Runstate is struct vcpu_runstate_info. Times are nanoseconds of system
// time.
type Runstate struct {
	State     int32 // 0 running, 1 runnable, 2 blocked, 3 offline
	EntryTime uint64
	Time      [4]uint64 // spent in each state
}

// VCPURunstate returns when vcpu entered its present state and how long it
// has been in each.
func VCPURunstate(h Hypervisor, vcpu uint32) (Runstate, error) {
	a := &Runstate{}
	_, err := result("VCPUOP_get_runstate_info", h.Call(OpVCPU, Int(VCPUOpGetRunstateInfo), Int(vcpu), Ptr(a)))
	return *a, err
}
