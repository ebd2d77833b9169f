package riscv64

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Move is one of the last copies before the target starts: Size bytes from
// Src to Dst, or zeros to Dst when Src is 0. Physical addresses.
type Move struct{ Dst, Src, Size uint64 }

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
	digits, ok := strings.CutPrefix(name, "x")
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil || n == 0 || n >= uint64(len(t.Regs)) || strconv.FormatUint(n, 10) != digits {
		return fmt.Errorf("riscv64: no register %q", name)
	}
	t.Regs[n] = value
	return nil
}

// A departure area holds all that the last code needs: code and registers, then
// the moves. It needs no page tables: with satp 0 a hart reaches all physical
// memory, and caches stay coherent.
const (
	atTrampoline = 0
	atFrame      = 2048 // 32 registers, sepc
	atMoves      = 4096

	trampolineSize = atFrame - atTrampoline
	moveSize       = 24
)

// DepartureSize is how many bytes of memory [Depart] needs, a multiple of
// 4096.
func DepartureSize(moves int) int {
	return (atMoves + (moves+1)*moveSize + 4095) &^ 4095
}

// ErrArea means that a departure area cannot be used.
var ErrArea = errors.New("riscv64: departure area must be page aligned and large enough")

// departure is the arguments of leave.
type departure struct {
	code, moves, frame uintptr
}

// prepare fills area, which lies at physical address base, and returns what
// leave takes. code is the last code.
func prepare(area []byte, base uint64, code []byte, moves []Move, t *Target) (*departure, error) {
	if base%4096 != 0 || len(area) < DepartureSize(len(moves)) {
		return nil, fmt.Errorf("%w: %d bytes at %#x", ErrArea, len(area), base)
	}
	if len(code) > trampolineSize {
		return nil, fmt.Errorf("riscv64: the last code has %d bytes, its room %d", len(code), trampolineSize)
	}
	if t.PC%2 != 0 {
		return nil, fmt.Errorf("riscv64: entry %#x is no address of an instruction", t.PC)
	}
	clear(area)
	copy(area[atTrampoline:], code)
	le := binary.LittleEndian
	for i, v := range append(t.Regs[:len(t.Regs):len(t.Regs)], t.PC) {
		le.PutUint64(area[atFrame+8*i:], v)
	}
	for i, m := range moves {
		at := area[atMoves+moveSize*i:]
		le.PutUint64(at, m.Dst)
		le.PutUint64(at[8:], m.Src)
		le.PutUint64(at[16:], m.Size)
	}
	return &departure{
		code:  uintptr(base + atTrampoline),
		moves: uintptr(base + atMoves),
		frame: uintptr(base + atFrame),
	}, nil
}
