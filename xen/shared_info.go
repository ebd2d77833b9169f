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
// EBUSY since 4.17, and Linux stops there (BUG in arch/arm/xen/enlighten.c).
// Nothing in this library needs the page.
//
// There is no VCPUOP_register_vcpu_info beside it: what is registered stays so
// until the domain ends (public/vcpu.h: "may be called only once per vcpu"),
// and the next kernel's own registration would fail. A vcpu_info in this page
// does as well, for the first processor on every architecture.
type SharedInfo struct {
	Page []byte // shared memory: read it with atomic loads, see internal/shm
	GFN  uint64

	d *Domain
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
	if s.gfn == 0 {
		gfn, err := d.p.Hole(1)
		if err != nil {
			return nil, fmt.Errorf("xen: shared_info: %w", err)
		}
		s.gfn = gfn
	}
	if err := d.mapAt(xenFrame{"shared_info", hypercall.SpaceSharedInfo, 0}, s.gfn, 1); err != nil {
		return nil, fmt.Errorf("xen: %w", err)
	}
	i := &SharedInfo{GFN: s.gfn, d: d}
	s.mapped = i
	d.Register(i)
	var err error
	if i.Page, err = d.p.MapGFN(s.gfn, 1); err != nil {
		return nil, also(fmt.Errorf("xen: shared_info: %w", err), i.close())
	}
	return i, nil
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
	if err := i.d.unmap(i.GFN); err != nil {
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
