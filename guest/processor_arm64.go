package guest

import (
	"pvboot/arch/arm64"
	"pvboot/arch/pagetable"
)

// What the files for machines with a device tree (*_tree.go) ask of this
// processor.

const noDeviceTree = "no device tree in x0: the image was not started by the arm64 boot protocol"

// deviceTreeAddress is where the tree lies, 0 for none.
func deviceTreeAddress() uint64 { return uint64(arm64.DeviceTree()) }

// loadedImage is the memory that the program was loaded to.
func loadedImage() Range { return pages(arm64.Image()) }

// firstTables lets the entry code's page tables be extended.
func firstTables() { arm64.InitTables(arm64.SpareTables()) }

// tablesFor is how many page tables mapping [start, end) takes at most.
func tablesFor(start, end uint64) uint64 { return pagetable.AArch64.FramesFor(start, end) }

// mapMemory maps the pages of [start, end) to themselves; false when the page
// tables do not reach so far.
func mapMemory(start, end uint64) bool { return arm64.Map(start, end, pagetable.Normal) }

// mapped reports whether all of [addr, addr+size) can be accessed.
func mapped(addr, size uint64) bool { return arm64.Mapped(addr, addr+size) }

// tickCount is the counter that time is made of, and firstTick what it was at
// the entry.
func tickCount() uint64 { return arm64.Counter() }

func firstTick() uint64 { return arm64.Began() }

// defaultTickRate stands in where firmware left CNTFRQ_EL0 at 0.
const defaultTickRate = 62500000

// tickRate is the counter's ticks a second.
func tickRate() uint64 {
	if hz := arm64.CounterFrequency(); hz != 0 {
		return hz
	}
	return defaultTickRate
}

func relax() { arm64.Yield() }
