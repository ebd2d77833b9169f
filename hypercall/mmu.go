package hypercall

import "fmt"

// Page tables of a paravirtualised (PV) domain (public/xen.h, "mmu_update" and
// what follows). Frames and addresses are machine frames and addresses.

// Kinds of MMUUpdate, in the low two bits of its Ptr (MMU_*).
const (
	// MMUNormalPTUpdate writes Val to the page table entry at machine address
	// Ptr.
	MMUNormalPTUpdate = 0
	// MMUMachphysUpdate writes Val, a pfn, to the machine-to-physical list's
	// entry of the frame at machine address Ptr.
	MMUMachphysUpdate = 1
)

// MMUUpdate is struct mmu_update.
type MMUUpdate struct{ Ptr, Val uint64 }

// Commands of MMUExtOp (MMUEXT_*).
const (
	MMUExtPinL4Table = 3
	MMUExtUnpinTable = 4
	MMUExtNewBasePtr = 5
)

// MMUExtOp is struct mmuext_op.
type MMUExtOp struct {
	Cmd  uint32
	_    uint32
	Arg1 uint64 // a frame
	_    uint64
}

// FlushInvlpg has UpdateVAMapping forget what the TLB has of the page
// (UVMF_INVLPG).
const FlushInvlpg = 2

// TrapInfo is struct trap_info. The last of a table has an Address of 0.
type TrapInfo struct {
	Vector  uint8
	Flags   uint8 // bits 0 to 1: privilege that may raise it; bit 2: mask events
	CS      uint16
	_       uint32
	Address uint64 // of the handler
}

// SegmentFS is the FS register for OpSetSegmentBase (SEGBASE_FS).
const SegmentFS = 0

// Flat segments of a PV domain of 64 bits (public/arch-x86/xen-x86_64.h).
const (
	FlatCS64 = 0xe033
	FlatSS64 = 0xe02b
)

// UpdateMMU makes updates in the page tables, or in the machine-to-physical
// list, one after the other; after an error those before it are done.
func UpdateMMU(h Hypervisor, updates []MMUUpdate) error {
	if len(updates) == 0 {
		return nil
	}
	var done uint32
	_, err := result("mmu_update", h.Call(OpMMUUpdate, Ptr(&updates[0]), Int(len(updates)), Ptr(&done), Int(DomSelf)))
	if err != nil {
		return fmt.Errorf("update %d of %d: %w", done, len(updates), err)
	}
	return nil
}

// MMUExt carries out ops, one after the other; after an error those before it
// are done.
func MMUExt(h Hypervisor, ops ...MMUExtOp) error {
	if len(ops) == 0 {
		return nil
	}
	var done uint32
	_, err := result("mmuext_op", h.Call(OpMMUExt, Ptr(&ops[0]), Int(len(ops)), Ptr(&done), Int(DomSelf)))
	if err != nil {
		return fmt.Errorf("operation %d of %d: %w", done, len(ops), err)
	}
	return nil
}

// UpdateVAMapping writes the page table entry that maps virtual address va.
// The table that holds it must be there.
func UpdateVAMapping(h Hypervisor, va, entry uint64, flush int) error {
	_, err := result("update_va_mapping", h.Call(OpUpdateVAMapping, Int(va), Int(entry), Int(flush)))
	return err
}
