package handover

import (
	"fmt"

	"pvboot/arch/arm64"
	"pvboot/arch/departure"
	"pvboot/arch/idmap"
	"pvboot/loader/image"
)

// Jump enters the target. It returns only when it could not, with memory as
// [Load] left it. By now no other domain may have access to this one's
// memory, and nothing may run beside the caller.
func (l *Loaded) Jump() error {
	target, moves, err := l.target()
	if err != nil {
		return err
	}
	size := uint64(arm64.DepartureSize(len(moves), target))
	base, err := l.schedule.Reserve(size, idmap.AArch64.Limit)
	if err != nil {
		return fmt.Errorf("handover: last code: %w", err)
	}
	return arm64.Depart(l.ground.View(base, size), base, moves, target)
}

// target translates the plan's entry into the processor's terms. Every
// segment is cleaned with what it reserves: the target may use that with its
// caches off (Linux Documentation/arch/arm64/booting.rst asks for no more). So
// is all else that the loader has written: a dirty line, evicted later, would
// come over what a target writes elsewhere before it turns its caches on.
func (l *Loaded) target() (*arm64.Target, []departure.Move, error) {
	if l.plan.Entry.Mode != image.EL1 {
		return nil, nil, fmt.Errorf("handover: entry mode %d is not arm64's", l.plan.Entry.Mode)
	}
	t := &arm64.Target{PC: l.plan.Entry.PC}
	for name, value := range l.plan.Entry.Regs {
		if err := t.SetReg(name, value); err != nil {
			return nil, nil, fmt.Errorf("handover: %w", err)
		}
	}
	for _, s := range l.plan.Segments {
		t.Clean = append(t.Clean, idmapRange(s.Range()))
	}
	for _, r := range l.ground.Own {
		t.Clean = append(t.Clean, idmapRange(r))
	}
	var moves []departure.Move
	for _, m := range l.schedule.Moves {
		moves = append(moves, departure.Move(m))
		if m.Src != 0 {
			t.Clean = append(t.Clean, idmapRange(image.Range{Start: m.Src, Size: m.Size}))
		}
	}
	return t, moves, nil
}

func idmapRange(r image.Range) idmap.Range { return idmap.Range{Start: r.Start, End: r.End()} }
