package arm64

import "unsafe"

// leave is in jump_arm64.s.
func leave(code, moves, cleans, frame, root, base, end uintptr)

// lastCode returns where trampoline lies and where it ends.
func lastCode() (trampoline, end unsafe.Pointer)

// trampolineCode is the instructions to copy.
func trampolineCode() []byte {
	start, end := lastCode()
	return unsafe.Slice((*byte)(start), uintptr(end)-uintptr(start))
}
