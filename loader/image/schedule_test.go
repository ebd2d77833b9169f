package image

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// memory is a small machine in which a schedule can be carried out.
type memory []byte

func (m memory) run(t *testing.T, p *Plan, s *Schedule, own []Range) {
	t.Helper()
	touch := func(what string, addr, size uint64) []byte {
		for _, o := range own {
			if addr < o.End() && o.Start < addr+size {
				t.Fatalf("%s %#x+%#x touches the loader at %#x", what, addr, size, o.Start)
			}
		}
		return m[addr : addr+size]
	}
	for _, l := range s.Loads {
		if _, err := p.Segments[l.Segment].Data.ReadAt(touch("load", l.Addr, l.Size), l.Offset); err != nil {
			t.Fatal(err)
		}
	}
	for _, z := range s.Zeros {
		clear(touch("zero", z.Start, z.Size))
	}
	for _, mv := range s.Moves {
		if mv.Src == 0 {
			clear(m[mv.Dst : mv.Dst+mv.Size])
		} else {
			copy(m[mv.Dst:mv.Dst+mv.Size], m[mv.Src:mv.Src+mv.Size])
		}
	}
}

// touched is every range that carrying out s writes.
func (s *Schedule) touched() []Range {
	ranges := append([]Range(nil), s.Zeros...)
	for _, l := range s.Loads {
		ranges = append(ranges, Range{Start: l.Addr, Size: l.Size})
	}
	for _, m := range s.Moves {
		ranges = append(ranges, Range{Start: m.Dst, Size: m.Size})
	}
	return ranges
}

// TestScheduleAnyLayout carries out random plans around random loaders and
// wants every byte in its place.
func TestScheduleAnyLayout(t *testing.T) {
	const size = 1 << 20
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		mem := make(memory, size)
		for i := range mem {
			mem[i] = byte(r.Uint32())
		}
		ram := []Range{{Start: 0, Size: size, Type: RAM}}
		var own []Range
		for range 1 + r.IntN(3) {
			own = append(own, Range{Start: uint64(r.IntN(size/2)) &^ 4095, Size: uint64(1+r.IntN(20)) * 4096})
		}
		space, plan := newSpace(ram), &Plan{}
		for range r.IntN(6) {
			data := make([]byte, r.IntN(60000))
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			seg := Segment{Size: uint64(len(data) + r.IntN(20000)), Reserve: uint64(r.IntN(5000)), Data: bytes.NewReader(data)}
			addr, err := space.lowest(seg.Size+seg.Reserve, 512, uint64(r.IntN(size/2)), size)
			if err != nil {
				continue
			}
			seg.Addr = addr
			plan.Segments = append(plan.Segments, seg)
		}
		s, err := NewSchedule(plan, own, ram)
		var noRoom *NoRoomError
		if errors.As(err, &noRoom) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		area, err := s.Reserve(4096, size)
		if err != nil {
			continue
		}
		mem.run(t, plan, s, own)
		for _, r := range append(s.touched(), own...) {
			if area < r.End() && r.Start < area+4096 {
				t.Fatalf("seed %d: reserved %#x is used by %#x-%#x", seed, area, r.Start, r.End())
			}
		}
		for _, seg := range plan.Segments {
			want := make([]byte, seg.Size)
			if _, err := seg.Data.ReadAt(want[:seg.Data.Size()], 0); err != nil && seg.Data.Size() > 0 {
				t.Fatal(err)
			}
			if got := []byte(mem[seg.Addr : seg.Addr+seg.Size]); !bytes.Equal(got, want) {
				t.Fatalf("seed %d: segment at %#x differs", seed, seg.Addr)
			}
		}
	}
}

func TestScheduleStagesOnlyTheOverlap(t *testing.T) {
	plan := &Plan{Segments: []Segment{{Name: "kernel", Addr: 0x10000, Size: 0x5000, Data: bytes.NewReader(make([]byte, 0x4800))}}}
	own := []Range{{Start: 0x12000, Size: 0x1000}, {Start: 0x14c00, Size: 0x10000}}
	got, err := NewSchedule(plan, own, []Range{{Start: 0, Size: 0x12000, Type: RAM}})
	if err != nil {
		t.Fatal(err)
	}
	want := &Schedule{
		Loads: []Load{
			{Offset: 0, Addr: 0x10000, Size: 0x2000},
			{Offset: 0x2000, Addr: 0xf000, Size: 0x1000},
			{Offset: 0x3000, Addr: 0x13000, Size: 0x1800},
		},
		Zeros: []Range{{Start: 0x14800, Size: 0x400, Type: RAM}},
		Moves: []Move{{Dst: 0x12000, Src: 0xf000, Size: 0x1000}, {Dst: 0x14c00, Size: 0x400}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Schedule{})); diff != "" {
		t.Errorf("schedule (-want +got):\n%s", diff)
	}
}

// A small domain has no room but what the kernel reserves, and that is not for
// the last code.
func TestScheduleStagesInReserve(t *testing.T) {
	plan := &Plan{Segments: []Segment{{Name: "kernel", Addr: 0x10000, Size: 0x4000, Reserve: 0x6000, Data: bytes.NewReader(make([]byte, 0x4000))}}}
	ram := []Range{{Start: 0x10000, Size: 0xa000, Type: RAM}}
	got, err := NewSchedule(plan, []Range{{Start: 0x10000, Size: 0x4000}}, ram)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Move{{Dst: 0x10000, Src: 0x16000, Size: 0x4000}}, got.Moves); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
	if addr, err := got.Reserve(4096, 1<<32); err == nil {
		t.Errorf("the last code at %#x, inside what the kernel reserves", addr)
	}
}

// What can only be read in one piece stays one, staged if a part of it must be.
func TestScheduleWhole(t *testing.T) {
	plan := &Plan{Segments: []Segment{{Name: "kernel", Addr: 0x10000, Size: 0x5000, Whole: true, Data: bytes.NewReader(make([]byte, 0x4800))}}}
	free := []Range{{Start: 0, Size: 0x20000, Type: RAM}}
	for _, tt := range []struct {
		own  []Range
		want *Schedule
	}{
		{[]Range{{Start: 0x1a000, Size: 0x1000}}, &Schedule{
			Loads: []Load{{Addr: 0x10000, Size: 0x4800}},
			Zeros: []Range{{Start: 0x14800, Size: 0x800, Type: RAM}},
		}},
		{[]Range{{Start: 0x12000, Size: 0x1000}, {Start: 0x1a000, Size: 0x6000}}, &Schedule{
			Loads: []Load{{Addr: 0x15000, Size: 0x4800}},
			Zeros: []Range{{Start: 0x14800, Size: 0x800, Type: RAM}},
			Moves: []Move{{Dst: 0x10000, Src: 0x15000, Size: 0x4800}},
		}},
	} {
		got, err := NewSchedule(plan, tt.own, free)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(Schedule{})); diff != "" {
			t.Errorf("own %#x: schedule (-want +got):\n%s", tt.own, diff)
		}
	}
}

func TestScheduleWithoutRoom(t *testing.T) {
	plan := &Plan{Segments: []Segment{{Name: "kernel", Addr: 0x10000, Size: 0x5000, Data: bytes.NewReader(make([]byte, 0x4800))}}}
	_, err := NewSchedule(plan, []Range{{Start: 0x10000, Size: 0x5000}}, []Range{{Start: 0xf000, Size: 0x6000, Type: RAM}})
	if err == nil || err.Error() != "stage kernel: no room for 18 KiB of RAM between 0x0 and 0xffffffffffffffff: the domain needs more memory" {
		t.Errorf("error %v", err)
	}
}
