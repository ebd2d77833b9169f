package arm64

import (
	"fmt"

	"pvboot/arch/departure"
	"pvboot/arch/idmap"
)

// Target is the state in which the processor enters what comes next: at EL1
// on SP_EL1, interrupts masked, MMU and data cache off, instruction cache
// without stale lines.
type Target struct {
	PC   uint64
	Regs [31]uint64 // X0 to X30
	// Clean is what must be visible to an observer without caches, which the
	// target is at first. It contains all that the moves touch, as nothing
	// else is mapped.
	Clean []idmap.Range
}

// SetReg sets a general register by its name, "x0" to "x30".
func (t *Target) SetReg(name string, value uint64) error {
	n, ok := departure.Register(name, "x", len(t.Regs))
	if !ok {
		return fmt.Errorf("arm64: no register %q", name)
	}
	t.Regs[n] = value
	return nil
}

// entryState is SPSR_EL1 for the target: AArch64, EL1h, DAIF masked (Arm
// ARM C5.2 "SPSR_EL1").
const entryState = 0xf<<6 | 5

// mapped is all that the last code reaches, the area at base included.
func (t *Target) mapped(base, size uint64) []idmap.Range {
	return append([]idmap.Range{{Start: base, End: base + size}}, t.Clean...)
}

// tableFrames is how many frames the translation tables take, wherever the area
// lies: it may cross a border of 512 GiB, which costs two tables more.
func (t *Target) tableFrames() int {
	return idmap.FramesFor(append(t.mapped(0, 1), idmap.Range{Start: 1<<39 - 1, End: 1<<39 + 1}))
}

// DepartureSize is how many bytes of memory [Depart] needs, a multiple of
// 4096: translation tables are among them.
func DepartureSize(moves int, t *Target) int {
	return departure.Size(t.tableFrames()*idmap.FrameSize, moves, len(t.Clean))
}

// arguments are leave's.
type arguments struct {
	code, moves, cleans, frame, root, base, end uintptr
}

// prepare fills area, which lies at physical address base, and returns what
// leave takes. code is the last code; the frame is 31 registers, ELR_EL1 and
// SPSR_EL1.
func prepare(area []byte, base uint64, code []byte, moves []departure.Move, t *Target) (*arguments, error) {
	frame := append(t.Regs[:len(t.Regs):len(t.Regs)], t.PC, entryState)
	if err := departure.Begin(area, base, DepartureSize(len(moves), t), code, frame...); err != nil {
		return nil, fmt.Errorf("arm64: %w", err)
	}
	frames := t.tableFrames()
	tables, err := idmap.New(&idmap.AArch64, base+departure.Rest, framesOf(area[departure.Rest:], frames))
	if err != nil {
		return nil, err
	}
	for _, r := range t.mapped(base, uint64(len(area))) {
		if err := tables.Map(r); err != nil {
			return nil, err
		}
	}
	atMoves := departure.Rest + frames*idmap.FrameSize
	atCleans := atMoves + departure.PutMoves(area[atMoves:], moves)
	var cleans []departure.Range
	for _, r := range idmap.Merge(t.Clean) {
		cleans = append(cleans, departure.Range(r))
	}
	departure.PutRanges(area[atCleans:], cleans)
	return &arguments{
		code:   uintptr(base),
		moves:  uintptr(base) + uintptr(atMoves),
		cleans: uintptr(base) + uintptr(atCleans),
		frame:  uintptr(base + departure.Frame),
		root:   uintptr(tables.Root()),
		base:   uintptr(base),
		end:    uintptr(base) + uintptr(len(area)),
	}, nil
}
