package xentest

import (
	"pvboot/hypercall"
	"pvboot/internal/shm"
	"pvboot/xen"
)

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
