package amd64

import "pvboot/hypercall"

// In a paravirtualised (PV) domain the program runs in ring 3 on page tables
// that hold machine frames and that Xen checks. Virtual addresses are
// pseudo-physical ones (the index in the p2m list times the page size) for all
// of the domain's own memory, but memory is mapped only when it is asked for:
// [PVMap]. What is not the domain's (the grant table, shared_info) or must be
// seen a second time is mapped elsewhere, by its frame: [PVMapAt].
//
// All that walks the program's tables (PVMap, PVMapAt, PVRoot) takes the p2m
// list and Xen's machine-to-physical list for true: after a change of either
// only [PVSet] and hypercalls are left.
//
// Source: public/xen.h, public/arch-x86/xen-x86_64.h.

// PV reports whether the program was started as a PV domain's kernel.
func PV() bool { return pvStartInfo != 0 }

// PVStartInfo is the address of struct start_info (public/xen.h), which the
// toolstack left in rsi.
func PVStartInfo() uintptr { return uintptr(pvStartInfo) }

// pvStartInfo is written by the entry code.
var pvStartInfo uint64

// Bits of a page table entry, besides those in mmu.go (SDM 4.5, APM 5.3). The
// low twelve bits below a frame's address; Xen adds what it needs.
const (
	// PVReadOnly and PVWritable are what an entry for a page has below the
	// frame: present, user, accessed, and for the second one writable, dirty.
	PVReadOnly = present | user | accessed
	PVWritable = PVReadOnly | writable | dirty

	user     = 1 << 2
	accessed = 1 << 5
	dirty    = 1 << 6
)

// PVEntry is the page table entry for a machine frame with the bits PVReadOnly
// or PVWritable.
func PVEntry(mfn, bits uint64) uint64 { return mfn<<12 | bits }

// PVSet changes how the page at virtual address va, which is mapped by a table
// that exists, is mapped: by which machine frame, read-only or writable. An
// entry of 0 unmaps it. The TLB is kept true.
func PVSet(va, entry uint64) error {
	return hypercall.UpdateVAMapping(hypercall.Real{}, va, entry, hypercall.FlushInvlpg)
}
