//go:build amd64

package amd64

import "unsafe"

// addressOf is the address of a variable that never moves.
func addressOf[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }

// table sees the page table at physical address addr.
//
//go:nocheckptr
func table(addr uint64) *[512]uint64 { return (*[512]uint64)(unsafe.Add(nil, addr)) }

// faultStackTop is the 16-byte aligned end of the exceptions' stack.
func faultStackTop() uintptr

// vectors is in vectors_amd64.s.
func vectorTable() unsafe.Pointer

// vectorAddresses are the entry points of the exception stubs.
func vectorAddresses() *[idtEntries]uintptr { return (*[idtEntries]uintptr)(vectorTable()) }

// Image returns where the program lies: from its ELF headers to the end of
// its bss.
func Image() (start, end uint64)

// pvVectorTable is in entry_pv_amd64.s.
func pvVectorTable() unsafe.Pointer

// pvVectorAddresses are the entry points of the exceptions of a PV domain.
func pvVectorAddresses() *[idtEntries]uintptr { return (*[idtEntries]uintptr)(pvVectorTable()) }

// machineToPhys is the entry for mfn of the list that Xen maps read-only into
// every PV domain (public/arch-x86/xen-x86_64.h, MACH2PHYS_VIRT_START).
//
//go:nocheckptr
func machineToPhys(mfn uint64) uint64 {
	const list = 0xffff800000000000
	return *(*uint64)(unsafe.Add(nil, list+mfn*8))
}

// bootFrames are the pages that the 32-bit entry makes its page tables of.
func bootFrames() (start, end uintptr)
