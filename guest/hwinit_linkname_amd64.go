package guest

import (
	_ "unsafe" // for linkname

	"pvboot/arch/amd64"
)

// hwinit0 readies the machine for the runtime: it runs first, without heap,
// and must not fail silently.
//
//go:linkname hwinit0 runtime/goos.Hwinit0
func hwinit0() {
	running = true
	if amd64.PV() {
		initPV()
	} else {
		initHVM()
	}
	initClock()
	initRNG()
	initArgs()
}

// initHVM readies the memory of a domain in its own address space.
func initHVM() {
	initConsole()
	if !readStart(amd64.StartInfo()) && !readBootInfo(amd64.StartInfo(), amd64.BootMagic()) {
		die("no PVH start info and no Multiboot 2 information: the image was not started by its entry")
	}
	initMemory()
	amd64.UnmapPage0()
}

// initMemory divides the RAM and maps what the entry code has not.
func initMemory() {
	top := start.memory.top()
	l, left, ok := partition(pages(amd64.Image()), Range{}, amd64.TablesSize(top), heapLimit())
	if !ok {
		dieNumber("out of memory: too little RAM behind the image, KiB: ", int64(left>>10))
	}
	amd64.MapAbove(top, l.tables.Start)
	initHeap(l.heap)
}

// reach is the end of what is mapped.
func reach() uint64 {
	const topMapped = 1 << 47 // what page tables reach
	return max(low4G, min(start.memory.top(), topMapped))
}

// mapped reports whether all of [addr, addr+size) can be accessed.
func mapped(addr, size uint64) bool {
	if pv != nil {
		return pvMapped(addr, size)
	}
	return addr <= reach() && size <= reach()-addr
}

// mapFrames has nothing to do: everything below 4 GiB but page 0 is mapped,
// and all RAM.
func mapFrames(addr, size uint64) bool { return mapped(addr, size) }

// top is the end of the highest range of RAM.
func (l *ranges) top() (end uint64) {
	for _, r := range l.list() {
		if r.Type == RAM {
			end = max(end, r.End())
		}
	}
	return end
}
