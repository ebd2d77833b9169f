package guest

import "unsafe"

// addressOf is the address of a package variable or of heap memory, which
// never moves.
func addressOf[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }

// memory sees n bytes at a mapped address. The race detector's pointer checks
// know nothing of memory that is not Go's.
//
//go:nocheckptr
func memory(addr uint64, n int) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(nil, addr)), n)
}

// at sees a T at a mapped address.
//
//go:nocheckptr
func at[T any](addr uint64) *T { return (*T)(unsafe.Add(nil, addr)) }
