package handover

import (
	"fmt"

	"pvboot/arch/departure"
	"pvboot/arch/pagetable"
	"pvboot/arch/riscv64"
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
	size := uint64(riscv64.DepartureSize(len(moves)))
	base, err := l.schedule.Reserve(size, pagetable.Sv39.Limit)
	if err != nil {
		return fmt.Errorf("handover: last code: %w", err)
	}
	return riscv64.Depart(l.ground.View(base, size), base, moves, target)
}

// target translates the plan's entry into the processor's terms.
func (l *Loaded) target() (*riscv64.Target, []departure.Move, error) {
	if l.plan.Entry.Mode != image.SMode {
		return nil, nil, fmt.Errorf("handover: entry mode %d is not riscv64's", l.plan.Entry.Mode)
	}
	t := &riscv64.Target{PC: l.plan.Entry.PC}
	for name, value := range l.plan.Entry.Regs {
		if err := t.SetReg(name, value); err != nil {
			return nil, nil, fmt.Errorf("handover: %w", err)
		}
	}
	var moves []departure.Move
	for _, m := range l.schedule.Moves {
		moves = append(moves, departure.Move(m))
	}
	return t, moves, nil
}
