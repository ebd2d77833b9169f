package guest

import "pvboot/xen"

// PVInfo is what the toolstack told a paravirtualised (PV) domain in struct
// start_info (public/xen.h), beside what [Start] has.
type PVInfo struct {
	Magic      string // "xen-3.0-x86_64"
	Pages      uint64 // nr_pages, the length of P2M
	SharedInfo uint64 // machine address of struct shared_info
	Flags      uint32 // SIF_*, as given
	// Store and Console are the rings that the toolstack placed; MFN is 0 where
	// there is none.
	Store, Console xen.RingInfo
	// P2M is the live list: index pfn has the machine frame, all ones for
	// none. It lies in Own, and changes of its entries are not seen by this
	// program's page tables.
	P2M []uint64
	// StartInfo, StorePage and ConsolePage are the addresses of the pages,
	// which are in Own; 0 where there is none.
	StartInfo, StorePage, ConsolePage uint64
	// Tables is the range of page tables that the domain was born with, the
	// topmost first. Those that were added later are elsewhere in Own.
	Tables Range
}

// pv is filled at the start of a PV domain.
var pv *PVInfo

// PV returns what a PV domain knows of itself; nil in any other guest.
func PV() *PVInfo { return pv }
