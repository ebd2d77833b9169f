package hypercall

import (
	"encoding/binary"
	"fmt"
)

// Commands of OpMemory (public/memory.h).
const (
	MemoryOpDecreaseReservation = 1
	MemoryOpPopulatePhysmap     = 6
	MemoryOpAddToPhysmap        = 7
	MemoryOpMemoryMap           = 9
	MemoryOpRemoveFromPhysmap   = 15
)

// MapSpace is the kind of page that XENMEM_add_to_physmap maps
// (XENMAPSPACE_*).
type MapSpace uint32

// Kinds of pages.
const (
	SpaceSharedInfo MapSpace = 0
	SpaceGrantTable MapSpace = 1
)

// AddToPhysmap is struct xen_add_to_physmap.
type AddToPhysmap struct {
	Dom   DomID
	Size  uint16 // for gmfn_range only
	Space MapSpace
	Idx   uint64
	GPFN  uint64
}

// RemoveFromPhysmap is struct xen_remove_from_physmap.
type RemoveFromPhysmap struct {
	Dom  DomID
	GPFN uint64
}

// Reservation is struct xen_memory_reservation.
type Reservation struct {
	ExtentStart *uint64 // array of NrExtents frame numbers
	NrExtents   uint64
	ExtentOrder uint32
	MemFlags    uint32
	Dom         DomID
}

// MemoryMap is struct xen_memory_map. NrEntries is the buffer's room on the
// way in and what Xen wrote on the way out.
type MemoryMap struct {
	NrEntries uint32
	Buffer    *byte // x86: E820Size bytes an entry
}

// E820Size is the size of an x86 memory map entry: address and size of 64
// bits, type of 32 bits, packed.
const E820Size = 20

// MaxE820 is the most memory map entries that this library takes.
const MaxE820 = 256

// E820 is one entry of an x86 memory map. Start and Size are bytes.
type E820 struct {
	Start, Size uint64
	Type        uint32 // 1 RAM, 2 reserved, 3 ACPI, 4 NVS, 5 unusable
}

// MemoryAddToPhysmap puts page idx of space at guest frame gfn. What stood
// there before is lost: give it a gfn that is not RAM. On Arm a page that is
// mapped already is refused with EBUSY; on x86 it moves.
func MemoryAddToPhysmap(h Hypervisor, space MapSpace, idx, gfn uint64) error {
	a := &AddToPhysmap{Dom: DomSelf, Space: space, Idx: idx, GPFN: gfn}
	_, err := result("XENMEM_add_to_physmap", h.Call(OpMemory, Int(MemoryOpAddToPhysmap), Ptr(a)))
	return err
}

// MemoryRemoveFromPhysmap leaves a hole at guest frame gfn; ENOENT when there
// is one already.
func MemoryRemoveFromPhysmap(h Hypervisor, gfn uint64) error {
	a := &RemoveFromPhysmap{Dom: DomSelf, GPFN: gfn}
	_, err := result("XENMEM_remove_from_physmap", h.Call(OpMemory, Int(MemoryOpRemoveFromPhysmap), Ptr(a)))
	return err
}

// MemoryPopulatePhysmap puts new RAM at each of gfns and returns how many
// frames it gave, which may be fewer.
func MemoryPopulatePhysmap(h Hypervisor, gfns []uint64) (int, error) {
	return reservation(h, "XENMEM_populate_physmap", MemoryOpPopulatePhysmap, gfns)
}

// MemoryDecreaseReservation gives the RAM at each of gfns back to Xen and
// returns how many frames went.
func MemoryDecreaseReservation(h Hypervisor, gfns []uint64) (int, error) {
	return reservation(h, "XENMEM_decrease_reservation", MemoryOpDecreaseReservation, gfns)
}

func reservation(h Hypervisor, name string, cmd int, gfns []uint64) (int, error) {
	if len(gfns) == 0 {
		return 0, nil
	}
	a := &Reservation{ExtentStart: &gfns[0], NrExtents: uint64(len(gfns)), Dom: DomSelf}
	n, err := result(name, h.Call(OpMemory, Int(cmd), Ptr(a)))
	if err == nil && n > uint64(len(gfns)) {
		return 0, fmt.Errorf("%s: %d of %d extents done", name, n, len(gfns))
	}
	return int(n), err
}

// MemoryE820 returns the domain's memory map as the toolstack set it.
func MemoryE820(h Hypervisor) ([]E820, error) {
	buf := make([]byte, MaxE820*E820Size)
	a := &MemoryMap{NrEntries: MaxE820, Buffer: &buf[0]}
	if _, err := result("XENMEM_memory_map", h.Call(OpMemory, Int(MemoryOpMemoryMap), Ptr(a))); err != nil {
		return nil, err
	}
	if a.NrEntries > MaxE820 {
		return nil, fmt.Errorf("XENMEM_memory_map: %d entries in room for %d", a.NrEntries, MaxE820)
	}
	out := make([]E820, a.NrEntries)
	for i := range out {
		e := buf[i*E820Size:]
		out[i] = E820{
			Start: binary.NativeEndian.Uint64(e),
			Size:  binary.NativeEndian.Uint64(e[8:]),
			Type:  binary.NativeEndian.Uint32(e[16:]),
		}
	}
	return out, nil
}
