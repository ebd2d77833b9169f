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
