//go:build amd64

package amd64

import (
	"fmt"
	"sync/atomic"

	"pvboot/arch/amd64/pvtable"
	"pvboot/hypercall"
)

// In a paravirtualised (PV) domain the program runs in ring 3 on page tables
// that hold machine frames and that Xen checks. Virtual addresses are
// pseudo-physical ones (the index in the p2m list times the page size) for all
// of the domain's own memory, but memory is mapped only when it is asked for:
// [PVMap]. What is not the domain's (the grant table, shared_info) or must be
// seen a second time is mapped elsewhere, by its frame: [PVMapAt].
//
// All that walks the program's tables (PVMap, PVMapAt, PVLookup) takes the p2m
// list and Xen's machine-to-physical list for true: after a change of either
// only [PVSet] and hypercalls are left. Nothing here allocates, and callers see
// to it that there is one at a time.
//
// Source: public/xen.h, public/arch-x86/xen-x86_64.h.

// PV reports whether the program was started as a PV domain's kernel.
func PV() bool { return pvStartInfo != 0 }

// PVStartInfo is the address of struct start_info (public/xen.h), which the
// toolstack left in rsi.
func PVStartInfo() uintptr { return uintptr(pvStartInfo) }

// pvStartInfo is written by the entry code.
var pvStartInfo uint64

// Entries of page tables for a page, below the machine frame's address.
const (
	PVReadOnly = pvtable.ReadOnly
	PVWritable = pvtable.ReadWrite
)

// PVEntry is the page table entry for a machine frame with the bits PVReadOnly
// or PVWritable.
func PVEntry(mfn, bits uint64) uint64 { return mfn<<12 | bits }

// pvGround is the domain, for its page tables.
type pvGround struct{}

var (
	pvP2M   []uint64
	pvBorn  struct{ start, end uint64 } // tables that the domain was born with
	pvKept  struct{ start, end uint64 } // see PVKeep
	pvTable pvtable.Tables
)

// InitPV takes the domain's p2m list, and the range [start, end) of the page
// tables that it was born with, the topmost first.
func InitPV(p2m []uint64, start, end uint64) {
	pvP2M = p2m
	pvBorn.start, pvBorn.end = start, end
	pvTable = pvtable.New(pvGround{}, start)
	first, last := bootFrames()
	pvTable.AddPool(uint64(first), uint64(last))
}

// PVKeep says that there are page tables in [start, end), too: those of a p2m
// list that is mapped elsewhere lie behind it, or, as Xen places them in pvshim,
// among its pages. [PVMap] maps none of these pages writable.
func PVKeep(start, end uint64) { pvKept.start, pvKept.end = start, end }

// PVAddPool maps the pages of [start, end), which hold nothing, and gives them
// for page tables.
func PVAddPool(start, end uint64) bool {
	// The first tables are made of what the entry of other domains needs.
	const first = 1 << 20
	if !pvTable.Map(start, min(start+first, end)) {
		return false
	}
	pvTable.AddPool(start, end)
	return pvTable.Map(start, end)
}

// PVMap maps the domain's own pages in [start, end), where they are not mapped
// yet: writable, but for page tables. False means that one of them is not the
// domain's or page 0, or that there are no pages left for page tables.
func PVMap(start, end uint64) bool { return pvTable.Map(start, end) }

// PVMapAt maps a page by entry at virtual address va, where nothing is yet,
// outside the domain's own range of addresses. False means that no pages are
// left for page tables, or that Xen refuses the entry.
func PVMapAt(va, entry uint64) bool { return pvTable.MapAt(va, entry) }

// PVLookup is the entry that maps the page at virtual address va, 0 for none.
func PVLookup(va uint64) uint64 { return pvTable.Lookup(va) }

// PVRoot is the machine frame of the topmost page table in use.
func PVRoot() uint64 { return pvP2M[pvTable.Root()/4096] }

// PVSet changes how the page at virtual address va, which is mapped by a table
// that exists, is mapped: by which machine frame, read-only or writable. An
// entry of 0 unmaps it. The TLB is kept true.
func PVSet(va, entry uint64) error {
	if ret := pvSet(va, entry); ret < 0 {
		return fmt.Errorf("update_va_mapping: %#x: %w", va, hypercall.Errno(-ret))
	}
	return nil
}

func pvSet(va, entry uint64) int64 {
	return hypercall.Trap(hypercall.OpUpdateVAMapping, uintptr(va), uintptr(entry), hypercall.FlushInvlpg, 0, 0)
}

func (pvGround) Frame(addr uint64) (mfn uint64, ok bool) {
	if addr/4096 >= uint64(len(pvP2M)) {
		return 0, false
	}
	mfn = pvP2M[addr/4096]
	return mfn, mfn < PVNoFrame
}

// PVNoFrame and above are entries of a p2m list for pages that the domain does
// not have: no machine has frames beyond 52 bits of addresses.
const PVNoFrame = 1 << 40

// Address trusts no entry of the machine-to-physical list that the p2m list
// does not bear out.
func (pvGround) Address(mfn uint64) (addr uint64, ok bool) {
	pfn := machineToPhys(mfn)
	return pfn * 4096, pfn < uint64(len(pvP2M)) && pvP2M[pfn] == mfn
}

func (pvGround) Table(addr uint64) *[512]uint64 { return table(addr) }

func (pvGround) Fixed(addr uint64) bool {
	return addr >= pvBorn.start && addr < pvBorn.end || addr >= pvKept.start && addr < pvKept.end
}

func (g pvGround) Protect(addr uint64) bool {
	mfn, ok := g.Frame(addr)
	return ok && pvSet(addr, PVEntry(mfn, PVReadOnly)) >= 0
}

// pvRequest is struct mmu_update.
var pvRequest struct{ ptr, val uint64 }

func (g pvGround) Write(table uint64, index int, entry uint64) bool {
	mfn, ok := g.Frame(table)
	if !ok {
		return false
	}
	atomic.StoreUint64(&pvRequest.ptr, mfn<<12|uint64(index)*8|hypercall.MMUNormalPTUpdate)
	atomic.StoreUint64(&pvRequest.val, entry)
	return hypercall.Trap(hypercall.OpMMUUpdate, addressOf(&pvRequest), 1, 0, uintptr(hypercall.DomSelf), 0) >= 0
}

// PVTablesFor is how many bytes of page tables mapping all memory below end
// takes at most.
func PVTablesFor(end uint64) uint64 { return pvtable.FramesFor(end) * pvtable.PageSize }
