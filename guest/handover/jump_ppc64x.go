//go:build ppc64 || ppc64le

package handover

import (
	"fmt"

	"pvboot/arch/departure"
	"pvboot/arch/pagetable"
	"pvboot/arch/ppc64"
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
	size := uint64(ppc64.DepartureSize(len(moves), target))
	base, err := l.schedule.Reserve(size, pagetable.Radix.Limit)
	if err != nil {
		return fmt.Errorf("handover: last code: %w", err)
	}
	return ppc64.Depart(l.ground.View(base, size), base, moves, target)
}

// target translates the plan's entry into the processor's terms. Any segment may
// hold code.
func (l *Loaded) target() (*ppc64.Target, []departure.Move, error) {
	if l.plan.Entry.Mode != image.Real64 {
		return nil, nil, fmt.Errorf("handover: entry mode %d is not ppc64's", l.plan.Entry.Mode)
	}
	t := &ppc64.Target{PC: l.plan.Entry.PC}
	for name, value := range l.plan.Entry.Regs {
		if err := t.SetReg(name, value); err != nil {
			return nil, nil, fmt.Errorf("handover: %w", err)
		}
	}
	for _, s := range l.plan.Segments {
		t.Code = append(t.Code, departure.Range{Start: s.Addr, End: s.Addr + s.Size})
	}
	var moves []departure.Move
	for _, m := range l.schedule.Moves {
		moves = append(moves, departure.Move(m))
	}
	return t, moves, nil
}
