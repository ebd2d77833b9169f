package arm64

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"pvboot/arch/idmap"
)

// Move is one of the last copies before the target starts: Size bytes from
// Src to Dst, or zeros to Dst when Src is 0. Physical addresses.
type Move struct{ Dst, Src, Size uint64 }

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
	digits, ok := strings.CutPrefix(name, "x")
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil || n >= uint64(len(t.Regs)) || strconv.FormatUint(n, 10) != digits {
		return fmt.Errorf("arm64: no register %q", name)
	}
	t.Regs[n] = value
	return nil
}

// A departure area holds all that the last code needs: one page with code and
// registers, then translation tables, then the moves, then the ranges to
// clean.
const (
	atTrampoline = 0
	atFrame      = 2048 // 31 registers, ELR_EL1, SPSR_EL1
	atTables     = 4096

	trampolineSize = atFrame - atTrampoline
	moveSize       = 24
	cleanSize      = 16

	// entryState is SPSR_EL1 for the target: AArch64, EL1h, DAIF masked (Arm
	// ARM C5.2 "SPSR_EL1").
	entryState = 0xf<<6 | 5
)

// mapped is all that the last code reaches, the area at base included.
func (t *Target) mapped(base, size uint64) []idmap.Range {
	return append([]idmap.Range{{Start: base, End: base + size}}, t.Clean...)
}

// areaSize is the sum of an area's parts for so many frames of tables.
func areaSize(frames, moves, cleans int) int {
	n := atTables + frames*idmap.FrameSize + (moves+1)*moveSize + (cleans+1)*cleanSize
	return (n + 4095) &^ 4095
}

// tableFrames is how many frames the tables take, wherever the area lies: it
// may cross a border of 512 GiB, which costs two tables more.
func (t *Target) tableFrames() int {
	return idmap.FramesFor(append(t.mapped(0, 1), idmap.Range{Start: 1<<39 - 1, End: 1<<39 + 1}))
}

// DepartureSize is how many bytes of memory [Depart] needs, a multiple of
// 4096.
func DepartureSize(moves int, t *Target) int {
	return areaSize(t.tableFrames(), moves, len(t.Clean))
}

// ErrArea means that a departure area cannot be used.
var ErrArea = errors.New("arm64: departure area must be page aligned and large enough")

// departure is the arguments of leave.
type departure struct {
	code, moves, cleans, frame, root, base, end uintptr
}

// prepare fills area, which lies at physical address base, and returns what
// leave takes. code is the last code.
func prepare(area []byte, base uint64, code []byte, moves []Move, t *Target) (*departure, error) {
	if base%4096 != 0 || len(area) < DepartureSize(len(moves), t) {
		return nil, fmt.Errorf("%w: %d bytes at %#x", ErrArea, len(area), base)
	}
	if len(code) > trampolineSize {
		return nil, fmt.Errorf("arm64: the last code has %d bytes, its room %d", len(code), trampolineSize)
	}
	clear(area)
	copy(area[atTrampoline:], code)

	le := binary.LittleEndian
	for i, v := range append(t.Regs[:len(t.Regs):len(t.Regs)], t.PC, entryState) {
		le.PutUint64(area[atFrame+8*i:], v)
	}
	frames := t.tableFrames()
	tables, err := idmap.New(&idmap.AArch64, base+atTables, framesOf(area[atTables:], frames))
	if err != nil {
		return nil, err
	}
	for _, r := range t.mapped(base, uint64(len(area))) {
		if err := tables.Map(r); err != nil {
			return nil, err
		}
	}
	atMoves := atTables + frames*idmap.FrameSize
	for i, m := range moves {
		at := area[atMoves+moveSize*i:]
		le.PutUint64(at, m.Dst)
		le.PutUint64(at[8:], m.Src)
		le.PutUint64(at[16:], m.Size)
	}
	atCleans := atMoves + (len(moves)+1)*moveSize
	for i, r := range idmap.Merge(t.Clean) {
		le.PutUint64(area[atCleans+cleanSize*i:], r.Start)
		le.PutUint64(area[atCleans+cleanSize*i+8:], r.End)
	}
	return &departure{
		code:   uintptr(base + atTrampoline),
		moves:  uintptr(base) + uintptr(atMoves),
		cleans: uintptr(base) + uintptr(atCleans),
		frame:  uintptr(base + atFrame),
		root:   uintptr(tables.Root()),
		base:   uintptr(base),
		end:    uintptr(base) + uintptr(len(area)),
	}, nil
}
