//go:build ppc64 || ppc64le

package ppc64

import "unsafe"

// leave is in jump_ppc64x.s.
func leave(code, moves, ranges, frame uintptr)

// lastCode returns where trampoline lies and where it ends.
func lastCode() (trampoline, end unsafe.Pointer)

// trampolineCode is the instructions to copy.
func trampolineCode() []byte {
	start, end := lastCode()
	return unsafe.Slice((*byte)(start), uintptr(end)-uintptr(start))
}
