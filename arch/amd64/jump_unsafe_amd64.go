package amd64

import "unsafe"

// leave is in jump_amd64.s.
func leave(code, moves, frame, root, gdtr, stack, flat uintptr)

// lastCode returns where trampoline and flat32 lie, and where flat32 ends.
func lastCode() (trampoline, flat32, end unsafe.Pointer)

// trampolineCode and flat32Code are the instructions to copy.
func trampolineCode() []byte {
	start, end, _ := lastCode()
	return unsafe.Slice((*byte)(start), uintptr(end)-uintptr(start))
}

func flat32Code() []byte {
	_, start, end := lastCode()
	return unsafe.Slice((*byte)(start), uintptr(end)-uintptr(start))
}

// tableFrames sees the first n page-table frames in b, which is page aligned.
func tableFrames(b []byte, n int) [][512]uint64 {
	return unsafe.Slice((*[512]uint64)(unsafe.Pointer(&b[0])), n)
}
