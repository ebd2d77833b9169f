//go:build arm64 || riscv64 || ppc64le || ppc64

package guest

import (
	_ "unsafe" // for linkname

	"pvboot/hypercall"
	"pvboot/internal/fdt"
)

// found is what the device tree told besides start.
var found hardware

// deviceTreeFound is where the device tree lay at the start.
var deviceTreeFound uint64

// laterTables is how many page tables are kept for what is mapped at run time:
// the grant table, the console's page, xenstore's.
const laterTables = 32

// hwinit0 readies the machine for the runtime: it runs first, without heap,
// and must not fail silently.
//
//go:linkname hwinit0 runtime/goos.Hwinit0
func hwinit0() {
	running = true
	firstTables()
	deviceTreeFound = deviceTreeAddress()
	tree, ok := openDeviceTree(deviceTreeFound)
	if !ok {
		die(noDeviceTree)
	}
	ok = readDeviceTree(tree, &start, &found)
	if found.xen {
		hypercall.SetPresent()
	}
	initConsole()
	if !ok {
		die("the device tree names no memory")
	}
	initMemory(tree.Bytes())
	initClock()
	initRNG()
	initArgs()
}

// openDeviceTree checks the tree at addr, which deviceTreeAddress gave. The boot
// protocols have it on a multiple of 8.
func openDeviceTree(addr uint64) (tree fdt.Tree, ok bool) {
	if addr == 0 || addr%8 != 0 {
		return tree, false
	}
	size, ok := fdt.Size(memory(addr, 8))
	if !ok {
		return tree, false
	}
	return fdt.Open(memory(addr, size))
}

// initMemory divides the RAM and maps it, and keeps a copy of the device tree.
func initMemory(tree []byte) {
	image := loadedImage()
	addr := uint64(addressOf(&tree[0]))
	old := pages(addr, addr+uint64(len(tree)))
	for _, m := range start.modules.list() {
		if m.overlaps(image) || m.overlaps(old) {
			die("out of memory: the ramdisk lies within the image's bss or the device tree")
		}
		if !start.memory.hold(m) {
			die("the ramdisk lies outside the memory that the device tree names")
		}
	}
	tables := uint64(laterTables)
	for _, r := range start.memory.list() {
		tables += tablesFor(r.Start, r.End())
	}
	for _, m := range start.modules.list() {
		tables += tablesFor(m.Start, m.End())
	}
	tables += retreatTables(image)
	tables *= pageSize
	l, left, ok := partition(image, old, tables+old.Size, heapLimit())
	if !ok {
		dieNumber("out of memory: too little RAM behind the image, KiB: ", int64(left>>10))
	}
	mapPiece(l.tables.Start)
	start.deviceTree = memory(l.tables.Start+tables, len(tree))
	copy(start.deviceTree, tree)
	initHeap(l.heap)
	settle(image, l, tables)
}

// mapPiece maps the piece of RAM around addr, with the entry code's tables.
func mapPiece(addr uint64) {
	for _, r := range start.memory.list() {
		if r.Start <= addr && addr < r.End() {
			mapRAM(r)
		}
	}
}

// mapAll maps all RAM but what is mapped elsewhere, and the ramdisk, which may be
// reserved (U-Boot does that).
func mapAll(elsewhere Range) {
	list := start.memory
	list.cut(elsewhere.Start, elsewhere.End())
	for _, r := range list.list() {
		if r.Type == RAM {
			mapRAM(r)
		}
	}
	for _, m := range start.modules.list() {
		mapRAM(pages(m.Start, m.End()))
	}
}

// mapRAM maps the whole pages of r.
func mapRAM(r Range) {
	first, end := (r.Start+pageSize-1)&^(pageSize-1), r.End()&^(pageSize-1)
	if first < end && !mapMemory(first, end) {
		die("the page tables do not reach all of the memory")
	}
}

// mapFrames maps what lies outside RAM when it is first asked for.
func mapFrames(addr, size uint64) bool { return mapMemory(addr, addr+size) }

// hole gives out what the node /hypervisor names: the region for the grant
// table first.
func hole(n int) (gfn uint64, ok bool) { return takeHole(&found.regions, n) }

// overlaps reports whether two ranges share a byte.
func (r Range) overlaps(o Range) bool { return r.Start < o.End() && o.Start < r.End() }
