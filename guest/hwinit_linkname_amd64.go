package guest

import (
	_ "unsafe" // for linkname

	"pvboot/arch/amd64"
	"pvboot/hypercall"
)

// hwinit0 readies the machine for the runtime: it runs first, without heap,
// and must not fail silently.
//
//go:linkname hwinit0 runtime/goos.Hwinit0
func hwinit0() {
	running = true
	initConsole()
	if !readStart(amd64.StartInfo()) {
		die("no PVH start info: the image was not started by its PVH entry")
	}
	initMemory()
	amd64.UnmapPage0()
	initClock()
	initRNG()
	initArgs()
}

// initMemory divides the RAM and maps what the entry code has not.
func initMemory() {
	imageStart, imageEnd := amd64.Image()
	imageEnd = (imageEnd + pageSize - 1) &^ (pageSize - 1)
	start.memory.usable(&free, 1<<63)
	free.cut(imageStart, imageEnd)
	for _, m := range start.modules.list() {
		free.cut(m.Start&^(pageSize-1), (m.End()+pageSize-1)&^(pageSize-1))
	}
	top := start.memory.top()
	limit := uint64(maxTestHeap)
	if hypercall.Present() {
		limit = maxHeap
	}
	l, ok := place(&free, imageEnd, amd64.TablesSize(top), limit)
	if !ok {
		dieNumber("out of memory: too little RAM behind the image, KiB: ", int64(free.size()>>10))
	}
	amd64.MapAbove(top, l.tables.Start)
	free.cut(l.tables.Start, l.heap.End())
	own.add(Range{imageStart, imageEnd - imageStart, RAM})
	own.add(Range{l.tables.Start, l.heap.End() - l.tables.Start, RAM})
	heap.init(l.heap)
	RamStart, RamSize = l.heap.Start, l.heap.Size
}

// reach is the end of what is mapped.
func reach() uint64 {
	const topMapped = 1 << 47 // what page tables reach
	return max(low4G, min(start.memory.top(), topMapped))
}

// mapped reports whether all of [addr, addr+size) can be accessed.
func mapped(addr, size uint64) bool { return addr <= reach() && size <= reach()-addr }

// mapFrames has nothing to do: everything below 4 GiB but page 0 is mapped,
// and all RAM.
func mapFrames(addr, size uint64) bool { return mapped(addr, size) }
