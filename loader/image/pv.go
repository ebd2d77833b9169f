package image

// A paravirtualised (PV) domain has no physical addresses of its own making:
// its memory is a list of machine frames, the p2m list, and the address of a
// page here, "pseudo-physical", is its index in that list times the page size.
// The kernel runs on page tables that hold machine frames, which Xen checks.
//
// Sources: Xen public/xen.h ("struct start_info" and the comment before it),
// public/elfnote.h; the domain builder in tools/libs/guest.

// PVMachine is what the target may know of a PV domain, beside its memory.
type PVMachine struct {
	Magic      string // of struct start_info: "xen-3.0-x86_64"
	Pages      uint64 // nr_pages, the length of the p2m list
	SharedInfo uint64 // machine address of struct shared_info
	Flags      uint32 // SIF_* that tell of the domain, not of the way it was booted
	// Store and Console are the rings that the toolstack placed.
	Store, Console PVRing
}

// PVRing is a ring page, by its machine frame, and its event channel.
type PVRing struct {
	Frame uint64
	Port  uint32
}

// PVPlan is the rest of a Plan for a PV domain. All addresses are
// pseudo-physical, multiples of 4096 and inside Segments of the Plan, which
// here are whole pages too; every page that the target's page tables map
// belongs to a segment. What the segments of the p2m list, the tables and the
// start info hold depends on which machine frame ends up behind which page:
// it is written when that is known.
type PVPlan struct {
	// VirtBase is the virtual address of pseudo-physical address 0.
	VirtBase uint64
	// Mapped is mapped from VirtBase+Mapped.Start on, all of it writable but
	// for the page tables.
	Mapped Range
	// P2M holds the list of Machine.PV.Pages entries of 8 bytes, mapped at
	// virtual address P2MBase, inside Mapped or elsewhere.
	P2M     Range
	P2MBase uint64
	// Tables are the pages of the page tables, the topmost (L4) first. They lie
	// inside Mapped.
	Tables Range
	// P2MTables are more of them: those that map nothing but a P2M outside of
	// Mapped. They stand behind it, unmapped, as Linux wants to find them (it
	// frees both together). Size 0 when there are none.
	P2MTables Range
	// StartInfo is the page of struct start_info.
	StartInfo uint64
	// Store and Console are the pages that must be the rings' in the end:
	// whoever carries the plan out puts the rings' frames behind them. 0 if
	// there is no such ring.
	Store, Console uint64
	// Spare is a mapped page that the target does not use before it has read
	// the start info: the last code runs in it, at the virtual address that
	// the target's tables give it.
	Spare uint64

	pages pvTables // what Tables and P2MTables hold
	start pvStart  // what StartInfo holds
}
