package xentest

import (
	"fmt"

	"pvboot/hypercall"
	"pvboot/internal/shm"
	"pvboot/xen"
)

// grants is the grant table: its frames, which the guest maps and writes, and
// what domain 0 has mapped through it.
type grants struct {
	table []byte // limit frames
	size  int    // frames that exist
	limit int
	pins  map[xen.Ref]*pin
}

// pin counts domain 0's mappings through an entry.
type pin struct{ readers, writers int }

func (g *grants) init(limit int) {
	g.limit, g.size = limit, 1
	g.table = alignedPages(limit)
	g.pins = make(map[xen.Ref]*pin)
}

// seed writes an entry of the toolstack's.
func (g *grants) seed(ref xen.Ref, gfn uint32) {
	off := int(ref) * hypercall.GrantEntrySize
	shm.Store(g.table, off+4, gfn)
	shm.Store(g.table, off, hypercall.GrantHead(hypercall.GrantPermitAccess))
}

func (g *grants) entries() int { return g.size * hypercall.GrantsPerFrame }

// grantOf returns an entry that gives access to gfn.
func (g *grants) grantOf(gfn uint64) (xen.Ref, bool) {
	for ref := hypercall.GrantReserved; ref < g.entries(); ref++ {
		off := ref * hypercall.GrantEntrySize
		if shm.Load(g.table, off) != 0 && shm.Load(g.table, off+4) == uint32(gfn) {
			return xen.Ref(ref), true
		}
	}
	return 0, false
}

// acquire checks an entry and marks it in use, as Xen's _set_status_v1 does.
// With mu held.
func (m *Machine) acquire(ref xen.Ref, write bool) ([]byte, error) {
	g := &m.grants
	if int(ref) >= g.entries() {
		return nil, fmt.Errorf("xentest: grant %d: %w", ref, hypercall.GrantBadRef)
	}
	off := int(ref) * hypercall.GrantEntrySize
	for {
		w := hypercall.GrantHead(shm.Load(g.table, off))
		if w&hypercall.GrantTypeMask != hypercall.GrantPermitAccess || w>>16 != 0 {
			return nil, fmt.Errorf("xentest: grant %d: flags %#x: %w", ref, w, hypercall.GrantBadRef)
		}
		if write && w&hypercall.GrantReadOnly != 0 {
			return nil, fmt.Errorf("xentest: grant %d: read-only: %w", ref, hypercall.GrantGeneralError)
		}
		set := w | hypercall.GrantReading
		if write {
			set |= hypercall.GrantWriting
		}
		if shm.CompareAndSwap(g.table, off, hypercall.GrantHead(w), hypercall.GrantHead(set)) {
			break
		}
	}
	p := g.pins[ref]
	if p == nil {
		p = &pin{}
		g.pins[ref] = p
	}
	p.readers++
	if write {
		p.writers++
	}
	page := m.page(uint64(shm.Load(g.table, off+4)))
	if page == nil {
		m.release(ref, write)
		return nil, fmt.Errorf("xentest: grant %d: gfn %#x: %w", ref, shm.Load(g.table, off+4), hypercall.GrantBadPage)
	}
	return page, nil
}

// release undoes acquire. With mu held.
func (m *Machine) release(ref xen.Ref, write bool) {
	g := &m.grants
	p := g.pins[ref]
	p.readers--
	if write {
		p.writers--
	}
	var drop uint32
	if p.writers == 0 {
		drop = hypercall.GrantWriting
	}
	if p.readers == 0 {
		drop |= hypercall.GrantReading
		delete(g.pins, ref)
	}
	off := int(ref) * hypercall.GrantEntrySize
	for {
		w := shm.Load(g.table, off)
		if shm.CompareAndSwap(g.table, off, w, w&^hypercall.GrantHead(drop)) {
			return
		}
	}
}

// Mapping is a granted page that domain 0 has mapped
// (GNTTABOP_map_grant_ref).
type Mapping struct {
	Page []byte

	m     *Machine
	ref   xen.Ref
	write bool
	done  bool
}

// Map maps the page that grant ref gives access to. The error wraps a
// [hypercall.GrantStatus].
func (m *Machine) Map(ref xen.Ref, readOnly bool) (*Mapping, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	page, err := m.acquire(ref, !readOnly)
	if err != nil {
		return nil, err
	}
	return &Mapping{Page: page, m: m, ref: ref, write: !readOnly}, nil
}

// Unmap ends the mapping.
func (p *Mapping) Unmap() {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if !p.done {
		p.done = true
		p.m.release(p.ref, p.write)
	}
}

// CopyFrom copies from byte offset off of the page of grant ref to dst
// (GNTTABOP_copy).
func (m *Machine) CopyFrom(ref xen.Ref, off int, dst []byte) error {
	return m.copy(ref, off, len(dst), false, func(page []byte) { copy(dst, page) })
}

// CopyTo copies src to byte offset off of the page of grant ref.
func (m *Machine) CopyTo(ref xen.Ref, off int, src []byte) error {
	return m.copy(ref, off, len(src), true, func(page []byte) { copy(page, src) })
}

func (m *Machine) copy(ref xen.Ref, off, n int, write bool, move func(page []byte)) error {
	if off < 0 || n < 0 || off+n > xen.PageSize {
		return fmt.Errorf("xentest: grant %d: %d bytes at %d: %w", ref, n, off, hypercall.GrantBadCopyArg)
	}
	m.mu.Lock()
	page, err := m.acquire(ref, write)
	m.mu.Unlock()
	if err != nil {
		return err
	}
	move(page[off : off+n])
	m.mu.Lock()
	m.release(ref, write)
	m.mu.Unlock()
	return nil
}

// callGrantTable is OpGrantTable. With mu held.
func (m *Machine) callGrantTable(args []hypercall.Arg) int64 {
	switch intOf(args, 0) {
	case hypercall.GnttabOpSetupTable:
		return m.setupTable(argOf[hypercall.SetupTable](args, 1), intOf(args, 2))
	case hypercall.GnttabOpQuerySize:
		a := argOf[hypercall.QuerySize](args, 1)
		if a == nil {
			return fault
		}
		if a.Dom != hypercall.DomSelf && a.Dom != m.c.DomID {
			a.Status = hypercall.GrantPermissionDenied
			return 0
		}
		a.NrFrames, a.MaxNrFrames, a.Status = uint32(m.grants.size), uint32(m.grants.limit), hypercall.GrantOkay
		return 0
	case hypercall.GnttabOpGetVersion:
		a := argOf[hypercall.GrantVersion](args, 1)
		if a == nil {
			return fault
		}
		a.Version = 1
		return 0
	case hypercall.GnttabOpSetVersion:
		a := argOf[uint32](args, 1)
		switch {
		case a == nil:
			return fault
		case *a == 2:
			return errno(hypercall.ErrNoSys) // "gnttab=max-ver:1"
		case *a != 1:
			return errno(hypercall.ErrInvalid)
		}
		return 0
	}
	return errno(hypercall.ErrNoSys)
}

// setupTable follows gnttab_setup_table: refusals are a status. With mu held.
func (m *Machine) setupTable(a *hypercall.SetupTable, count uint64) int64 {
	switch {
	case count != 1:
		return errno(hypercall.ErrInvalid)
	case a == nil || a.FrameList == nil && a.NrFrames > 0:
		return fault
	case a.Dom != hypercall.DomSelf && a.Dom != m.c.DomID:
		a.Status = hypercall.GrantPermissionDenied
		return 0
	case a.NrFrames > uint32(m.grants.limit):
		a.Status = hypercall.GrantGeneralError
		return 0
	}
	m.grants.size = max(m.grants.size, int(a.NrFrames))
	if m.c.PV {
		m.showGrantFrames()
	}
	list := arrayOf(a.FrameList, int(a.NrFrames))
	for i := range list {
		list[i] = m.grantFrameAt(i)
	}
	a.Status = hypercall.GrantOkay
	return 0
}

// grantFrameAt returns the gfn of frame i of the grant table; all ones, Xen's
// INVALID_GFN, where it is not mapped. With mu held.
func (m *Machine) grantFrameAt(i int) uint64 {
	for gfn, f := range m.p2m {
		if f.kind == frameGrant && f.idx == i {
			return gfn
		}
	}
	return ^uint64(0)
}
