package guest

import (
	"errors"
	"fmt"
	"sync"

	"pvboot/arch/amd64"
	"pvboot/xen"
)

// A PV domain's memory: identity mapped where it is in use, as far as a page
// table that is needed anyway reaches, and by machine frame in a window for what
// is Xen's.

var (
	pvInfo PVInfo
	// pvList is where the p2m list lies, with page tables of its own where it
	// has some.
	pvList Range
	// pvMu keeps what walks the page tables one at a time.
	pvMu sync.Mutex
)

const (
	// pvTablesFor bounds the memory that there are page tables for at a time.
	// A 500th of what is mapped goes into tables.
	pvTablesFor = 8 << 30
	// pvSpareTables are for windows and for what the jump maps.
	pvSpareTables = 16
	// pvHeapShare is the part of a domain that the heap may have: beside it a
	// Linux of some 64 MiB has room in one of 96, all in its place. pvSmallHeap is
	// what it may have in any, and pvLeastHeap what it takes wherever there is so
	// much in a piece: the menu fits then.
	pvHeapShare = 6
	pvSmallHeap = 8 << 20
	pvLeastHeap = 6 << 20
)

// initPV readies a PV domain's memory.
func initPV() {
	if !readPVStart(uint64(amd64.PVStartInfo())) {
		die("no start info of a PV domain")
	}
	amd64.InitPV(pvInfo.P2M, pvInfo.Tables.Start, pvInfo.Tables.End())
	if at := uint64(addressOf(&pvInfo.P2M[0])); at < pvList.Start || at >= pvList.End() {
		amd64.PVKeep(pvList.Start, pvList.End())
	}
	amd64.UnmapPage0()
	l, left, ok := partitionPV(pages(amd64.Image()))
	if !ok {
		dieNumber("out of memory: too little RAM behind the image, KiB: ", int64(left>>10))
	}
	if !amd64.PVAddPool(l.tables.Start, l.tables.End()) || !amd64.PVMap(l.heap.Start, l.heap.End()) {
		die("page tables for the heap cannot be made")
	}
	initHeap(l.heap)
}

// partitionPV divides the RAM between own and free.
func partitionPV(image Range) (l layout, left uint64, ok bool) {
	start.memory.usable(&free, 1<<63)
	own.n = 0
	for _, r := range [...]Range{
		image,
		pages(pvInfo.StartInfo, pvInfo.StartInfo+1),
		pages(pvInfo.StorePage, pvInfo.StorePage+1),
		pages(pvInfo.ConsolePage, pvInfo.ConsolePage+1),
		pvInfo.Tables,
		pvList,
	} {
		if r.Start != 0 {
			own.add(r)
			free.cut(r.Start, r.End())
		}
	}
	for _, m := range start.modules.list() {
		free.cut(m.Start&^(pageSize-1), (m.End()+pageSize-1)&^(pageSize-1))
	}
	total := pvInfo.Pages * pageSize
	tables := amd64.PVTablesFor(min(start.memory.top(), pvTablesFor)) + pvSpareTables*pageSize
	limit := min(heapLimit(), max(pvSmallHeap, total/pvHeapShare))
	l, ok = placeHigh(&free, image.End(), tables, limit)
	if !ok || l.heap.Size < pvLeastHeap {
		if l, ok = place(&free, image.End(), tables, limit); !ok {
			return l, free.size(), false
		}
	}
	if l.heap.Size < pvLeastHeap {
		if r, ok := free.piece(l.heap.End(), 1); ok && r.Start == l.heap.End() {
			l.heap.Size = min(l.heap.Size+r.Size&^(pageSize-1), pvLeastHeap)
		}
	}
	free.cut(l.tables.Start, l.heap.End())
	own.add(Range{l.tables.Start, l.heap.End() - l.tables.Start, RAM})
	return l, 0, true
}

// placeHigh is place at the end of the last piece of RAM below 4 GiB that is
// large enough: what is loaded from the bottom of RAM on does not meet it. It
// reports false when there is none.
func placeHigh(usable *ranges, imageEnd, tableSize, limit uint64) (l layout, ok bool) {
	want := min(limit, usable.size()/2) &^ (pageSize - 1)
	end := uint64(0)
	for _, r := range usable.list() {
		start, stop := max(r.Start, imageEnd), min(r.End(), low4G)
		if start < stop && stop-start >= tableSize+want {
			end = max(end, stop)
		}
	}
	if end == 0 || want < minHeap {
		return l, false
	}
	l.tables = Range{end - want - tableSize, tableSize, RAM}
	l.heap = Range{end - want, want, RAM}
	return l, true
}

// pvMapped maps [addr, addr+size), which must be the domain's own.
func pvMapped(addr, size uint64) bool {
	pvMu.Lock()
	defer pvMu.Unlock()
	return size <= 1<<46 && addr <= 1<<46 && amd64.PVMap(addr, addr+size)
}

// pvWindow is where frames are mapped that are not the domain's memory: 512
// pages, for which one page table of the lowest level serves.
var pvWindow struct {
	used [512]bool
}

const pvWindowStart = 0x6000_0000_0000

// errWindow means that a window for Xen's frames has no room.
var errWindow = errors.New("guest: no room in the window for machine frames")

// showFrames makes n frames from gfn visible at an address.
func showFrames(gfn uint64, n int) (addr uint64, err error) {
	if pv == nil {
		if !mapFrames(gfn*pageSize, uint64(n)*pageSize) {
			return 0, ErrNotMapped
		}
		return gfn * pageSize, nil
	}
	switch {
	case n == 1 && gfn == pvInfo.Store.MFN && pvInfo.StorePage != 0:
		return pvInfo.StorePage, nil
	case n == 1 && gfn == pvInfo.Console.MFN && pvInfo.ConsolePage != 0:
		return pvInfo.ConsolePage, nil
	}
	pvMu.Lock()
	defer pvMu.Unlock()
	for first := 0; first+n <= len(pvWindow.used); first++ {
		if run := windowRun(first, n); run < n {
			first += run
			continue
		}
		addr := uint64(pvWindowStart + first*pageSize)
		for i := range n {
			if !amd64.PVMapAt(addr+uint64(i)*pageSize, amd64.PVEntry(gfn+uint64(i), amd64.PVWritable)) {
				hideWindow(addr, i)
				return 0, ErrNotMapped
			}
			pvWindow.used[first+i] = true
		}
		return addr, nil
	}
	return 0, errWindow
}

// windowRun is how many pages of the window from first on are unused, up to n.
func windowRun(first, n int) int {
	for i := range n {
		if pvWindow.used[first+i] {
			return i
		}
	}
	return n
}

// hideFrames undoes showFrames.
func hideFrames(addr uint64, n int) error {
	if pv == nil || addr < pvWindowStart {
		return nil
	}
	pvMu.Lock()
	defer pvMu.Unlock()
	return hideWindow(addr, n)
}

func hideWindow(addr uint64, n int) error {
	for i := range n {
		at := addr + uint64(i)*pageSize
		slot := (at - pvWindowStart) / pageSize
		if slot >= uint64(len(pvWindow.used)) || !pvWindow.used[slot] {
			return fmt.Errorf("guest: address %#x is not of MapGFN", at)
		}
		if err := amd64.PVSet(at, 0); err != nil {
			return fmt.Errorf("guest: unmap: %w", err)
		}
		pvWindow.used[slot] = false
	}
	return nil
}

// frameOf is the frame number of the page at addr, which is RAM.
func frameOf(addr uint64) uint64 {
	if pv != nil {
		return pvInfo.P2M[addr/pageSize]
	}
	return addr / pageSize
}

// rings is what a PV domain's start info tells of them.
func rings() *xen.StartInfo {
	if pv == nil {
		return nil
	}
	return &xen.StartInfo{SharedInfo: pvInfo.SharedInfo, Store: pvInfo.Store, Console: pvInfo.Console}
}
