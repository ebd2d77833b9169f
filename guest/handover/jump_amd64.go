package handover

import (
	"fmt"

	"pvboot/arch/amd64"
	"pvboot/arch/departure"
	"pvboot/arch/idmap"
	"pvboot/loader/image"
)

// lowMemory is the end of conventional memory.
const lowMemory = 0xa0000

// Jump enters the target. It returns only when it could not, with memory as
// [Load] left it. By now no other domain may have access to this one's
// memory, and nothing may run beside the caller.
func (l *Loaded) Jump() error {
	if l.plan.PV != nil {
		if err := l.jumpPV(ownDomain{}); err != nil {
			return fmt.Errorf("handover: %w", err)
		}
		return nil
	}
	target, moves, err := l.target()
	if err != nil {
		return err
	}
	size := uint64(amd64.DepartureSize(len(moves), target))
	// Low memory if there is room: a kernel that unpacks itself somewhere at
	// random, as Linux does above 16 MiB, may run on these page tables.
	base, err := l.schedule.Reserve(size, lowMemory)
	if err != nil {
		base, err = l.schedule.Reserve(size, 1<<32)
	}
	if err != nil {
		return fmt.Errorf("handover: last code: %w", err)
	}
	return amd64.Depart(l.ground.View(base, size), base, moves, target)
}

// target translates the plan's entry into the processor's terms.
func (l *Loaded) target() (*amd64.Target, []departure.Move, error) {
	t := &amd64.Target{Flat32: l.plan.Entry.Mode == image.Flat32, PC: l.plan.Entry.PC}
	for name, value := range l.plan.Entry.Regs {
		if err := t.Regs.Set(name, value); err != nil {
			return nil, nil, fmt.Errorf("handover: %w", err)
		}
	}
	mapped := append([]image.Range(nil), l.ground.Own...)
	for _, s := range l.plan.Segments {
		mapped = append(mapped, s.Range())
	}
	var moves []departure.Move
	for _, m := range l.schedule.Moves {
		moves = append(moves, departure.Move(m))
		mapped = append(mapped, image.Range{Start: m.Src, Size: m.Size})
	}
	for _, r := range mapped {
		if r.End() > 1<<32 {
			t.Map = append(t.Map, idmap.Range{Start: r.Start, End: r.End()})
		}
	}
	return t, moves, nil
}
