// Package hypervisor runs one guest on one virtual processor, with
// [xentest.Machine] as its Xen: the part of a test hypervisor that no
// architecture has for itself. It stands in where no released Xen can run a
// guest yet.
//
// The other parts are a [VCPU], which enters the guest and says why it came back,
// and the second stage of translation ([Stage2]), by which the guest sees its RAM
// and the frames that the machine gives it, and nothing else. What a guest passes
// by address is not trusted: structures are copied, and whatever does not lie in
// its RAM is EFAULT.
//
// There may be but one thread. The guest runs until it calls, sleeps or has used
// up its time, and then the machine's goroutines have theirs.
//
// A [Hypervisor] also judges the hand-over from one program of the guest's to the
// next, see handover.go.
package hypervisor

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"pvboot/blkfront/blkif"
	"pvboot/hypercall"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

// Guest is what is to run, and where.
type Guest struct {
	RAM  []byte // whole pages, in the hypervisor's memory
	Base uint64 // guest-physical address of its first byte
	// StorePage and ConsolePage are the guest-physical addresses of the rings' pages,
	// Grants is where the guest may map frames, GrantSize how many bytes that is.
	StorePage, ConsolePage, Grants, GrantSize uint64

	Program Program // that runs first
	// Vectors is where interrupts lead, which belongs to each program; empty
	// where the programs have them within themselves.
	Vectors Program
	Disks   []xentest.BlkConfig
}

// Config is a guest and what a hypervisor needs of the architecture.
type Config struct {
	Guest
	VCPU   VCPU
	Stage2 Stage2
	// ProgramAt tells which program the code at an address belongs to, for
	// code that no program is known for.
	ProgramAt func(view View, addr uint64) (Program, bool)
	// Console is the guest's console, and Log where the hypervisor's own
	// lines go.
	Console, Log io.Writer
}

// View looks into the guest's RAM: n bytes from guest-physical address addr.
type View func(addr, n uint64) ([]byte, bool)

// Stage2 is the second stage of translation. The guest's RAM is mapped when a
// hypervisor gets it, and none of it executable.
type Stage2 interface {
	// Map puts a page of the hypervisor's at guest frame gfn, for reading and
	// writing.
	Map(gfn uint64, page []byte) error
	// Unmap leaves nothing at gfn.
	Unmap(gfn uint64)
	// Protect makes what is mapped of [start, end), whole pages, executable or
	// not.
	Protect(start, end uint64, executable bool) error
}

// Hypervisor is one guest and the Xen beneath it.
type Hypervisor struct {
	c       Config
	machine *xentest.Machine
	console *console
	tracker tracker
	area    runstateArea
	closing sync.Once
}

// Xen's version, as the machine tells it.
const (
	major = 4
	minor = 20
	extra = ".0"
)

// New makes the machine, with its backends waiting for the guest.
func New(c Config) (*Hypervisor, error) {
	if len(c.RAM) == 0 || len(c.RAM)%xen.PageSize != 0 || c.Base%xen.PageSize != 0 {
		return nil, fmt.Errorf("hypervisor: %#x bytes of RAM at %#x: want whole pages", len(c.RAM), c.Base)
	}
	for _, frames := range []Program{{c.StorePage, c.StorePage + xen.PageSize}, {c.ConsolePage, c.ConsolePage + xen.PageSize}, {c.Grants, c.Grants + c.GrantSize}} {
		if frames.Start < c.Base+uint64(len(c.RAM)) && c.Base < frames.End {
			return nil, fmt.Errorf("hypervisor: %d MiB of RAM at %#x reach into Xen's frames at %#x", len(c.RAM)>>20, c.Base, frames.Start)
		}
	}
	h := &Hypervisor{c: c}
	h.machine = xentest.New(xentest.Config{
		Arm: true, Major: major, Minor: minor, Extra: extra,
		Memory: &xentest.Memory{
			RAM: c.RAM, Base: c.Base / xen.PageSize,
			Store: c.StorePage / xen.PageSize, Console: c.ConsolePage / xen.PageSize,
			Map: c.Stage2.Map, Unmap: c.Stage2.Unmap,
		},
	})
	for i := range c.Disks {
		if c.Disks[i].Size%blkif.SectorSize != 0 {
			h.machine.Close()
			return nil, fmt.Errorf("hypervisor: disk %d: %d bytes are no whole sectors", i, c.Disks[i].Size)
		}
		h.machine.AddDisk(c.Disks[i])
	}
	var err error
	if h.console, err = newConsole(h.machine, c.Console); err == nil {
		err = h.start(c.Program)
	}
	if err != nil {
		h.machine.Close()
		return nil, fmt.Errorf("hypervisor: %w", err)
	}
	return h, nil
}

// Close ends the machine's goroutines. A second call does nothing.
func (h *Hypervisor) Close() { h.closing.Do(h.machine.Close) }

// Machine is the guest's Xen.
func (h *Hypervisor) Machine() *xentest.Machine { return h.machine }

// Type sends keys to the guest's console.
func (h *Hypervisor) Type(keys []byte) { h.console.typeKeys(keys) }

// Key takes a key that was typed, for a program that has a console other than
// Xen's; false when there is none.
func (h *Hypervisor) Key() (byte, bool) {
	if h.tracker.calls > 0 {
		return 0, false
	}
	return h.console.key()
}

// slept is the longest that an idle processor is left alone.
const slept = 10 * time.Millisecond

// Run runs the guest until it shuts down and says why it did. The error is a
// [*FaultError] when the guest touched what is not its own, and a
// [*HandoverError] when a program left something behind for the next one.
func (h *Hypervisor) Run() (hypercall.ShutdownReason, error) {
	var e Exit
	for {
		e = Exit{}
		h.c.VCPU.Run(&e)
		switch e.Kind {
		case ExitCall:
			if h.tracker.calls++; h.tracker.calls == 1 {
				h.console.connect(true)
			}
			h.c.VCPU.SetResult(h.Call(hypercall.Op(e.Op), e.Args))
			if reason, down := h.machine.ShutdownReason(); down {
				return reason, nil
			}
			runtime.Gosched()
		case ExitTime:
			runtime.Gosched()
		case ExitIdle:
			if d := min(e.Idle, slept); d > 0 {
				time.Sleep(d)
			} else {
				runtime.Gosched()
			}
		case ExitExecute:
			if err := h.entered(e.Addr); err != nil {
				return hypercall.ShutdownCrash, err
			}
		case ExitShutdown:
			return e.Reason, nil
		case ExitFault:
			return hypercall.ShutdownCrash, &FaultError{PC: e.PC, Addr: e.Addr, What: e.What}
		default:
			return hypercall.ShutdownCrash, errors.New("hypervisor: unknown exit")
		}
	}
}

// FaultError says that the guest did what its hypervisor does not provide.
type FaultError struct {
	PC, Addr uint64 // guest-physical or virtual, as the processor says
	What     string
}

func (e *FaultError) Error() string {
	return fmt.Sprintf("fault: %s: pc %#x, address %#x", e.What, e.PC, e.Addr)
}
