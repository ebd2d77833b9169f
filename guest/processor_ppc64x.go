//go:build ppc64 || ppc64le

package guest

import (
	"pvboot/arch/pagetable"
	"pvboot/arch/ppc64"
)

// What the files for machines with a device tree (*_tree.go) ask of this
// processor.

const noDeviceTree = "no device tree: the image was started neither with one in r3 nor by Open Firmware"

// vectorsEnd is the end of what interrupts need of the memory at 0.
const vectorsEnd = ppc64.VectorsEnd

// loadedImage is the memory that the program runs in.
func loadedImage() Range { return pages(ppc64.Image()) }

// firstTables: there are none yet, and addresses are physical.
func firstTables() {}

// tablesFor is how many page tables mapping [start, end) takes at most.
func tablesFor(start, end uint64) uint64 { return pagetable.Radix.FramesFor(start, end) }

// retreatTables is what translation needs besides page tables.
func retreatTables(image Range) uint64 { return ppc64.TablesSize / pageSize }

// settle maps all memory with tables of size bytes, and turns translation on.
func settle(image Range, l layout, size uint64) {
	ppc64.InitTables(l.tables.Start, size)
	haveTables = true
	mapAll(Range{})
	if !ppc64.Translate() {
		die("the hypervisor has no radix translation: it refuses H_REGISTER_PROCESS_TABLE")
	}
}

// haveTables says that tables can be extended.
var haveTables bool

// mapMemory maps the pages of [start, end) to themselves, but for those that
// interrupts need, so that 0 is no pointer; false when the page tables do not
// reach so far.
func mapMemory(start, end uint64) bool {
	start = max(start, vectorsEnd)
	return !haveTables || start >= end || ppc64.Map(start, end, pagetable.Normal)
}

// mapped reports whether all of [addr, addr+size) can be accessed.
func mapped(addr, size uint64) bool { return ppc64.Mapped(addr, addr+size) }

// tickCount is the counter that time is made of, and firstTick what it was at
// the entry.
func tickCount() uint64 { return ppc64.TimeBase() }

func firstTick() uint64 { return ppc64.Began() }

// defaultTickRate is every machine's from POWER4 on.
const defaultTickRate = 512000000

// tickRate is the counter's ticks a second.
func tickRate() uint64 {
	if found.timebase != 0 {
		return found.timebase
	}
	return defaultTickRate
}

func relax() { ppc64.Yield() }
