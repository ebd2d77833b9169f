package guest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/xen"
)

// readPV is readPVStart, with the program a PV domain only as long as f runs: in
// a guest, what a test prints would go into the ring that it made up.
func readPV(s *pvStartInfo, f func()) bool {
	defer func() { pv = nil }()
	ok := readPVStart(uint64(addressOf(s)))
	if ok {
		f()
	}
	return ok
}

// pvDomain is a start info, and a p2m list of 64 MiB with a hole, in the test's
// own memory, and forgets at the test's end what was read of them.
func pvDomain(t *testing.T) (*pvStartInfo, []uint64) {
	list := make([]uint64, 16384)
	for i := range list {
		list[i] = 0x70000 + uint64(i)*7%16384
	}
	for i := 12000; i < 12010; i++ {
		list[i] = ^uint64(0)
	}
	s := &pvStartInfo{
		pages: 16384, sharedInfo: 0x7f000000, flags: 0x10,
		storeMFN: list[1033], storePort: 1, consoleMFN: list[1034], consolePort: 2,
		ptBase: 1035 * pageSize, ptFrames: 8, p2m: uint64(addressOf(&list[0])),
		firstP2MPFN: 1000, p2mFrames: 32,
	}
	copy(s.magic[:], "xen-3.0-x86_64")
	copy(s.cmdLine[:], "a b")
	old := start
	start = startInfo{}
	t.Cleanup(func() { start, pv, pvInfo, own, free = old, nil, PVInfo{}, ranges{}, ranges{} })
	return s, list
}

func TestReadPVStart(t *testing.T) {
	s, list := pvDomain(t)
	s.modStart, s.modLen = 1100*pageSize, 5000
	var got PVInfo
	var rings *xen.StartInfo
	if !readPV(s, func() { got, rings = *PV(), Platform().StartInfo() }) {
		t.Fatal("refused")
	}
	want := PVInfo{
		Magic: "xen-3.0-x86_64", Pages: 16384, SharedInfo: 0x7f000000, Flags: 0x10,
		Store: xen.RingInfo{MFN: list[1033], Port: 1}, Console: xen.RingInfo{MFN: list[1034], Port: 2},
		P2M: list, StartInfo: uint64(addressOf(s)), StorePage: 1033 * pageSize, ConsolePage: 1034 * pageSize,
		Tables: Range{1035 * pageSize, 8 * pageSize, RAM},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("PV (-want +got):\n%s", d)
	}
	if d := cmp.Diff(StartInfo{
		CmdLine: "a b",
		Memory:  []Range{{0, 12000 * pageSize, RAM}, {12010 * pageSize, 4374 * pageSize, RAM}},
		Modules: []Module{{Start: 1100 * pageSize, Size: 5000}},
	}, Start()); d != "" {
		t.Errorf("Start (-want +got):\n%s", d)
	}
	if d := cmp.Diff(&xen.StartInfo{SharedInfo: 0x7f000000, Store: want.Store, Console: want.Console}, rings); d != "" {
		t.Errorf("Platform.StartInfo (-want +got):\n%s", d)
	}
}

func TestReadPVStartOddly(t *testing.T) {
	s, list := pvDomain(t)
	for i := range s.cmdLine {
		s.cmdLine[i] = 'x'
	}
	s.flags |= sifModStartPFN
	s.modStart, s.modLen = 1100, 8192
	s.storeMFN, s.consoleMFN = 0, 1<<30
	list[0], list[16383] = ^uint64(0), ^uint64(0)
	if !readPV(s, func() {}) {
		t.Fatal("refused")
	}
	if got := Start(); got.CmdLine != strings.Repeat("x", 1024) || got.Modules[0].Start != 1100*pageSize || len(got.Memory) != 2 ||
		got.Memory[0].Start != pageSize || got.Memory[1].End() != 16383*pageSize {
		t.Errorf("start %+v", got)
	}
	if pvInfo.StorePage != 0 || pvInfo.ConsolePage != 0 {
		t.Errorf("rings at %#x and %#x", pvInfo.StorePage, pvInfo.ConsolePage)
	}
	for name, change := range map[string]func(){
		"magic":    func() { s.magic[0] = 'X' },
		"no pages": func() { s.magic[0], s.pages = 'x', 0 },
		"no list":  func() { s.p2m, s.p2mFrames = 1<<46, 31 },
		"too many": func() { s.pages = maxPVPages + 1 },
	} {
		s.magic[0], s.pages, s.p2m = 'x', 16384, uint64(addressOf(&list[0]))
		if change(); readPV(s, func() {}) {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestPVList(t *testing.T) {
	for _, test := range []struct {
		name string
		info pvStartInfo
		want Range
	}{
		{"xl", pvStartInfo{pages: 16384, p2m: 0x419000}, Range{0x419000, 0x20000, RAM}},
		{"pvshim", pvStartInfo{pages: 10720, p2m: 0x419000, firstP2MPFN: 0x800}, Range{0x419000, 0x15000, RAM}},
		{"to the end", pvStartInfo{pages: 1024, p2m: 1022 * pageSize}, Range{1022 * pageSize, 2 * pageSize, RAM}},
		{"elsewhere", pvStartInfo{pages: 16384, p2m: 1 << 46, firstP2MPFN: 1000, p2mFrames: 40}, Range{1000 * pageSize, 40 * pageSize, RAM}},
	} {
		if got := test.info.list(); got != test.want {
			t.Errorf("%s: %#x, want %#x", test.name, got, test.want)
		}
	}
}

// What the program needs is divided from what it does not, and a sixth of the
// domain, at its top, is the heap.
func TestPartitionPV(t *testing.T) {
	s, _ := pvDomain(t)
	s.modStart, s.modLen = 1100*pageSize, 5000
	if !readPV(s, func() {}) {
		t.Fatal("refused")
	}
	pvInfo.StartInfo, pvList = 1032*pageSize, Range{1000 * pageSize, 32 * pageSize, RAM}
	image := Range{512 * pageSize, 488 * pageSize, RAM}
	l, _, ok := partitionPV(image)
	if !ok {
		t.Fatal("no room")
	}
	if want := uint64(64<<20/6) &^ (pageSize - 1); l.heap.Size != want || l.heap.Start != l.tables.End() || l.heap.End() != 16384*pageSize {
		t.Errorf("tables %#x, heap %#x, want one of %#x", l.tables, l.heap, want)
	}
	wantOwn := []Range{
		image, {1032 * pageSize, pageSize, RAM}, {1033 * pageSize, pageSize, RAM}, {1034 * pageSize, pageSize, RAM},
		{1035 * pageSize, 8 * pageSize, RAM}, {1000 * pageSize, 32 * pageSize, RAM},
		{l.tables.Start, l.heap.End() - l.tables.Start, RAM},
	}
	if d := cmp.Diff(wantOwn, Own()); d != "" {
		t.Errorf("own (-want +got):\n%s", d)
	}
	wantFree := []Range{
		{pageSize, 511 * pageSize, RAM}, {1043 * pageSize, 57 * pageSize, RAM},
		{1102 * pageSize, 10898 * pageSize, RAM}, {12010 * pageSize, l.tables.Start - 12010*pageSize, RAM},
	}
	if d := cmp.Diff(wantFree, Free(), cmp.Transformer("sorted", func(l []Range) map[uint64]Range {
		m := map[uint64]Range{}
		for _, r := range l {
			m[r.Start] = r
		}
		return m
	})); d != "" {
		t.Errorf("free (-want +got):\n%s", d)
	}
	// A domain with hardly more than the image.
	start.memory = ranges{}
	start.memory.add(Range{0, 1500 * pageSize, RAM})
	if _, left, ok := partitionPV(image); ok || left == 0 {
		t.Errorf("%d bytes are enough", left)
	}
	// A heap of half of what is left would be too small for the menu.
	start.memory = ranges{}
	start.memory.add(Range{0, 3200 * pageSize, RAM})
	if l, _, ok := partitionPV(image); !ok || l.heap.Size != pvLeastHeap {
		t.Errorf("heap %#x", l.heap)
	}
}

func TestRingOutput(t *testing.T) {
	pvDomain(t)
	page := make([]byte, 2*pageSize)
	base := (uint64(addressOf(&page[0])) + pageSize - 1) &^ (pageSize - 1)
	write := func(s string) int {
		pv = &pvInfo
		defer func() { pv = nil }()
		return ringOutput([]byte(s))
	}
	if got := write("x"); got != 0 {
		t.Errorf("%d bytes went nowhere", got)
	}
	pvInfo.ConsolePage = base
	cons, prod := at[uint32](base+ringOutCons), at[uint32](base+ringOutProd)
	*cons, *prod = 0xffff_fff0, 0xffff_fff0 // about to wrap around
	if got := write("one\ntwo"); got != 7 || *prod != 0xffff_fff8 {
		t.Errorf("%d bytes taken, index %#x", got, *prod)
	}
	if got := memory(base+ringOut+ringOutSize-16, 8); !bytes.Equal(got, []byte("one\r\ntwo")) {
		t.Errorf("ring has %q", got)
	}
	*cons = *prod
	if got := write(strings.Repeat("y", 3000)); got != ringOutSize-1 && got != ringOutSize || *prod-*cons != uint32(got) {
		t.Errorf("%d bytes taken, %d in the ring", got, *prod-*cons)
	}
	if got := write("z\n"); got != 0 {
		t.Errorf("%d bytes went into a full ring", got)
	}
	*cons += 5000 // another domain may write anything
	if got := write("z\n"); got != 0 && got != 2 {
		t.Errorf("%d bytes taken with a bad index", got)
	}
}
