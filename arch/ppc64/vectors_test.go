package ppc64

import (
	"encoding/binary"
	"fmt"
	"testing"

	"golang.org/x/arch/ppc64/ppc64asm"
)

// machine is as much of a processor as vectors need.
type machine struct {
	memory []byte // from VectorReset on
	gpr    [32]uint64
	spr    map[int]uint64
	msr    uint64
}

// interrupt takes an interrupt as the processor does, in the byte order of msr, and
// follows the code at its vector until it leaves the memory of the vectors.
func (m *machine) interrupt(vector, msr uint64) (at uint64, err error) {
	at, m.msr = vector, msr
	for range 50 {
		if at < VectorReset || at >= VectorsEnd {
			return at, nil
		}
		var order binary.ByteOrder = binary.BigEndian
		if m.msr&MSRLE != 0 {
			order = binary.LittleEndian
		}
		inst, err := ppc64asm.Decode(m.memory[at-VectorReset:], order)
		if err != nil {
			return at, fmt.Errorf("at %#x: %w", at, err)
		}
		next := at + 4
		reg := func(i int) *uint64 { return &m.gpr[inst.Args[i].(ppc64asm.Reg)-ppc64asm.R0] }
		imm := func(i int) uint64 { return uint64(inst.Args[i].(ppc64asm.Imm)) }
		switch inst.Op {
		case ppc64asm.TDI:
			if imm(0) != 0 {
				return at, fmt.Errorf("at %#x: %v traps", at, inst)
			}
		case ppc64asm.B:
			next = at + uint64(inst.Args[0].(ppc64asm.PCRel))
		case ppc64asm.LI:
			*reg(0) = imm(1)
		case ppc64asm.LIS:
			*reg(0) = imm(1) << 16
		case ppc64asm.ORI:
			*reg(0) = *reg(1) | imm(2)
		case ppc64asm.ORIS:
			*reg(0) = *reg(1) | imm(2)<<16
		case ppc64asm.XORI:
			*reg(0) = *reg(1) ^ imm(2)
		case ppc64asm.MFMSR:
			*reg(0) = m.msr
		case ppc64asm.MTSPR:
			m.spr[int(inst.Args[0].(ppc64asm.SpReg))] = *reg(1)
		case ppc64asm.MFSPR:
			*reg(0) = m.spr[int(inst.Args[1].(ppc64asm.SpReg))]
		case ppc64asm.RFID:
			next, m.msr = m.spr[sprSRR0], m.spr[sprSRR1]
		default:
			return at, fmt.Errorf("at %#x: %v", at, inst)
		}
		at = next
	}
	return at, fmt.Errorf("at %#x: no end", at)
}

// TestVectors takes every interrupt in either byte order, of a program in either.
func TestVectors(t *testing.T) {
	const handler, add = 0x4a8a00, MSRVEC | MSRVSX | MSRFP | MSRRI | MSRIR | MSRDR
	for _, program := range []struct {
		order binary.ByteOrder
		bit   uint64
	}{{binary.LittleEndian, MSRLE}, {binary.BigEndian, 0}} {
		m := machine{memory: make([]byte, VectorsEnd-VectorReset)}
		vectors(m.memory, program.order, handler, add)
		for _, v := range interrupts {
			for _, taken := range []uint64{MSRLE, 0} {
				m.spr = map[int]uint64{sprSRR0: 0x1111, sprSRR1: 0x2222, sprHSRR0: 0x3333, sprHSRR1: 0x4444}
				m.gpr[3], m.gpr[4] = 3, 4
				at, err := m.interrupt(uint64(v.vector), MSRSF|MSRHV|MSRME|taken)
				name := fmt.Sprintf("%#x in order %d of a program in order %d", v.vector, taken, program.bit)
				if err != nil || at != handler {
					t.Errorf("%s: leads to %#x: %v", name, at, err)
					continue
				}
				if want := MSRSF | MSRHV | MSRME | add | program.bit; m.msr != want {
					t.Errorf("%s: MSR %#x, want %#x", name, m.msr, want)
				}
				pc, msr := uint64(0x1111), uint64(0x2222)
				if v.hv {
					pc, msr = 0x3333, 0x4444
				}
				if m.gpr[3] != uint64(v.vector) || m.spr[sprSPRG0] != msr || m.spr[sprSPRG1] != 3 || m.spr[sprSPRG2] != 4 || m.spr[sprSPRG3] != pc {
					t.Errorf("%s: r3 %#x, registers %#x", name, m.gpr[3], m.spr)
				}
			}
		}
	}
}

// TestNoOverlap: each vector's code ends before the next one, and the common code
// before the end.
func TestNoOverlap(t *testing.T) {
	const stub = 12
	last := uint32(0)
	for _, v := range interrupts {
		if v.vector < last {
			t.Errorf("the code before overlaps vector %#x", v.vector)
		}
		last = v.vector + stub
		if v.vector >= stubs && v.vector < stubs+stubSize*uint32(len(interrupts)) {
			t.Errorf("vector %#x lies within the code for others", v.vector)
		}
	}
	if end := uint32(stubs + stubSize*len(interrupts)); end > common || last > common {
		t.Errorf("the vectors' code ends at %#x and %#x", end, last)
	}
}

func TestName(t *testing.T) {
	for _, tt := range []struct {
		frame Frame
		want  string
	}{
		{Frame{Vector: VectorData}, "data access"},
		{Frame{Vector: VectorProgram, MSR: programTrap}, "trap instruction"},
		{Frame{Vector: VectorProgram, MSR: programIllegal}, "illegal instruction"},
		{Frame{Vector: VectorProgram, MSR: programPrivileged}, "privileged instruction"},
		{Frame{Vector: VectorVSX}, "unavailable facility"},
		{Frame{Vector: 0xe60}, "interrupt"},
	} {
		if got := tt.frame.Name(); got != tt.want {
			t.Errorf("vector %#x: %q, want %q", tt.frame.Vector, got, tt.want)
		}
	}
	if f := (&Frame{Vector: VectorProgram, MSR: programFloat}); !f.FloatingPoint() || f.Trap() {
		t.Error("a floating-point exception is not told")
	}
}
