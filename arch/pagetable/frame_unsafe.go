package pagetable

import "unsafe"

// frame sees the table at physical address addr.
//
//go:nocheckptr
func frame(addr uint64) *[512]uint64 { return (*[512]uint64)(unsafe.Add(nil, addr)) }
