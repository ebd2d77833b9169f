package idmap

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// walk translates as the processor does from level 0 on; false for a fault.
func walk(t *Tables, addr uint64) (uint64, bool) {
	at := t.Root()
	for shift := 39; shift >= 21; shift -= 9 {
		entry := t.frames[(at-t.base)/FrameSize][addr>>shift&511]
		if entry&valid == 0 {
			return 0, false
		}
		if shift == 21 {
			// Normal write-back, inner shareable, accessed, EL1 may write and
			// execute (PXN, bit 53, is clear), EL0 nothing.
			const want = 1 | 3<<8 | 1<<10 | 1<<54
			return entry&addrMask | addr&(pageSize-1), entry&^addrMask == want
		}
		if entry&table == 0 {
			return 0, false
		}
		at = entry & addrMask
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
		{"first bank", []Range{{gib, 4 * gib}}, []uint64{gib, 0x41234567, 4*gib - 1}, []uint64{gib - 1, 4 * gib}},
		{"second bank", []Range{{8 * gib, 8*gib + 1}}, []uint64{8 * gib, 8*gib + pageSize - 1}, []uint64{0, 8*gib - 1, 8*gib + pageSize}},
		{"across 512 GiB", []Range{{512*gib - 1, 512*gib + 1}}, []uint64{512*gib - 1, 512 * gib}, []uint64{511 * gib}},
		{"two that overlap", []Range{{0, gib}, {pageSize, 2 * gib}}, []uint64{0, gib, 2*gib - 1}, []uint64{2 * gib}},
		{"top", []Range{{Limit - 1, Limit}}, []uint64{Limit - 1}, []uint64{0}},
		{"empty", []Range{{gib, gib}}, nil, []uint64{gib}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tables, err := New(0x40007000, make([][512]uint64, FramesFor(tt.ranges)))
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

func TestMerge(t *testing.T) {
	for _, tt := range []struct{ list, want []Range }{
		{nil, nil},
		{[]Range{{8, 8}, {9, 5}}, nil},
		{[]Range{{4, 8}, {1, 2}, {2, 3}}, []Range{{1, 3}, {4, 8}}},
		{[]Range{{0, 100}, {10, 20}, {90, 120}, {120, 121}, {200, 201}}, []Range{{0, 121}, {200, 201}}},
	} {
		if diff := cmp.Diff(tt.want, Merge(tt.list)); diff != "" {
			t.Errorf("Merge(%v): %s", tt.list, diff)
		}
	}
}
