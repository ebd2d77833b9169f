package image

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// exchange carries a PV schedule out: pages change places.
func (m memory) exchange(t *testing.T, p *Plan, s *Schedule, own []Range) {
	t.Helper()
	moves := s.Moves
	s.Moves = nil
	m.run(t, p, s, own)
	moved := map[uint64]bool{}
	for _, mv := range moves {
		for at := uint64(0); at < mv.Size; at += pageSize {
			src, dst := mv.Src+at, mv.Dst+at
			if moved[src] || moved[dst] || src%pageSize != 0 || dst%pageSize != 0 {
				t.Fatalf("page %#x or %#x is no page or in two moves", src, dst)
			}
			moved[src], moved[dst] = true, true
			page := bytes.Clone(m[src : src+pageSize])
			copy(m[src:src+pageSize], m[dst:dst+pageSize])
			copy(m[dst:dst+pageSize], page)
		}
	}
	s.Moves = moves
}

// Random plans around random loaders: every byte in its place, and every byte
// of the loader somewhere outside of the plan.
func TestPageScheduleAnyLayout(t *testing.T) {
	const size = 1 << 20
	full := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		mem := make(memory, size)
		ram := []Range{{Start: 0, Size: size, Type: RAM}}
		own := []Range{{Start: 0, Size: pageSize}}
		for range 1 + r.IntN(3) {
			own = append(own, Range{Start: uint64(r.IntN(size/2)) &^ 4095, Size: uint64(1+r.IntN(20)) * pageSize})
		}
		for _, o := range own {
			for at := o.Start; at < o.End(); at += 8 {
				copy(mem[at:], "loader's")
			}
		}
		space, plan := &space{free: ram}, &Plan{PV: &PVPlan{}}
		for range r.IntN(6) {
			data := bytes.Repeat([]byte{byte(1 + r.IntN(255)), byte(r.Uint32()), byte(r.Uint32())}, r.IntN(30000))
			seg := Segment{Size: uint64(len(data)+r.IntN(20000)+4095) &^ 4095, Data: bytes.NewReader(data), Whole: r.IntN(3) == 0}
			addr, err := space.lowest(seg.Size, pageSize, uint64(r.IntN(size/2)-pageSize), size)
			if err != nil {
				continue
			}
			seg.Addr = addr
			plan.Segments = append(plan.Segments, seg)
		}
		s, err := NewSchedule(plan, own, ram)
		var noRoom *NoRoomError
		if errors.As(err, &noRoom) {
			full++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		before := bytes.Count(mem, []byte("loader's"))
		mem.exchange(t, plan, s, own)
		for _, seg := range plan.Segments {
			want := make([]byte, seg.Size)
			if _, err := seg.Data.ReadAt(want[:seg.Data.Size()], 0); err != nil && seg.Data.Size() > 0 {
				t.Fatal(err)
			}
			if got := []byte(mem[seg.Addr : seg.Addr+seg.Size]); !bytes.Equal(got, want) {
				t.Fatalf("seed %d: segment at %#x differs", seed, seg.Addr)
			}
		}
		if after := bytes.Count(mem, []byte("loader's")); after != before {
			t.Fatalf("seed %d: %d words of the loader, there were %d", seed, after, before)
		}
	}
	if full > 30 {
		t.Errorf("%d of 60 layouts had no room", full)
	}
}

// Zeros need pages too, a page may hold data and zeros, and what is not read
// in one piece goes where there is room.
func TestPageSchedule(t *testing.T) {
	plan := &Plan{PV: &PVPlan{}, Segments: []Segment{
		{Name: "kernel", Addr: 0x10000, Size: 0x5000, Data: bytes.NewReader(make([]byte, 0x2800))},
	}}
	own := []Range{{Start: 0, Size: 0x1000}, {Start: 0x11000, Size: 0x3000}}
	free := []Range{{0x1000, 0x1000, RAM}, {0x10000, 0x1000, RAM}, {0x14000, 0x2000, RAM}, {0x20000, 0x1000, RAM}}
	got, err := NewSchedule(plan, own, free)
	if err != nil {
		t.Fatal(err)
	}
	want := &Schedule{
		Loads: []Load{{0, 0, 0x10000, 0x1000}, {0, 0x1000, 0x1000, 0x1000}, {0, 0x2000, 0x15000, 0x800}},
		Zeros: []Range{{Start: 0x15800, Size: 0x800, Type: RAM}, {Start: 0x20000, Size: 0x1000, Type: RAM}, {Start: 0x14000, Size: 0x1000, Type: RAM}},
		Moves: []Move{{0x11000, 0x1000, 0x1000}, {0x12000, 0x15000, 0x1000}, {0x13000, 0x20000, 0x1000}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Schedule{})); diff != "" {
		t.Errorf("schedule (-want +got):\n%s", diff)
	}

	for _, tt := range []struct {
		name   string
		change func(*Segment)
		want   string
	}{
		{"odd address", func(s *Segment) { s.Addr += 8 }, "kernel: 0x5000 bytes at 0x10008 and 0x0 more are not whole pages"},
		{"odd size", func(s *Segment) { s.Size-- }, "kernel: 0x4fff bytes at 0x10000 and 0x0 more are not whole pages"},
		{"reserve", func(s *Segment) { s.Reserve = 1 << 12 }, "kernel: 0x5000 bytes at 0x10000 and 0x1000 more are not whole pages"},
		{"no room", func(s *Segment) { s.Size = 0x9000; s.Whole = true },
			"stage kernel: no room for 36 KiB of RAM between 0x0 and 0xffffffffffffffff: the domain needs more memory"},
	} {
		segment := plan.Segments[0]
		tt.change(&segment)
		_, err := NewSchedule(&Plan{PV: &PVPlan{}, Segments: []Segment{segment}}, own, free)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}
