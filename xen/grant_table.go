package xen

import (
	"errors"
	"fmt"
	"sync"

	"pvboot/hypercall"
	"pvboot/internal/shm"
)

// maxGrantFrames caps what this domain maps of its grant table: 64 frames,
// Xen's default limit, hold 32768 grants.
const maxGrantFrames = 64

// grantTable is the domain's grant table, version 1. Its frames are mapped
// one after the other, as grants are needed: outside RAM, or in a PV domain
// where Platform.MapGFN likes.
//
// An entry is written and invalidated as public/grant_table.h says under
// "Introducing a valid entry" and "Invalidating an unused GTF_permit_access
// entry". Xen changes only the flags; they share a 32-bit word with the
// domain, which is what the atomic operations here work on.
type grantTable struct {
	d *Domain

	mu     sync.Mutex
	ready  bool
	limit  int          // frames that Xen and maxGrantFrames allow
	hole   uint64       // first gfn of limit reserved ones; none in a PV domain
	frames []tableFrame // in order; the last one may not be seen yet
	unused []Ref        // references that nobody holds
}

// tableFrame is one frame of the table.
type tableFrame struct {
	gfn    uint64 // in a PV domain, the machine frame
	mapped bool   // from when it stands at gfn until it was unmapped
	page   []byte // nil while this program does not see it
}

// Offsets into an entry.
const (
	grantWord  = 0 // flags in the low, domain in the high half
	grantFrame = 4
)

// start makes sure of the table's version and of room to map it. With mu held.
func (t *grantTable) start() error {
	if t.ready {
		return nil
	}
	version, err := hypercall.GnttabGetVersion(t.d.p)
	// A hypervisor that knows no other says the one, and Xen's pvshim the other
	// (xen/arch/x86/pv/shim.c, pv_shim_grant_table_op).
	if errors.Is(err, hypercall.ErrNoSys) || errors.Is(err, hypercall.ErrNotSupported) {
		version, err = 1, nil
	}
	if err != nil {
		return err
	}
	if version != 1 {
		if err := hypercall.GnttabSetVersion(t.d.p, 1); err != nil {
			return err
		}
	}
	_, limit, err := hypercall.GnttabQuerySize(t.d.p)
	if err != nil {
		return err
	}
	t.limit = int(min(limit, maxGrantFrames))
	if t.limit == 0 {
		return errors.New("grant table may have no frames")
	}
	if t.d.p.StartInfo() == nil {
		if t.hole, err = t.d.p.Hole(t.limit); err != nil {
			return err
		}
	}
	t.ready = true
	return nil
}

// grow maps one more frame. With mu held.
func (t *grantTable) grow() error {
	n := len(t.frames) - 1
	if n < 0 || t.frames[n].page != nil {
		n++
		if n >= t.limit {
			return fmt.Errorf("grant table is full: %d frames", t.limit)
		}
		gfn, err := t.place(n)
		if err != nil {
			return err
		}
		t.frames = append(t.frames, tableFrame{gfn: gfn, mapped: true})
	}
	page, err := t.d.p.MapGFN(t.frames[n].gfn, 1)
	if err != nil {
		return fmt.Errorf("grant frame %d: %w", n, err)
	}
	t.frames[n].page = page
	for i := hypercall.GrantsPerFrame - 1; i >= 0; i-- {
		ref := Ref(n*hypercall.GrantsPerFrame + i)
		if ref >= hypercall.GrantReserved && shm.Load(page, i*hypercall.GrantEntrySize) == 0 {
			t.unused = append(t.unused, ref)
		}
	}
	return nil
}

// place makes Xen put frame n where the domain can see it, and says where that
// is: at the next of the reserved gfns, or in a PV domain at a machine frame
// that Xen names. With mu held.
func (t *grantTable) place(n int) (gfn uint64, err error) {
	if t.d.p.StartInfo() == nil {
		gfn = t.hole + uint64(n)
		f := xenFrame{fmt.Sprintf("grant frame %d", n), hypercall.SpaceGrantTable, uint64(n)}
		return gfn, t.d.mapAt(f, gfn, t.limit-n)
	}
	list, err := hypercall.GnttabSetupTable(t.d.p, n+1)
	if err != nil {
		return 0, fmt.Errorf("grant frame %d: %w", n, err)
	}
	return list[n], nil
}

func (t *grantTable) alloc(n int) ([]Ref, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n <= 0 || n > maxGrantFrames*hypercall.GrantsPerFrame {
		return nil, hypercall.ErrInvalid
	}
	if err := t.start(); err != nil {
		return nil, err
	}
	for len(t.unused) < n {
		if err := t.grow(); err != nil {
			return nil, err
		}
	}
	cut := len(t.unused) - n
	refs := append([]Ref(nil), t.unused[cut:]...)
	t.unused = t.unused[:cut]
	return refs, nil
}

func (t *grantTable) free(refs []Ref) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unused = append(t.unused, refs...)
}

// entry returns the frame and the offset of ref's entry. The frames below a
// reference that was handed out are mapped, and stay so until the domain is
// closed.
func (t *grantTable) entry(ref Ref) (page []byte, off int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := int(ref / hypercall.GrantsPerFrame)
	if n >= len(t.frames) || t.frames[n].page == nil {
		return nil, 0, fmt.Errorf("xen: grant %d: %w", ref, ErrClosed)
	}
	return t.frames[n].page, int(ref%hypercall.GrantsPerFrame) * hypercall.GrantEntrySize, nil
}

func (t *grantTable) permit(ref Ref, dom DomID, gfn uint64, readOnly bool) error {
	if gfn > 1<<32-1 {
		return fmt.Errorf("xen: grant %d: frame %#x does not fit a version 1 entry", ref, gfn)
	}
	page, off, err := t.entry(ref)
	if err != nil {
		return err
	}
	if w := shm.Load(page, off+grantWord); w != 0 {
		return fmt.Errorf("xen: grant %d: entry is in use: %#x", ref, w)
	}
	flags := uint32(hypercall.GrantPermitAccess)
	if readOnly {
		flags |= hypercall.GrantReadOnly
	}
	// In this order, which Store keeps: Xen believes the frame, and the
	// other domain the frame's contents, once it sees the flags.
	shm.Store(page, off+grantFrame, uint32(gfn))
	shm.Store(page, off+grantWord, hypercall.GrantHead(flags|uint32(dom)<<16))
	return nil
}

func (t *grantTable) end(ref Ref) error {
	page, off, err := t.entry(ref)
	if err != nil {
		return nil // no entry can be in use any more
	}
	for {
		w := shm.Load(page, off+grantWord)
		if head := hypercall.GrantHead(w); head&(hypercall.GrantReading|hypercall.GrantWriting) != 0 {
			return fmt.Errorf("xen: grant %d to domain %d: %w", ref, head>>16, ErrGrantInUse)
		}
		if w == 0 {
			return nil
		}
		// Xen sets flags by a compare-and-swap of the same 32 bits and clears
		// them by one of the 16 that are flags. Either makes this one fail,
		// also on Arm, whose exclusive monitor watches more than a word
		// (Arm ARM DDI 0487, "Marking and the size of the marked memory
		// block").
		if shm.CompareAndSwap(page, off+grantWord, w, 0) {
			shm.Store(page, off+grantFrame, 0)
			return nil
		}
	}
}

// close checks that no entry but the toolstack's is in use, unmaps the frames
// and makes sure that they are gone. While entries are in use the frames stay,
// so that a later close can look again.
func (t *grantTable) close() []error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if left := t.live(); len(left) > 0 {
		return left
	}
	var left []error
	for n := len(t.frames) - 1; n >= 0; n-- {
		f := &t.frames[n]
		if !f.mapped {
			continue
		}
		if err := t.d.unmap(f.gfn, f.page); err != nil {
			left = append(left, fmt.Errorf("grant frame %d at gfn %#x: %w", n, f.gfn, err))
			continue
		}
		f.mapped, f.page = false, nil
	}
	if len(left) == 0 {
		t.frames, t.unused = nil, nil
	}
	return left
}

// live tells of the entries in use, the first few by name. With mu held.
func (t *grantTable) live() []error {
	const named = 4
	var left []error
	count := 0
	for n, f := range t.frames {
		for i := 0; f.page != nil && i < hypercall.GrantsPerFrame; i++ {
			ref := n*hypercall.GrantsPerFrame + i
			off := i * hypercall.GrantEntrySize
			if ref < hypercall.GrantReserved || shm.Load(f.page, off+grantWord) == 0 {
				continue
			}
			if count++; count <= named {
				left = append(left, fmt.Errorf("grant %d of gfn %#x to domain %d still live", ref,
					shm.Load(f.page, off+grantFrame), hypercall.GrantHead(shm.Load(f.page, off+grantWord))>>16))
			}
		}
	}
	if count > named {
		left = append(left, fmt.Errorf("%d more grants still live", count-named))
	}
	return left
}
