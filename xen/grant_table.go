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
// one after the other, as grants are needed, outside RAM.
//
// An entry is written and invalidated as public/grant_table.h says under
// "Introducing a valid entry" and "Invalidating an unused GTF_permit_access
// entry". Xen changes only the flags; they share a 32-bit word with the
// domain, which is what the atomic operations here work on.
type grantTable struct {
	d *Domain

	mu     sync.Mutex
	ready  bool
	limit  int      // frames that Xen and maxGrantFrames allow
	hole   uint64   // first gfn of limit reserved ones
	mapped int      // frames that stand in the hole
	frames [][]byte // the same as memory, in order
	unused []Ref    // references that nobody holds
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
	if errors.Is(err, hypercall.ErrNoSys) {
		version, err = 1, nil // a hypervisor that knows no other
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
	if t.hole, err = t.d.p.Hole(t.limit); err != nil {
		return err
	}
	t.ready = true
	return nil
}

// grow maps one more frame. With mu held.
func (t *grantTable) grow() error {
	n := len(t.frames)
	if n >= t.limit {
		return fmt.Errorf("grant table is full: %d frames", t.limit)
	}
	gfn := t.hole + uint64(n)
	if t.mapped == n {
		f := xenFrame{fmt.Sprintf("grant frame %d", n), hypercall.SpaceGrantTable, uint64(n)}
		if err := t.d.mapAt(f, gfn, t.limit-n); err != nil {
			return err
		}
		t.mapped++
	}
	page, err := t.d.p.MapGFN(gfn, 1)
	if err != nil {
		return fmt.Errorf("grant frame %d: %w", n, err)
	}
	t.frames = append(t.frames, page)
	for i := hypercall.GrantsPerFrame - 1; i >= 0; i-- {
		ref := Ref(n*hypercall.GrantsPerFrame + i)
		if ref >= hypercall.GrantReserved && shm.Load(page, i*hypercall.GrantEntrySize) == 0 {
			t.unused = append(t.unused, ref)
		}
	}
	return nil
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
// reference that was handed out are mapped and stay so.
func (t *grantTable) entry(ref Ref) ([]byte, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.frames[ref/hypercall.GrantsPerFrame], int(ref%hypercall.GrantsPerFrame) * hypercall.GrantEntrySize
}

func (t *grantTable) permit(ref Ref, dom DomID, gfn uint64, readOnly bool) error {
	if gfn > 1<<32-1 {
		return fmt.Errorf("xen: grant %d: frame %#x does not fit a version 1 entry", ref, gfn)
	}
	page, off := t.entry(ref)
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
	shm.Store(page, off+grantWord, flags|uint32(dom)<<16)
	return nil
}

func (t *grantTable) end(ref Ref) error {
	page, off := t.entry(ref)
	for {
		w := shm.Load(page, off+grantWord)
		if w&(hypercall.GrantReading|hypercall.GrantWriting) != 0 {
			return fmt.Errorf("xen: grant %d to domain %d: %w", ref, w>>16, ErrGrantInUse)
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
	for n := t.mapped - 1; n >= 0; n-- {
		gfn := t.hole + uint64(n)
		if err := t.d.unmap(gfn); err != nil {
			left = append(left, fmt.Errorf("grant frame %d at gfn %#x: %w", n, gfn, err))
		}
	}
	if len(left) == 0 {
		t.mapped, t.frames, t.unused = 0, nil, nil
	}
	return left
}

// live tells of the entries in use, the first few by name. With mu held.
func (t *grantTable) live() []error {
	const named = 4
	var left []error
	count := 0
	for n, page := range t.frames {
		for i := range hypercall.GrantsPerFrame {
			ref := n*hypercall.GrantsPerFrame + i
			off := i * hypercall.GrantEntrySize
			if ref < hypercall.GrantReserved || shm.Load(page, off+grantWord) == 0 {
				continue
			}
			if count++; count <= named {
				left = append(left, fmt.Errorf("grant %d of gfn %#x to domain %d still live", ref,
					shm.Load(page, off+grantFrame), shm.Load(page, off+grantWord)>>16))
			}
		}
	}
	if count > named {
		left = append(left, fmt.Errorf("%d more grants still live", count-named))
	}
	return left
}
