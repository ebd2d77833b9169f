package xen

import (
	"fmt"
	"sync"

	"pvboot/hypercall"
)

// SharedInfo is the page that Xen shares with the domain (struct shared_info,
// public/xen.h): pending events, their mask, the wall clock, and the vcpu_info
// of the first virtual processors.
//
// It is mapped at most once at a time, outside RAM, and must be unmapped before
// another kernel starts. On Arm, Xen refuses to map a page that is mapped, with
// EBUSY since 4.17, and Linux stops there (BUG in arch/arm/xen/enlighten.c). A
// PV domain maps it by its machine address, by page tables of its own.
// Nothing in this library needs the page.
//
// For a program that takes upcalls, [SharedInfo.VCPUInfo] is the vcpu_info that
// it can leave again. One that is registered elsewhere stays so until the
// domain ends, see [Resident].
type SharedInfo struct {
	Page []byte // shared memory: read it with atomic loads, see internal/shm
	GFN  uint64 // in a PV domain, the machine frame

	d    *Domain
	page []byte // to be unmapped
}

// sharedInfo is the domain's mapping of the page.
type sharedInfo struct {
	mu     sync.Mutex
	gfn    uint64 // the place kept for it, 0 if none yet
	mapped *SharedInfo
}

// MapSharedInfo maps the page. While this domain has it mapped, or an earlier
// loader has left it mapped where nobody can tell, the error is a
// [MappedError].
func (d *Domain) MapSharedInfo() (*SharedInfo, error) {
	if d.isClosed() {
		return nil, fmt.Errorf("xen: shared_info: %w", ErrClosed)
	}
	s := &d.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mapped != nil {
		return nil, fmt.Errorf("xen: %w", &MappedError{Frame: "shared_info", GFN: s.mapped.GFN, Err: hypercall.ErrBusy})
	}
	if err := d.placeSharedInfo(); err != nil {
		return nil, fmt.Errorf("xen: %w", err)
	}
	i := &SharedInfo{GFN: s.gfn, d: d}
	s.mapped = i
	d.Register(i)
	var err error
	if i.page, err = d.p.MapGFN(s.gfn, 1); err != nil {
		return nil, also(fmt.Errorf("xen: shared_info: %w", err), i.close())
	}
	i.Page = i.page
	return i, nil
}

// placeSharedInfo makes sure that the page stands at d.shared.gfn. With its lock
// held.
func (d *Domain) placeSharedInfo() error {
	s := &d.shared
	if start := d.p.StartInfo(); start != nil {
		if start.SharedInfo == 0 || start.SharedInfo%PageSize != 0 {
			return fmt.Errorf("start_info: shared_info at machine address %#x: no page", start.SharedInfo)
		}
		s.gfn = start.SharedInfo / PageSize
		return nil
	}
	if s.gfn == 0 {
		gfn, err := d.p.Hole(1)
		if err != nil {
			return fmt.Errorf("shared_info: %w", err)
		}
		s.gfn = gfn
	}
	return d.mapAt(xenFrame{"shared_info", hypercall.SpaceSharedInfo, 0}, s.gfn, 1)
}

// VCPUInfo is the part of the page that is the struct vcpu_info of a virtual
// processor, as long as none was registered for it: nil for the 33rd and later
// ones on x86, and for all but the first on Arm (public/arch-*.h,
// XEN_LEGACY_MAX_VCPUS).
func (i *SharedInfo) VCPUInfo(vcpu uint32) []byte {
	if vcpu >= hypercall.LegacyMaxVCPUs {
		return nil
	}
	const size = hypercall.VCPUInfoSize
	return i.page[vcpu*size : (vcpu+1)*size : (vcpu+1)*size]
}

// Close unmaps the page, so that it can be mapped again by whoever wants to. A
// second Close does nothing.
func (i *SharedInfo) Close() error {
	i.d.shared.mu.Lock()
	defer i.d.shared.mu.Unlock()
	return i.close()
}

// close is Close with the lock held.
func (i *SharedInfo) close() error {
	if i.d.shared.mapped != i {
		return nil
	}
	if err := i.d.unmap(i.GFN, i.page); err != nil {
		return fmt.Errorf("xen: shared_info: %w", err)
	}
	i.d.shared.mapped = nil
	i.d.Unregister(i)
	return nil
}

// String names the page and its place.
func (i *SharedInfo) String() string { return fmt.Sprintf("shared_info at gfn %#x", i.GFN) }

// check tells of a mapping that nobody has undone.
func (s *sharedInfo) check() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mapped == nil {
		return nil
	}
	return []error{fmt.Errorf("%v still mapped", s.mapped)}
}
