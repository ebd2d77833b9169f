package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"pvboot/guest"
	"pvboot/guest/handover"
	"pvboot/loader/image"
)

// boot carries out what the loader decides.
type boot struct {
	world
	text io.Writer // the console, for lines
}

// start loads a kernel and enters it. As long as it returns, the disks are
// connected and the loader can go on; once they were given back there is no
// way back, and a failure ends the domain with a message.
func (b *boot) start(_ context.Context, req image.Request) error {
	begin := time.Now()
	req.Machine = target()
	plan, err := image.Build(req)
	if err != nil {
		return err
	}
	loaded, err := handover.Load(plan, ground(b.busy()))
	if err != nil {
		return err
	}
	fmt.Fprintf(b.text, "%s: %s, %.1f MiB loaded in %.2f s\n",
		req.Name, plan.Kind, float64(size(plan))/(1<<20), time.Since(begin).Seconds())
	// What is left behind now could fail the next kernel in ways that nobody
	// would trace to here.
	if err := b.giveBack(b.text); err != nil && !overlook {
		fmt.Fprintf(b.text, "refused to start %s: %v\n", req.Name, err)
		b.console().Close()
		guest.Exit(1)
	}
	b.console().Close()
	err = loaded.Jump()
	fmt.Fprintln(os.Stderr, "pvboot:", err) // the console itself is closed
	guest.Exit(1)
	return err
}

// end is for halt and reboot: next does not return.
func (b *boot) end(next func()) error {
	if err := b.giveBack(b.text); err != nil {
		fmt.Fprintln(b.text, err)
	}
	b.console().Close()
	next()
	return nil
}

// target is the domain or machine as the next kernel sees it.
func target() image.Machine {
	start := guest.Start()
	m := image.Machine{
		Arch: runtime.GOARCH, Memory: ranges(start.Memory), RSDP: start.RSDP, DeviceTree: start.DeviceTree,
		Hart: start.Hart,
	}
	if pv := guest.PV(); pv != nil {
		m.PV = &image.PVMachine{
			Magic: pv.Magic, Pages: pv.Pages, SharedInfo: pv.SharedInfo, Flags: pv.Flags,
			Store:   image.PVRing{Frame: pv.Store.MFN, Port: uint32(pv.Store.Port)},
			Console: image.PVRing{Frame: pv.Console.MFN, Port: uint32(pv.Console.Port)},
		}
	}
	return m
}

// ground is the memory to load into; busy is what the loader needs beside its own.
func ground(busy []image.Range) handover.Ground {
	g := handover.Ground{Own: append(ranges(guest.Own()), busy...), Free: ranges(guest.Free()), View: guest.Platform().View}
	if pv := guest.PV(); pv != nil {
		g.P2M, g.Store, g.Console = pv.P2M, pv.Store.MFN, pv.Console.MFN
	}
	return g
}

func ranges(list []guest.Range) []image.Range {
	out := make([]image.Range, len(list))
	for i, r := range list {
		out[i] = image.Range{Start: r.Start, Size: r.Size, Type: image.MemoryType(r.Type)}
	}
	return out
}

// size is how many bytes a plan brings into memory.
func size(plan *image.Plan) (n int64) {
	for _, s := range plan.Segments {
		if s.Data != nil {
			n += s.Data.Size()
		}
	}
	return n
}
