package xentest

import (
	"pvboot/hypercall"
	"pvboot/internal/shm"
	"pvboot/xen"
)

// callVCPU is OpVCPU. With mu held.
func (m *Machine) callVCPU(args []hypercall.Arg) int64 {
	cmd := intOf(args, 0)
	switch cmd {
	case hypercall.VCPUOpRegisterVCPUInfo, hypercall.VCPUOpRegisterRunstate:
	case hypercall.VCPUOpGetRunstateInfo:
		if m.c.Arm { // do_arm_vcpu_op
			return errno(hypercall.ErrInvalid)
		}
	default:
		if m.c.Arm {
			return errno(hypercall.ErrInvalid)
		}
		return errno(hypercall.ErrNoSys)
	}
	switch {
	case intOf(args, 1) != 0:
		return errno(hypercall.ErrNotExist)
	case len(args) < 3 || args[2].Pointer() == nil:
		return fault
	}
	switch cmd {
	case hypercall.VCPUOpRegisterVCPUInfo:
		return m.registerVCPUInfo(argOf[hypercall.RegisterVCPUInfo](args, 2))
	case hypercall.VCPUOpRegisterRunstate:
		m.runstate = argOf[hypercall.RegisterRunstate](args, 2).Area
		if m.runstate != nil {
			*m.runstate = m.runstateNow()
		}
		return 0
	}
	*argOf[hypercall.Runstate](args, 2) = m.runstateNow()
	return 0
}

// runstateNow is the runstate of a vcpu that runs. With mu held.
func (m *Machine) runstateNow() hypercall.Runstate {
	now := uint64(m.SystemTime())
	entry := uint64(m.entered)
	if !m.c.Arm {
		entry = now // nobody is told by x86's call how long ago it was
	}
	return hypercall.Runstate{EntryTime: entry, Time: [4]uint64{now}}
}

// enter notes that the vcpu runs again after it was blocked. With mu held.
func (m *Machine) enter() {
	m.entered = m.SystemTime()
	if m.runstate != nil {
		*m.runstate = m.runstateNow()
	}
}

// registerVCPUInfo follows VCPUOP_register_vcpu_info with map_guest_area
// (xen/common/domain.c), and before Xen 4.18 with map_vcpu_info: nothing undoes
// it, and a second call is refused. With mu held.
func (m *Machine) registerVCPUInfo(a *hypercall.RegisterVCPUInfo) int64 {
	size := uint32(48)
	if !m.c.Arm {
		size = 64
	}
	outside := a.Offset > xen.PageSize-size || a.Offset%8 != 0
	page := m.page(a.GFN)
	if m.c.Major == 4 && m.c.Minor < 18 {
		switch {
		case outside:
			return errno(hypercall.ErrNxio)
		case m.vcpuInfo != 0 || page == nil:
			return errno(hypercall.ErrInvalid)
		}
	}
	switch {
	case a.Offset >= xen.PageSize:
		return errno(hypercall.ErrInvalid)
	case m.vcpuInfo != 0:
		return errno(hypercall.ErrBusy)
	case outside:
		return errno(hypercall.ErrNxio)
	case page == nil:
		return errno(hypercall.ErrInvalid)
	}
	m.vcpuInfo = a.GFN
	at := int(a.Offset)
	clear(page[at : at+int(size)])
	var mask uint32
	if m.c.PV { // as at a PV domain's start
		mask = 1 << (8 * hypercall.VCPUInfoUpcallMask)
	}
	shm.Store(page, at+hypercall.VCPUInfoPendingSel, ^uint32(0))
	shm.Store(page, at+hypercall.VCPUInfoPendingSel+4, ^uint32(0))
	shm.Store(page, at+hypercall.VCPUInfoUpcallPending, 1|mask)
	return 0
}
