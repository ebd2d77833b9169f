package main

import (
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/guest"
	"pvboot/loader/image"
)

// A disk in memory is kept, in whole pages: nothing is loaded over it.
func TestMachineBusy(t *testing.T) {
	m := &machine{modules: []guest.Module{{Start: 0x10000, Size: 0x3000}, {Start: 0x20800, Size: 0x1001}}}
	want := []image.Range{
		{Start: 0x10000, Size: 0x3000, Type: image.RAM},
		{Start: 0x20000, Size: 0x2000, Type: image.RAM},
	}
	if d := cmp.Diff(want, m.busy()); d != "" {
		t.Fatal(d)
	}
	plan := &image.Plan{Segments: []image.Segment{{Name: "kernel", Addr: 0xf000, Size: 0x14000, Data: zeros(0x14000)}}}
	free := []image.Range{{Start: 0x1000, Size: 0xf000, Type: image.RAM}, {Start: 0x40000, Size: 0x20000, Type: image.RAM}}
	schedule, err := image.NewSchedule(plan, ground(m.busy()).Own, free)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range schedule.Loads {
		for _, busy := range want {
			if l.Addr < busy.End() && busy.Start < l.Addr+l.Size {
				t.Errorf("%#x bytes are loaded to %#x, over the disk at %#x", l.Size, l.Addr, busy.Start)
			}
		}
	}
	if len(schedule.Moves) != 2 {
		t.Errorf("%d moves, want one for each disk", len(schedule.Moves))
	}
}

// zeros is so many bytes.
type zeros int64

func (z zeros) Size() int64 { return int64(z) }

func (z zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

func TestMachineDisks(t *testing.T) {
	m := &machine{modules: make([]guest.Module, 3)}
	var names []string
	for _, d := range m.disks(io.Discard) {
		names = append(names, d.Name)
		if !d.ReadOnly {
			t.Errorf("%s can be written", d.Name)
		}
		if _, err := d.Open(); err == nil {
			t.Errorf("%s: a module of no bytes is a disk", d.Name)
		}
	}
	if d := cmp.Diff([]string{"memdisk", "memdisk1", "memdisk2"}, names); d != "" {
		t.Error(d)
	}
}

// An ordinary program has no Xen below, and nobody gave it a disk.
func TestFindWorld(t *testing.T) {
	if w, err := findWorld(); !errors.Is(err, errNoDisk) {
		t.Errorf("%v, error %v, want %v", w, err, errNoDisk)
	}
}
