package amd64

import (
	"encoding/binary"
	"errors"
	"fmt"

	"pvboot/arch/departure"
	"pvboot/arch/idmap"
)

// Target is the state in which the processor enters what comes next.
type Target struct {
	// Flat32 enters 32-bit protected mode without paging; otherwise long
	// mode with Map identity mapped. Selector 0x10 is flat code and 0x18
	// flat data in both; interrupts are off. In 32-bit mode the task
	// register holds a TSS at 0.
	Flat32 bool
	PC     uint64
	// Regs has the general registers; rsp is not loaded.
	Regs Registers
	// Map lists what must be mapped besides the first 4 GiB.
	Map []idmap.Range
}

// A departure area holds all that the last code needs: one page with code,
// segment table, registers and stack, then page tables, then the moves.
const (
	atTrampoline = 0
	atFlat32     = 512
	atGDT        = 768
	atGDTR       = 832
	atFrame      = 1024 // 16 registers and the PC
	stackTop     = 4096
	atTables     = departure.Rest

	trampolineSize = atFlat32 - atTrampoline
	flat32Size     = atGDT - atFlat32
	fourGiB        = 4 << 30
)

// Segment descriptors (Intel SDM 3A, 3.4.5): flat, present, ring 0, accessed.
const (
	code64 = 0x00af9b000000ffff
	code32 = 0x00cf9b000000ffff
	data32 = 0x00cf93000000ffff
	// tss32 is an available 32-bit TSS at 0, as big as the smallest (SDM 3A,
	// 8.2.2; Xen docs/misc/pvh.pandoc, "tr").
	tss32 = 0x0000890000000067
)

// DepartureSize is how many bytes of memory [Depart] needs, a multiple of
// 4096.
func DepartureSize(moves int, t *Target) int {
	return departure.Size(idmap.FramesFor(t.mapped())*idmap.FrameSize, moves, 0)
}

func (t *Target) mapped() []idmap.Range {
	return append([]idmap.Range{{Start: 0, End: fourGiB}}, t.Map...)
}

// ErrArea means that a departure area cannot be used.
var ErrArea = errors.New("amd64: departure area must be page aligned, below 4 GiB and large enough")

// prepare fills area, which lies at physical address base, and returns what
// leave takes.
func prepare(area []byte, base uint64, moves []departure.Move, t *Target) (*arguments, error) {
	if base%4096 != 0 || base+uint64(len(area)) > fourGiB || len(area) < DepartureSize(len(moves), t) {
		return nil, fmt.Errorf("%w: %d bytes at %#x", ErrArea, len(area), base)
	}
	clear(area)
	copy(area[atTrampoline:atFlat32], trampolineCode())
	copy(area[atFlat32:atGDT], flat32Code())

	le := binary.LittleEndian
	code := uint64(code64)
	if t.Flat32 {
		code = code32
	}
	descriptors := []uint64{0, 0, code, data32, tss32}
	for i, descriptor := range descriptors {
		le.PutUint64(area[atGDT+8*i:], descriptor)
	}
	le.PutUint16(area[atGDTR:], uint16(len(descriptors)*8-1))
	le.PutUint64(area[atGDTR+2:], base+atGDT)
	// The IDTR at +16 stays zero: any exception now resets the domain.
	for i, v := range t.Regs {
		le.PutUint64(area[atFrame+8*i:], v)
	}
	le.PutUint64(area[atFrame+8*len(t.Regs):], t.PC)

	ranges := t.mapped()
	frames := idmap.FramesFor(ranges)
	tables, err := idmap.New(&idmap.X86, base+atTables, tableFrames(area[atTables:], frames))
	if err != nil {
		return nil, err
	}
	for _, r := range ranges {
		if err := tables.Map(r); err != nil {
			return nil, err
		}
	}
	atMoves := atTables + frames*idmap.FrameSize
	departure.PutMoves(area[atMoves:], moves)
	d := &arguments{
		code:  uintptr(base + atTrampoline),
		moves: uintptr(base) + uintptr(atMoves),
		frame: uintptr(base + atFrame),
		root:  uintptr(tables.Root()),
		gdtr:  uintptr(base + atGDTR),
		stack: uintptr(base + stackTop),
	}
	if t.Flat32 {
		d.flat = uintptr(base + atFlat32)
	}
	return d, nil
}

// arguments are leave's.
type arguments struct {
	code, moves, frame, root, gdtr, stack, flat uintptr
}

// Depart carries out moves and enters the target. area is memory at physical
// (and virtual) address base that neither the target's nor the moves' ranges
// overlap. It returns only when nothing has been touched outside area.
func Depart(area []byte, base uint64, moves []departure.Move, t *Target) error {
	d, err := prepare(area, base, moves, t)
	if err != nil {
		return err
	}
	leave(d.code, d.moves, d.frame, d.root, d.gdtr, d.stack, d.flat)
	return nil
}
