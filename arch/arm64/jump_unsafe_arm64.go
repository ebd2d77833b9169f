package arm64

import "unsafe"

// leave is in jump_arm64.s.
func leave(code, moves, cleans, frame, root, area, end, off uintptr)

// offCode is where the part of leave starts that turns the MMU off.
func offCode() uintptr

// mappedAt is where area is mapped.
func mappedAt(area []byte) uintptr { return uintptr(unsafe.Pointer(&area[0])) }

// lastCode returns where trampoline lies and where it ends.
func lastCode() (trampoline, end unsafe.Pointer)

// trampolineCode is the instructions to copy.
func trampolineCode() []byte {
	start, end := lastCode()
	return unsafe.Slice((*byte)(start), uintptr(end)-uintptr(start))
}
