//go:build amd64

// Package amd64 is the x86-64 processor as a Xen PVH guest finds it: the
// 32-bit entry, long mode with identity-mapped page tables, descriptor
// tables, exceptions, and the small instructions that Go has no words for. In a
// PV domain Xen takes the place of what only ring 0 can do: the files with pv in
// their names.
//
// Package guest builds on it; nothing here knows of the Go runtime's needs. Sources: Intel SDM vol. 3A and AMD APM vol. 2, cited as SDM
// and APM at the constants; Xen docs/misc/pvh.pandoc for the entry state.
package amd64

// StartInfo is the address that the toolstack left in ebx: struct
// hvm_start_info (public/arch-x86/hvm/start_info.h).
func StartInfo() uintptr { return uintptr(startInfo.ebx) }

// BootMagic is what eax was at entry: a magic number when a Multiboot loader
// has left its information at StartInfo (Multiboot2 Specification 2.0, 3.3).
// The toolstack leaves anything there.
func BootMagic() uint32 { return startInfo.eax }

// startInfo is written by the entry code.
var startInfo struct{ ebx, eax uint32 }
