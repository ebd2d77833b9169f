package guest

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func rangesOf(list ...Range) *ranges {
	l := &ranges{}
	for _, r := range list {
		l.add(r)
	}
	return l
}

func TestUsable(t *testing.T) {
	for _, test := range []struct {
		name  string
		in    []Range
		limit uint64
		want  []Range
	}{
		{"page 0 is kept out", []Range{{0, 0x3000, RAM}}, 1 << 63, []Range{{0x1000, 0x2000, RAM}}},
		{"whole pages only", []Range{{0x1800, 0x2000, RAM}}, 1 << 63, []Range{{0x2000, 0x1000, RAM}}},
		{"reserved inside RAM", []Range{{0x1000, 0x9000, RAM}, {0x4800, 0x10, 2}}, 1 << 63, []Range{{0x1000, 0x3000, RAM}, {0x5000, 0x5000, RAM}}},
		{"limit", []Range{{0x1000, 0x9000, RAM}}, 0x3000, []Range{{0x1000, 0x2000, RAM}}},
		{"wraps around", []Range{{1 << 63, 1 << 63, RAM}, {1<<64 - 1, 2, RAM}}, 1 << 63, nil},
		{"less than a page", []Range{{0x1001, 0xffe, RAM}}, 1 << 63, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got ranges
			rangesOf(test.in...).usable(&got, test.limit)
			if diff := cmp.Diff(append([]Range(nil), test.want...), append([]Range(nil), got.list()...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHold(t *testing.T) {
	l := rangesOf(Range{0x1000, 0x1000, RAM}, Range{0x2000, 0x1000, typeReserved}, Range{0x4000, 0x1000, RAM})
	for _, test := range []struct {
		start, end uint64
		want       bool
	}{
		{0x1000, 0x3000, true}, {0x1800, 0x2001, true}, {0x2fff, 0x3000, true}, {0x4000, 0x5000, true},
		{0xfff, 0x1001, false}, {0x2fff, 0x3001, false}, {0x3000, 0x3001, false}, {0x2000, 0x5000, false}, {0x5000, 0x5001, false},
	} {
		if got := l.hold(Range{test.start, test.end - test.start, RAM}); got != test.want {
			t.Errorf("%#x-%#x: %v, want %v", test.start, test.end, got, test.want)
		}
	}
}

func TestRangesAreBounded(t *testing.T) {
	var l ranges
	for i := range uint64(maxRanges) {
		if !l.add(Range{i * 10, 5, RAM}) {
			t.Fatalf("range %d of %d does not fit", i, maxRanges)
		}
	}
	if l.add(Range{1, 1, RAM}) {
		t.Errorf("range %d fits", maxRanges)
	}
	l.cut(2, 1<<60) // must not overrun either
	if got := l.n; got != 1 {
		t.Errorf("%d ranges are left, want 1", got)
	}
}

func TestPlace(t *testing.T) {
	const end = 5 << 20 // of the image
	for _, test := range []struct {
		name       string
		usable     []Range
		tables     uint64
		heap, size uint64
		ok         bool
	}{
		{"16 MiB domain", []Range{{0x1000, 2<<20 - 0x1000, RAM}, {end, 11 << 20, RAM}}, 0, end, 13<<19 - 0x1000, true},
		{"large domain", []Range{{end, 1 << 30, RAM}}, 0x5000, end + 0x5000, maxHeap, true},
		{"a module is in the way", []Range{{end, 1 << 20, RAM}, {20 << 20, 1 << 30, RAM}}, 0, 20 << 20, maxHeap, true},
		{"two small pieces", []Range{{end, 4 << 20, RAM}, {20 << 20, 6 << 20, RAM}}, 0, 20 << 20, 5 << 20, true},
		{"too little", []Range{{end, minHeap + minHeap/2, RAM}}, 0, 0, 0, false},
		{"tables leave too little", []Range{{end, 2 * minHeap, RAM}}, 2 * minHeap, 0, 0, false},
		{"only above 4 GiB", []Range{{1 << 32, 1 << 30, RAM}}, 0, 0, 0, false},
		{"across 4 GiB", []Range{{1<<32 - 0x1000, 1 << 30, RAM}}, 0, 0, 0, false},
		{"from below 4 GiB to above", []Range{{1<<32 - 8<<20, 1 << 30, RAM}}, 0x5000, 1<<32 - 8<<20 + 0x5000, 8<<20 - 0x5000, true},
		{"nothing", nil, 0, 0, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, ok := placeBeside(rangesOf(test.usable...), end, test.tables, maxHeap, 0)
			if ok != test.ok || ok && (l.heap.Start != test.heap || l.heap.Size != test.size) {
				t.Errorf("heap %#x+%#x %v, want %#x+%#x %v", l.heap.Start, l.heap.Size, ok, test.heap, test.size, test.ok)
			}
		})
	}
}

// A kernel of less than room lies below the heap, and what is left lies above.
func TestPlaceInBetween(t *testing.T) {
	const (
		mib    = 1 << 20
		end    = 5 * mib // of the image
		room   = 256 * mib
		tables = 3 * pageSize
	)
	for _, test := range []struct {
		name   string
		usable []Range
		start  uint64 // of the tables
	}{
		{"too small to be divided", []Range{{end, 180 * mib, RAM}}, end},
		{"just large enough", []Range{{end, 192 * mib, RAM}}, end + 64*mib},
		{"an odd page", []Range{{end, 192*mib + 3*pageSize, RAM}}, end + 64*mib + pageSize},
		{"in the middle", []Range{{end, 464 * mib, RAM}}, end + 200*mib},
		{"as high as need be", []Range{{end, 3 << 30, RAM}}, end + room},
		{"the image at the bottom", []Range{{pageSize, mib, RAM}, {end, 463 * mib, RAM}}, end + 200*mib},
		// xl has the device tree below 128 MiB, and it must stay where it is.
		{"a tree in the way", []Range{{end, 122 * mib, RAM}, {128 * mib, 128 * mib, RAM}}, 128 * mib},
		{"no room behind the middle", []Range{{end, 130 * mib, RAM}, {256 * mib, 60 * mib, RAM}, {512 * mib, 60 * mib, RAM}}, end},
	} {
		t.Run(test.name, func(t *testing.T) {
			l, ok := placeBeside(rangesOf(test.usable...), end, tables, maxHeap, room)
			if !ok || l.tables.Start != test.start || l.tables.End() != l.heap.Start || l.heap.Size != maxHeap {
				t.Errorf("tables %#x, heap %#x+%#x, want tables at %#x", l.tables.Start, l.heap.Start, l.heap.Size, test.start)
			}
		})
	}
}

// TestHeapPages plays a random game against a map of who has which page.
func TestHeapPages(t *testing.T) {
	const base = 0x345000
	h := &heapPages{}
	h.init(Range{base, 6 << 20, RAM})
	r := rand.New(rand.NewPCG(1, 2))
	type piece struct{ addr, size uint64 }
	var pieces []piece
	taken := map[uint64]bool{}
	pages := 0
	for range 20000 {
		if len(pieces) > 0 && r.IntN(2) == 0 {
			i := r.IntN(len(pieces))
			p := pieces[i]
			pieces = append(pieces[:i], pieces[i+1:]...)
			h.release(p.addr, p.size)
			for a := p.addr; a < p.addr+p.size; a += pageSize {
				delete(taken, a)
				pages--
			}
			continue
		}
		n := 1 + r.IntN(200)
		align := uint64(pageSize)
		var addr uint64
		var ok bool
		if r.IntN(2) == 0 {
			align = arenaSize
			addr, ok = h.bottom(n, align)
		} else {
			addr, ok = h.top(n)
		}
		if !ok {
			if align == pageSize && h.largest() >= n {
				t.Fatalf("%d pages refused with %d in a row free", n, h.largest())
			}
			continue
		}
		if addr%align != 0 || !h.contains(addr, uint64(n)*pageSize) {
			t.Fatalf("%d pages at %#x: alignment %#x", n, addr, align)
		}
		for a := addr; a < addr+uint64(n)*pageSize; a += pageSize {
			if taken[a] {
				t.Fatalf("page %#x is given out twice", a)
			}
			taken[a] = true
			pages++
		}
		if h.inUse != pages {
			t.Fatalf("%d pages in use, want %d", h.inUse, pages)
		}
		pieces = append(pieces, piece{addr, uint64(n) * pageSize})
	}
}

func TestHeapPagesRefuse(t *testing.T) {
	h := &heapPages{}
	h.init(Range{0x100000, 1 << 20, RAM})
	for _, n := range []int{0, -1, 257, 1 << 40} {
		if addr, ok := h.top(n); ok {
			t.Errorf("top(%d) = %#x", n, addr)
		}
		if addr, ok := h.bottom(n, pageSize); ok {
			t.Errorf("bottom(%d) = %#x", n, addr)
		}
	}
	// What lies outside is no business of release.
	h.release(0, 1<<63)
	h.release(0x1ff000, 0x2000)
	if _, ok := h.top(256); !ok {
		t.Error("all pages at once are refused")
	}
	h.release(0xff000, 0x2000)
	if h.inUse != 256 {
		t.Errorf("%d pages in use, want 256", h.inUse)
	}
}
