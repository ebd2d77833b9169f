package xentest

import (
	"encoding/binary"

	"pvboot/hypercall"
	"pvboot/xen"
)

// callMemory is OpMemory. With mu held.
func (m *Machine) callMemory(args []hypercall.Arg) int64 {
	switch intOf(args, 0) {
	case hypercall.MemoryOpAddToPhysmap:
		return m.addToPhysmap(argOf[hypercall.AddToPhysmap](args, 1))
	case hypercall.MemoryOpRemoveFromPhysmap:
		return m.removeFromPhysmap(argOf[hypercall.RemoveFromPhysmap](args, 1))
	case hypercall.MemoryOpPopulatePhysmap:
		return m.populate(argOf[hypercall.Reservation](args, 1), true)
	case hypercall.MemoryOpDecreaseReservation:
		return m.populate(argOf[hypercall.Reservation](args, 1), false)
	case hypercall.MemoryOpMemoryMap:
		return m.memoryMap(argOf[hypercall.MemoryMap](args, 1))
	}
	return errno(hypercall.ErrNoSys)
}

// addToPhysmap follows xenmem_add_to_physmap_one: on Arm a page that is mapped
// anywhere is refused, on x86 it moves.
func (m *Machine) addToPhysmap(a *hypercall.AddToPhysmap) int64 {
	switch {
	case a == nil:
		return fault
	case m.c.PV:
		return errno(hypercall.ErrAccess) // xatp_permission_check
	case a.Dom != hypercall.DomSelf && a.Dom != m.c.DomID:
		return errno(hypercall.ErrPerm)
	}
	var f frame
	switch a.Space {
	case hypercall.SpaceSharedInfo:
		if a.Idx != 0 {
			return errno(hypercall.ErrInvalid)
		}
		f = frame{kind: frameSharedInfo, page: m.sharedInfo}
	case hypercall.SpaceGrantTable:
		if a.Idx >= uint64(m.grants.limit) {
			return errno(hypercall.ErrInvalid)
		}
		i := int(a.Idx)
		f = frame{kind: frameGrant, idx: i, page: m.grants.table[i*xen.PageSize : (i+1)*xen.PageSize]}
	default:
		return errno(hypercall.ErrNoSys)
	}
	for gfn, old := range m.p2m {
		if old.kind != f.kind || old.idx != f.idx || f.kind == frameSpecial {
			continue
		}
		if m.c.Arm {
			return errno(hypercall.ErrBusy)
		}
		m.takeAway(gfn)
	}
	if f.kind == frameGrant {
		m.grants.size = max(m.grants.size, f.idx+1)
	}
	if m.ram.page(a.GPFN) != nil {
		m.violation("mapped over RAM at gfn %#x", a.GPFN)
		m.takeRAM(a.GPFN)
	}
	if m.p2m[a.GPFN].page != nil && m.p2m[a.GPFN].kind == frameSpecial {
		m.violation("mapped over the toolstack's page at gfn %#x", a.GPFN)
	}
	if err := m.place(a.GPFN, f); err != nil {
		return errno(hypercall.ErrInvalid)
	}
	return 0
}

func (m *Machine) removeFromPhysmap(a *hypercall.RemoveFromPhysmap) int64 {
	switch {
	case a == nil:
		return fault
	case m.c.PV:
		return errno(hypercall.ErrAccess) // XENMEM_remove_from_physmap in do_memory_op
	case a.Dom != hypercall.DomSelf && a.Dom != m.c.DomID:
		return errno(hypercall.ErrPerm)
	}
	if f, ok := m.p2m[a.GPFN]; ok {
		if f.kind == frameSpecial {
			m.violation("removed the toolstack's page at gfn %#x", a.GPFN)
		}
		m.takeAway(a.GPFN)
		return 0
	}
	if m.ram.page(a.GPFN) == nil {
		return errno(hypercall.ErrNotExist)
	}
	m.takeRAM(a.GPFN)
	return 0
}

// populate fills holes in RAM, or makes them. The result is how many of the
// extents it did. A PV domain names a page by its machine frame both ways, where
// real Xen gives it another one.
func (m *Machine) populate(a *hypercall.Reservation, fill bool) int64 {
	switch {
	case a == nil || a.ExtentStart == nil && a.NrExtents > 0:
		return fault
	case a.Dom != hypercall.DomSelf && a.Dom != m.c.DomID:
		return errno(hypercall.ErrPerm)
	case a.ExtentOrder != 0 || a.NrExtents > uint64(m.c.Pages):
		return errno(hypercall.ErrInvalid)
	}
	for i, gfn := range arrayOf(a.ExtentStart, int(a.NrExtents)) {
		at, ok := m.ram.place(gfn)
		if !ok || m.ram.hole[at] != fill {
			return int64(i)
		}
		if !fill {
			m.takeRAM(gfn)
		} else if err := m.giveRAM(gfn); err != nil {
			return int64(i)
		}
	}
	return int64(a.NrExtents)
}

func (m *Machine) memoryMap(a *hypercall.MemoryMap) int64 {
	entries := []hypercall.E820{
		{Start: m.ram.base * xen.PageSize, Size: uint64(m.c.Pages) * xen.PageSize, Type: 1},
		{Start: 0xfc000000, Size: 0x2fff000, Type: 2},
	}
	switch {
	case m.c.Arm || m.c.PV: // a PV domain has none, unless xl is asked for e820_host
		return errno(hypercall.ErrNoSys)
	case a == nil || a.Buffer == nil:
		return fault
	case int(a.NrEntries) < len(entries):
		return errno(hypercall.ErrInvalid)
	}
	buf := arrayOf(a.Buffer, len(entries)*hypercall.E820Size)
	for i, e := range entries {
		b := buf[i*hypercall.E820Size:]
		binary.NativeEndian.PutUint64(b, e.Start)
		binary.NativeEndian.PutUint64(b[8:], e.Size)
		binary.NativeEndian.PutUint32(b[16:], e.Type)
	}
	a.NrEntries = uint32(len(entries))
	return 0
}
