package xen

import (
	"errors"
	"fmt"

	"pvboot/hypercall"
)

// MappedError says that Xen refused to map one of its frames for the domain,
// because the frame is mapped at another guest frame number. On Arm each may
// be mapped once, and has to be unmapped before it is mapped again; on x86
// Xen moves it. It wraps [hypercall.ErrBusy].
type MappedError struct {
	Frame string // "shared_info", or "grant frame" and its index
	GFN   uint64 // where this domain has mapped it; 0 if somebody before it did
	Err   error
}

// Error names the frame and whose mapping it is.
func (e *MappedError) Error() string {
	if e.GFN != 0 {
		return fmt.Sprintf("%s: already mapped at gfn %#x: %v", e.Frame, e.GFN, e.Err)
	}
	return fmt.Sprintf("%s: already mapped: the previous loader left it: %v", e.Frame, e.Err)
}

// Unwrap gives Xen's own error.
func (e *MappedError) Unwrap() error { return e.Err }

// xenFrame is a frame that belongs to Xen and can be mapped by the domain:
// shared_info, or one of the grant table's.
type xenFrame struct {
	name  string
	space hypercall.MapSpace
	idx   uint64
}

// mapAt maps f at gfn, the first of n that Platform.Hole gave and that nothing
// of this domain's occupies. Where Xen says that f is mapped already, those n
// are cleared and the call is made once more: firmware and kernels put such
// frames into the same region (the first one of /hypervisor's reg property),
// and what they have left there is in nobody's use.
func (d *Domain) mapAt(f xenFrame, gfn uint64, n int) error {
	err := hypercall.MemoryAddToPhysmap(d.p, f.space, f.idx, gfn)
	if err == nil {
		return nil
	}
	if !errors.Is(err, hypercall.ErrBusy) {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	for i := range uint64(n) {
		if rerr := hypercall.MemoryRemoveFromPhysmap(d.p, gfn+i); rerr != nil && !errors.Is(rerr, hypercall.ErrNotExist) {
			return also(&MappedError{Frame: f.name, Err: err}, rerr)
		}
	}
	if err := hypercall.MemoryAddToPhysmap(d.p, f.space, f.idx, gfn); err != nil {
		return &MappedError{Frame: f.name, Err: err}
	}
	return nil
}

// unmap ends what the domain sees of one of Xen's frames at gfn; page is nil
// where it saw nothing. Unless this is a PV domain, whose own page tables are all
// that maps the frame, what mapAt put there is then removed, and made sure to be
// gone: on Arm the next kernel could not map the frame otherwise
// (xen/arch/arm/mm.c, xenmem_add_to_physmap_one). A frame that is gone already
// is no error.
func (d *Domain) unmap(gfn uint64, page []byte) error {
	if page != nil {
		if err := d.p.UnmapGFN(page); err != nil {
			return err
		}
	}
	if d.p.StartInfo() != nil {
		return nil
	}
	if err := hypercall.MemoryRemoveFromPhysmap(d.p, gfn); err != nil && !errors.Is(err, hypercall.ErrNotExist) {
		return err
	}
	if err := hypercall.MemoryRemoveFromPhysmap(d.p, gfn); !errors.Is(err, hypercall.ErrNotExist) {
		return errors.New("still mapped after removal")
	}
	return nil
}
