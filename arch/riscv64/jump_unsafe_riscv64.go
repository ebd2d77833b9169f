package riscv64

import "unsafe"

// leave is in jump_riscv64.s.
func leave(code, moves, frame, off uintptr)

// offCode is where the part of leave starts that turns translation off.
func offCode() uintptr

// lastCode returns where trampoline lies and where it ends.
func lastCode() (trampoline, end unsafe.Pointer)

// trampolineCode is the instructions to copy.
func trampolineCode() []byte {
	start, end := lastCode()
	return unsafe.Slice((*byte)(start), uintptr(end)-uintptr(start))
}
