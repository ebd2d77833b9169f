package idmap

import (
	"errors"
	"testing"
)

// walk translates as the processor does; false for a page fault.
func walk(t *Tables, addr uint64) (uint64, bool) {
	table := t.Root()
	for shift := 39; shift >= 21; shift -= 9 {
		entry := t.frames[(table-t.base)/FrameSize][addr>>shift&511]
		if entry&present == 0 {
			return 0, false
		}
		if shift == 21 {
			return entry&addrMask&^(pageSize-1) | addr&(pageSize-1), entry&large != 0
		}
		table = entry & addrMask
	}
	return 0, false
}

func TestMap(t *testing.T) {
	tests := []struct {
		name     string
		ranges   []Range
		mapped   []uint64
		unmapped []uint64
	}{
		{"4 GiB", []Range{{0, 4 << 30}}, []uint64{0, 0x1234567, 4<<30 - 1}, []uint64{4 << 30}},
		{"one byte", []Range{{5 << 30, 5<<30 + 1}}, []uint64{5 << 30, 5<<30 + pageSize - 1}, []uint64{0, 5<<30 - 1, 5<<30 + pageSize}},
		{"across 512 GiB", []Range{{512<<30 - 1, 512<<30 + 1}}, []uint64{512<<30 - 1, 512 << 30}, []uint64{511 << 30}},
		{"two that overlap", []Range{{0, gib}, {pageSize, 2 * gib}}, []uint64{0, gib, 2*gib - 1}, []uint64{2 * gib}},
		{"top", []Range{{Limit - 1, Limit}}, []uint64{Limit - 1}, []uint64{0}},
		{"empty", []Range{{gib, gib}}, nil, []uint64{gib}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tables, err := New(0x7000, make([][512]uint64, FramesFor(tt.ranges)))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range tt.ranges {
				if err := tables.Map(r); err != nil {
					t.Fatal(err)
				}
			}
			for _, addr := range tt.mapped {
				if got, ok := walk(tables, addr); !ok || got != addr {
					t.Errorf("%#x translates to %#x, %v", addr, got, ok)
				}
			}
			for _, addr := range tt.unmapped {
				if got, ok := walk(tables, addr); ok {
					t.Errorf("%#x translates to %#x, want a fault", addr, got)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	if _, err := New(0x7001, make([][512]uint64, 1)); err == nil {
		t.Error("unaligned base accepted")
	}
	if _, err := New(0x7000, nil); err == nil {
		t.Error("no frames accepted")
	}
	tables, err := New(0x7000, make([][512]uint64, 2))
	if err != nil {
		t.Fatal(err)
	}
	if err := tables.Map(Range{0, 1}); !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want %v", err, ErrFull)
	}
	if err := tables.Map(Range{Limit, Limit + 1}); err == nil {
		t.Error("address past the limit accepted")
	}
}
