package idmap

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// formats are all, with the bits that entries must have, from the manuals.
var formats = []struct {
	name        string
	format      *Format
	table, page uint64
}{
	{"x86", &X86, 0x3, 0x83},
	// Accessed, inner shareable; EL1 may write and execute (PXN, bit 53, is
	// clear), EL0 nothing.
	{"AArch64", &AArch64, 0x3, 1 | 3<<8 | 1<<10 | 1<<54},
}

// walk translates as the processor does; false for a fault.
func walk(t *Tables, addr, table, page uint64) (uint64, bool) {
	at := t.Root()
	for shift := 39; shift > 21; shift -= 9 {
		entry := t.frames[(at-t.base)/FrameSize][addr>>shift&511]
		if entry&^addrMask != table {
			return 0, false
		}
		at = entry & addrMask
	}
	entry := t.frames[(at-t.base)/FrameSize][addr>>21&511]
	return entry&addrMask | addr&(pageSize-1), entry&^addrMask == page
}

func TestMap(t *testing.T) {
	for _, f := range formats {
		limit := f.format.Limit
		tests := []struct {
			name     string
			ranges   []Range
			mapped   []uint64
			unmapped []uint64
		}{
			{"4 GiB", []Range{{0, 4 * gib}}, []uint64{0, 0x1234567, 4*gib - 1}, []uint64{4 * gib}},
			{"first bank", []Range{{gib, 4 * gib}}, []uint64{gib, 0x41234567, 4*gib - 1}, []uint64{gib - 1, 4 * gib}},
			{"one byte", []Range{{5 * gib, 5*gib + 1}}, []uint64{5 * gib, 5*gib + pageSize - 1}, []uint64{0, 5*gib - 1, 5*gib + pageSize}},
			{"across 512 GiB", []Range{{512*gib - 1, 512*gib + 1}}, []uint64{512*gib - 1, 512 * gib}, []uint64{511 * gib}},
			{"two that overlap", []Range{{0, gib}, {pageSize, 2 * gib}}, []uint64{0, gib, 2*gib - 1}, []uint64{2 * gib}},
			{"top", []Range{{limit - 1, limit}}, []uint64{limit - 1}, []uint64{0}},
			{"empty", []Range{{gib, gib}}, nil, []uint64{gib}},
		}
		for _, tt := range tests {
			t.Run(f.name+"/"+tt.name, func(t *testing.T) {
				tables, err := New(f.format, 0x40007000, make([][512]uint64, FramesFor(tt.ranges)))
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range tt.ranges {
					if err := tables.Map(r); err != nil {
						t.Fatal(err)
					}
				}
				for _, addr := range tt.mapped {
					if got, ok := walk(tables, addr, f.table, f.page); !ok || got != addr {
						t.Errorf("%#x translates to %#x, %v", addr, got, ok)
					}
				}
				for _, addr := range tt.unmapped {
					if got, ok := walk(tables, addr, f.table, f.page); ok {
						t.Errorf("%#x translates to %#x, want a fault", addr, got)
					}
				}
			})
		}
	}
}

func TestRefused(t *testing.T) {
	if _, err := New(&X86, 0x7001, make([][512]uint64, 1)); err == nil {
		t.Error("unaligned base accepted")
	}
	if _, err := New(&X86, 0x7000, nil); err == nil {
		t.Error("no frames accepted")
	}
	tables, err := New(&X86, 0x7000, make([][512]uint64, 2))
	if err != nil {
		t.Fatal(err)
	}
	if err := tables.Map(Range{0, 1}); !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want %v", err, ErrFull)
	}
	if err := tables.Map(Range{X86.Limit, X86.Limit + 1}); err == nil {
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
