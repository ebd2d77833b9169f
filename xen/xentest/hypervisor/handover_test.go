package hypervisor

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/console/xencons"
	"pvboot/hypercall"
	"pvboot/xen"
)

const (
	departure = ramBase + 0x20000 // the last code's page
	next      = ramBase + 0x30000 // the next program
)

// version is a hypercall that leaves nothing.
var version = call(hypercall.OpXenVersion, hypercall.VersionOpVersion)

// mapShared maps shared_info, unmap takes away what is at that place.
var (
	mapShared = callWith(hypercall.OpMemory, hypercall.MemoryOpAddToPhysmap, domainWord(0), 0, region>>12)
	mapGrants = callWith(hypercall.OpMemory, hypercall.MemoryOpAddToPhysmap, domainWord(uint32(hypercall.SpaceGrantTable)), 0, region>>12)
	unmap     = callWith(hypercall.OpMemory, hypercall.MemoryOpRemoveFromPhysmap, domainWord(0), region>>12)
)

// TestHandover follows guests from program to program.
func TestHandover(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps guestCode
		clean int
		exec  []uint64 // in the end
	}{
		{"one program", guestCode{version}, 0, []uint64{0x80004, 0x80005, 0x80006, 0x80007}},
		{"two programs", guestCode{version, write(next, 0xee, 2), execute(departure), execute(next)}, 1, []uint64{0x80030, 0x80031}},
		{"without last code", guestCode{version, write(next, 0xee, 2), execute(next)}, 1, []uint64{0x80030, 0x80031}},
		{"last code of two pages", guestCode{version, write(next, 0xee, 1), execute(departure + 0xffc), execute(departure + 0x1000), execute(next)}, 1, []uint64{0x80030}},
		{"where the first one lay", guestCode{version, write(loaded, 0xee, 1), execute(departure), execute(loaded),
			version, write(next, 0xee, 1), execute(departure), execute(next)}, 2, []uint64{0x80030}},
		{"a kernel and its modules", guestCode{version, write(next, 0xee, 2), execute(departure), execute(next),
			execute(ramBase + 0x10000), execute(ramBase + 0x18000)}, 1, []uint64{0x80010, 0x80018, 0x80030, 0x80031}},
		{"the image moves first", guestCode{write(ramBase+0x10000, 0xee, 4), execute(ramBase + 0x10000), version,
			write(next, 0xee, 1), execute(departure), execute(next)}, 1, []uint64{0x80030}},
		{"mapped and unmapped", guestCode{mapShared, unmap, execute(departure)}, 1, []uint64{0x80020}},
		{"no hypercall", guestCode{execute(departure)}, 0, []uint64{0x80004, 0x80005, 0x80006, 0x80007, 0x80020}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, _, s, log := machine(t, tt.steps...)
			if reason, err := h.Run(); reason != hypercall.ShutdownPoweroff || err != nil {
				t.Fatalf("%v, %v", reason, err)
			}
			if h.Handovers() != tt.clean || strings.Count(log.String(), "handover: clean\n") != tt.clean {
				t.Errorf("%d hand-overs, want %d; log %q", h.Handovers(), tt.clean, log)
			}
			if diff := cmp.Diff(tt.exec, s.executable()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestHandoverSees has a program leave one thing of each kind to the next.
func TestHandoverSees(t *testing.T) {
	dom0 := func(path, value string) func(g *fakeGuest, e *Exit) {
		return func(g *fakeGuest, e *Exit) {
			if err := g.h.machine.Store().Write(path, value); err != nil {
				panic(err)
			}
			e.Kind = ExitTime
		}
	}
	const front = "/local/domain/1/device/vbd/51712/state"
	for _, tt := range []struct {
		name  string
		steps guestCode
		want  string
	}{
		{"shared_info", guestCode{mapShared}, "shared_info mapped at gfn 0x38000"},
		{"grant frame", guestCode{mapGrants}, "grant frame 0 mapped at gfn 0x38000"},
		{"grant", guestCode{mapGrants, func(g *fakeGuest, e *Exit) {
			entry := g.h.c.Stage2.(*fakeStage2).pages[region>>12][8*9:]
			binary.NativeEndian.PutUint16(entry, 1)
			binary.NativeEndian.PutUint32(entry[4:], 0x80005)
			unmap(g, e)
		}}, "grant 9: flags 0x1, gfn 0x80005"},
		{"port", guestCode{callWith(hypercall.OpEventChannel, hypercall.EvtchnOpAllocUnbound, domainWord(0))}, "port 3 to domain 0"},
		{"toolstack's port closed", guestCode{callWith(hypercall.OpEventChannel, hypercall.EvtchnOpClose, word(2, 0))}, "closed port 2 of the toolstack"},
		{"vcpu_info", guestCode{func(g *fakeGuest, e *Exit) {
			clear(g.at(ramBase + 0x100)[:16])
			binary.NativeEndian.PutUint64(g.at(ramBase+0x100), 0x80005)
			call(hypercall.OpVCPU, hypercall.VCPUOpRegisterVCPUInfo, 0, ramBase+0x100)(g, e)
		}}, "vcpu_info registered at gfn 0x80005"},
		{"runstate", guestCode{func(g *fakeGuest, e *Exit) {
			binary.NativeEndian.PutUint64(g.at(ramBase+0x100), 0x80000000)
			call(hypercall.OpVCPU, hypercall.VCPUOpRegisterRunstate, 0, ramBase+0x100)(g, e)
		}}, "runstate area registered"},
		{"RAM given back", guestCode{callWith(hypercall.OpMemory, hypercall.MemoryOpRemoveFromPhysmap, domainWord(0), 0x80008)}, "hole in RAM at gfn 0x80008"},
		{"frame over RAM", guestCode{callWith(hypercall.OpMemory, hypercall.MemoryOpAddToPhysmap, domainWord(0), 0, 0x80008)}, "mapped over RAM at gfn 0x80008"},
		{"ring over ring", guestCode{callWith(hypercall.OpMemory, hypercall.MemoryOpAddToPhysmap, domainWord(0), 0, 0x39001)}, "mapped over the toolstack's page"},
		{"vbd state", guestCode{version, dom0(front, "6")}, front + ` is "6", was "1"`},
		{"xenstore key", guestCode{version, dom0("/local/domain/1/data/x", "y")}, "/local/domain/1/data/x is new"},
		// What the daemon does meanwhile does not change this one.
		{"xenstore answer", guestCode{version, func(g *fakeGuest, e *Exit) {
			binary.NativeEndian.PutUint32(g.h.machine.StorePage()[2060:], 1) // rsp_prod
			e.Kind = ExitTime
		}}, "xenstore ring not empty"},
		{"console", guestCode{version, written(5)}, "console ring: 5 bytes not taken"},
		{"console out of range", guestCode{version, written(0x5000000)}, "console ring: out_prod 0x5000000"},
	} {
		for _, end := range []string{"last code", "entry"} {
			t.Run(tt.name+", "+end, func(t *testing.T) {
				steps := append(slices.Clone(tt.steps), write(next, 0xee, 1), execute(next))
				if end == "last code" {
					steps = append(slices.Clone(tt.steps), execute(departure))
				}
				h, _, _, log := machine(t, steps...)
				_, err := h.Run()
				var left *HandoverError
				if !errors.As(err, &left) || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %s", err, tt.want)
				}
				if !strings.Contains(log.String(), "handover: "+tt.want) && !strings.Contains(log.String(), tt.want) || strings.Contains(log.String(), "clean") {
					t.Errorf("log %q", log)
				}
			})
		}
	}
}

// written is a step that sets a console's out_prod. The console is one that nobody
// serves.
func written(index uint32) func(g *fakeGuest, e *Exit) {
	return func(g *fakeGuest, e *Exit) {
		page := make([]byte, xen.PageSize)
		ring, err := xencons.New(page, true)
		if err != nil {
			panic(err)
		}
		g.h.console = &console{ring: ring, kick: make(chan struct{}, 1)}
		binary.NativeEndian.PutUint32(page[3084:], index)
		e.Kind = ExitTime
	}
}

// TestVectors: where interrupts lead belongs to each program, and not to last code.
func TestVectors(t *testing.T) {
	h, _, s, _ := machine(t)
	c := h.c
	c.Vectors = Program{ramBase, ramBase + 0x2000}
	h.Close()
	run := func(steps ...func(g *fakeGuest, e *Exit)) ([]uint64, error) {
		c.VCPU.(*fakeGuest).steps = steps
		clear(s.exec)
		h, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		c.VCPU.(*fakeGuest).h = h
		_, err = h.Run()
		return s.executable(), err
	}
	for _, tt := range []struct {
		steps guestCode
		want  []uint64
	}{
		{guestCode{version}, []uint64{0x80000, 0x80001, 0x80004, 0x80005, 0x80006, 0x80007}},
		{guestCode{version, execute(departure)}, []uint64{0x80020}},
		{guestCode{version, execute(departure), write(next, 0xee, 1), execute(next)}, []uint64{0x80000, 0x80001, 0x80030}},
	} {
		got, err := run(tt.steps...)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
}

// TestLateLeak is something that the last code leaves, after the loader was
// found to have left nothing.
func TestLateLeak(t *testing.T) {
	h, _, _, _ := machine(t, version, write(next, 0xee, 1), execute(departure), mapShared, execute(next))
	if _, err := h.Run(); err == nil || !strings.Contains(err.Error(), "shared_info mapped") {
		t.Error(err)
	}
}

func TestExecuteNoRAM(t *testing.T) {
	for _, addr := range []uint64{0, region, ramBase + ramSize, ^uint64(0)} {
		h, _, _, _ := machine(t, execute(addr))
		var f *FaultError
		if _, err := h.Run(); !errors.As(err, &f) || f.Addr != addr {
			t.Errorf("%#x: %v", addr, err)
		}
	}
}

func TestBadGuests(t *testing.T) {
	for name, change := range map[string]func(c *Config){
		"no RAM":          func(c *Config) { c.RAM = nil },
		"half a page":     func(c *Config) { c.RAM = c.RAM[:100] },
		"base":            func(c *Config) { c.Base++ },
		"program's start": func(c *Config) { c.Program.Start++ },
		"RAM over rings":  func(c *Config) { c.StorePage = ramBase + 0x3000 },
		"RAM over grants": func(c *Config) { c.Grants = ramBase - 0x1000 },
		"empty program":   func(c *Config) { c.Program = Program{loaded, loaded} },
		"disk":            func(c *Config) { c.Disks[0].Size = 513 },
	} {
		h, _, _, _ := machine(t)
		c := h.c
		change(&c)
		if h, err := New(c); err == nil {
			h.Close()
			t.Errorf("%s: no error", name)
		}
	}
}
