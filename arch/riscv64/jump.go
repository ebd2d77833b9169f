package riscv64

import (
	"fmt"

	"pvboot/arch/departure"
)

// Target is the state in which the processor enters what comes next: in S-mode
// with satp 0 and interrupts disabled, no stale instruction or translation in
// the hart, and the CSRs as firmware leaves them to a kernel.
type Target struct {
	PC   uint64
	Regs [32]uint64 // x0 to x31; x0 means nothing
}

// abiNames are the names of x1 to x31 that calling conventions use (RISC-V ELF
// psABI Specification, "Integer Register Convention").
var abiNames = [...]string{
	1: "ra", 2: "sp", 3: "gp", 4: "tp", 5: "t0", 6: "t1", 7: "t2", 8: "s0", 9: "s1",
	10: "a0", 11: "a1", 12: "a2", 13: "a3", 14: "a4", 15: "a5", 16: "a6", 17: "a7",
	18: "s2", 19: "s3", 20: "s4", 21: "s5", 22: "s6", 23: "s7", 24: "s8", 25: "s9", 26: "s10", 27: "s11",
	28: "t3", 29: "t4", 30: "t5", 31: "t6",
}

// SetReg sets a general register by its name, "x1" to "x31", or "a0" and so
// on.
func (t *Target) SetReg(name string, value uint64) error {
	for i, abi := range abiNames {
		if i > 0 && name == abi {
			t.Regs[i] = value
			return nil
		}
	}
	n, ok := departure.Register(name, "x", len(t.Regs))
	if !ok || n == 0 {
		return fmt.Errorf("riscv64: no register %q", name)
	}
	t.Regs[n] = value
	return nil
}

// DepartureSize is how many bytes of memory [Depart] needs, a multiple of
// 4096. There are no page tables among them: with satp 0 a hart reaches all
// physical memory, and caches stay coherent.
func DepartureSize(moves int) int { return departure.Size(0, moves, 0) }

// arguments are leave's.
type arguments struct {
	code, moves, frame uintptr
}

// prepare fills area, which lies at physical address base, and returns what
// leave takes. code is the last code; the frame is 32 registers and sepc.
func prepare(area []byte, base uint64, code []byte, moves []departure.Move, t *Target) (*arguments, error) {
	if t.PC%2 != 0 {
		return nil, fmt.Errorf("riscv64: entry %#x is no address of an instruction", t.PC)
	}
	frame := append(t.Regs[:len(t.Regs):len(t.Regs)], t.PC)
	if err := departure.Begin(area, base, DepartureSize(len(moves)), code, frame...); err != nil {
		return nil, fmt.Errorf("riscv64: %w", err)
	}
	departure.PutMoves(area[departure.Rest:], moves)
	return &arguments{
		code:  uintptr(base),
		moves: uintptr(base + departure.Rest),
		frame: uintptr(base + departure.Frame),
	}, nil
}
