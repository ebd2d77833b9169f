package riscv64

import (
	"fmt"
	"io"
	"time"

	arch "pvboot/arch/riscv64"
	"pvboot/test/hypervisor/stage2"
	"pvboot/xen/xentest/hypervisor"
)

// Traps ("Supervisor Cause Register (scause) Values After Trap").
const (
	interrupt          = 1 << 63
	causeTimer         = interrupt | 5
	causeCall          = 10 // environment call from VS-mode
	causeFetch         = 20 // instruction guest-page fault
	causeLoad          = 21
	causeVirtual       = 22 // virtual instruction
	causeStore         = 23
	instructionWFI     = 0x10500073
	pendingSoft        = 1 << 2 // hvip.VSSIP
	pendingTimer       = 1 << 6 // hvip.VSTIP
	slice              = 4 * time.Millisecond
	supervisor         = 1 << 8 // sstatus.SPP
	noTimer            = ^uint64(0)
	eidMachineTime     = eidTime
	regA0, regA6, reg7 = 10, 16, 17
)

// VCPU is the guest's only hart.
type VCPU struct {
	s       state
	f       firmware
	uart    uart
	hz      uint64
	sliceHz uint64 // a time slice, by the counter
	timer   uint64 // when the guest's timer rings
	pending uint64 // hvip
}

// VCPU implements the generic part's interface.
var _ hypervisor.VCPU = (*VCPU)(nil)

// New makes the hart, about to enter the image at entry with a device tree, as
// Linux Documentation/arch/riscv/boot.rst has it. The counter has hz ticks a
// second.
func New(tables *stage2.Tables, entry, tree, hz uint64, console io.Writer) *VCPU {
	v := &VCPU{hz: hz, sliceHz: hz * uint64(slice) / uint64(time.Second), timer: noTimer}
	v.s.pc, v.s.mode = entry, supervisor
	v.s.x[regA0], v.s.x[regA0+1] = 0, tree
	v.f = firmware{
		out: console, fence: flushGuest,
		setTimer: func(at uint64) { v.timer = at; v.pending &^= pendingTimer },
		raise: func(on bool) {
			v.pending &^= pendingSoft
			if on {
				v.pending |= pendingSoft
			}
		},
	}
	v.uart.out = console
	setUp(tables.Root())
	return v
}

// Flush makes the hart see changed tables.
func Flush() { flushGuest() }

// Attach tells the hart's firmware of the guest's memory and keys.
func (v *VCPU) Attach(h *hypervisor.Hypervisor) {
	v.f.view, v.f.key, v.uart.key = h.Machine().View, h.Key, h.Key
}

// SetResult implements [hypervisor.VCPU].
func (v *VCPU) SetResult(ret int64) { v.s.x[regA0] = uint64(ret) }

// Run implements [hypervisor.VCPU].
func (v *VCPU) Run(e *hypervisor.Exit) {
	for e.Kind == 0 {
		v.run()
		v.handle(e)
	}
	e.PC = v.s.pc
}

// run runs the guest until a trap, or the end of its time.
func (v *VCPU) run() {
	now := arch.Counter()
	end := now + v.sliceHz
	if v.timer <= now {
		v.pending |= pendingTimer
	} else {
		end = min(end, v.timer)
	}
	setPending(v.pending)
	arch.SBICall(eidMachineTime, 0, end, 0, 0)
	enter(&v.s)
	// The guest's own writes to sip are seen in hvip: it may have cleared VSSIP.
	v.pending = v.pending&^pendingSoft | pending()&pendingSoft
}

// handle looks at the trap. It leaves e alone when the guest is to go on.
func (v *VCPU) handle(e *hypervisor.Exit) {
	switch v.s.cause {
	case causeTimer:
		e.Kind = hypervisor.ExitTime
	case causeCall:
		v.s.pc += 4
		v.call(e)
	case causeFetch:
		e.Kind, e.Addr = hypervisor.ExitExecute, v.faultAddr()
	case causeLoad, causeStore:
		v.touch(e)
	case causeVirtual:
		if v.s.value == instructionWFI {
			v.s.pc += 4
			v.idle(e)
			return
		}
		v.fault(e, fmt.Sprintf("virtual instruction %#x", v.s.value))
	default:
		v.fault(e, fmt.Sprintf("trap %#x", v.s.cause))
	}
}

// faultAddr is the guest-physical address of a fault ("Hypervisor Trap Value
// Register (htval)").
func (v *VCPU) faultAddr() uint64 { return v.s.guest<<2 | v.s.value&3 }

// touch is a load or store where nothing is mapped: of a device, if it is one.
func (v *VCPU) touch(e *hypervisor.Exit) {
	if inst, ok := fetch(v.f.view, satp(), v.s.pc); ok {
		if a, ok := decode(inst); ok && v.uart.mmio(v.faultAddr(), a, &v.s.x) {
			v.s.pc += 4
			return
		}
	}
	what := "load"
	if v.s.cause == causeStore {
		what = "store"
	}
	v.fault(e, what)
}

func (v *VCPU) fault(e *hypervisor.Exit, what string) {
	e.Kind, e.What, e.Addr = hypervisor.ExitFault, what, v.faultAddr()
}

// idle waits for an interrupt; none may be left to wait for.
func (v *VCPU) idle(e *hypervisor.Exit) {
	if v.pending != 0 {
		return
	}
	e.Kind = hypervisor.ExitIdle
	e.Idle = time.Hour
	if now := arch.Counter(); v.timer <= now {
		e.Idle = 0
	} else if left := v.timer - now; left < v.hz*3600 {
		e.Idle = time.Duration(left * uint64(time.Second) / v.hz)
	}
}

// call is a call of the guest's: a hypercall, or one to its firmware.
func (v *VCPU) call(e *hypervisor.Exit) {
	x := &v.s.x
	eid, fid := x[reg7], x[regA6]
	if eid == EIDXen {
		e.Kind, e.Op = hypervisor.ExitCall, fid
		copy(e.Args[:], x[regA0+1:])
		return
	}
	o := v.f.call(eid, fid, [6]uint64(x[regA0:]))
	x[regA0] = uint64(o.code)
	if !o.legacy {
		x[regA0+1] = o.value
	}
	switch {
	case o.down:
		e.Kind, e.Reason = hypervisor.ExitShutdown, o.reason
	case o.idle:
		v.idle(e)
	}
}
