package hypervisor

import (
	"errors"
	"fmt"
	"strings"

	"pvboot/xen"
)

// The hand-over. RAM is executable only where a program lies that is known: at
// the start the loader's image. The first instruction elsewhere is a fault of the
// second stage, before it is carried out, and is either the loader's own last
// code, which it copies out of the way, or the next program's entry. Neither has
// any business with Xen that its predecessor began: if a program has made
// hypercalls, all that it acquired must be given back by then. From there on only
// the code at that place is executable, and so on: a program that starts the next
// one is judged however many there are, also one that lies where its predecessor
// did.
//
// Programs are found by what stands in front of them (Config.ProgramAt). Code
// that belongs to none, such as a kernel's module, joins the program that ran
// before it, as long as that has made no hypercall.

// Program is code that runs in the guest's RAM: whole pages, guest-physical.
type Program struct{ Start, End uint64 }

func (p Program) String() string { return fmt.Sprintf("[%#x, %#x)", p.Start, p.End) }

// tracker knows what the guest runs.
type tracker struct {
	executable []Program
	calls      int // hypercalls of the program that runs
	clean      int // hand-overs that were
}

// HandoverError is what a program left behind.
type HandoverError struct{ Left []string }

func (e *HandoverError) Error() string { return "handover: " + strings.Join(e.Left, "; ") }

// Handovers tells how many programs were followed by another and had left
// nothing.
func (h *Hypervisor) Handovers() int { return h.tracker.clean }

// start makes the first program the only one.
func (h *Hypervisor) start(p Program) error {
	if p.Start >= p.End || p.Start%xen.PageSize != 0 || p.End%xen.PageSize != 0 {
		return fmt.Errorf("program %v: want whole pages", p)
	}
	return errors.Join(h.replace(p), h.joinVectors())
}

// joinVectors makes the vectors executable, for a program that has just begun.
func (h *Hypervisor) joinVectors() error {
	if h.c.Vectors.End == 0 {
		return nil
	}
	return h.join(h.c.Vectors)
}

// replace makes p the only program.
func (h *Hypervisor) replace(p Program) error {
	for _, old := range h.tracker.executable {
		if err := h.c.Stage2.Protect(old.Start, old.End, false); err != nil {
			return err
		}
	}
	h.tracker.executable = nil
	return h.join(p)
}

// join makes p executable, too.
func (h *Hypervisor) join(p Program) error {
	h.tracker.executable = append(h.tracker.executable, p)
	return h.c.Stage2.Protect(p.Start, p.End, true)
}

// entered is called when the guest is about to execute code at addr that belongs
// to no program that is known.
func (h *Hypervisor) entered(addr uint64) error {
	page := addr &^ (xen.PageSize - 1)
	if _, ok := h.machine.View(page, xen.PageSize); !ok {
		return &FaultError{PC: addr, Addr: addr, What: "execute what is no RAM"}
	}
	p, known := h.c.ProgramAt(h.machine.View, addr)
	if !known {
		p = Program{page, page + xen.PageSize}
	}
	if !known && h.tracker.calls == 0 {
		return h.join(p)
	}
	left := h.left()
	for _, l := range left {
		fmt.Fprintf(h.c.Log, "handover: %s\n", l)
	}
	if len(left) > 0 {
		return &HandoverError{left}
	}
	if h.tracker.calls > 0 {
		h.tracker.clean++
		fmt.Fprintf(h.c.Log, "handover: clean\n")
	}
	h.tracker.calls = 0
	h.console.connect(false)
	if err := h.replace(p); err != nil || !known {
		return err
	}
	return h.joinVectors()
}

// left is what the next program would trip over.
func (h *Hypervisor) left() []string {
	left := h.machine.Leaks()
	return append(left, h.console.left()...)
}
