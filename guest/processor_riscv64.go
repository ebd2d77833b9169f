package guest

import (
	"pvboot/arch/pagetable"
	"pvboot/arch/riscv64"
)

// What the files for machines with a device tree (*_tree.go) ask of this
// processor.

const noDeviceTree = "no device tree in a1: the image was not started by the riscv boot protocol"

// deviceTreeAddress is where the tree lies, 0 for none.
func deviceTreeAddress() uint64 { return uint64(riscv64.DeviceTree()) }

// loadedImage is the memory that the program was loaded to.
func loadedImage() Range { return pages(riscv64.Image()) }

// firstTables lets the entry code's page tables be extended.
func firstTables() {
	start.hart = riscv64.Hart()
	riscv64.InitTables(riscv64.SpareTables())
}

// setTables gives page tables the size bytes at pool.
func setTables(pool, size uint64) { riscv64.InitTables(pool, size) }

// tablesFor is how many page tables mapping [start, end) takes at most.
func tablesFor(start, end uint64) uint64 { return pagetable.Sv39.FramesFor(start, end) }

// mapMemory maps the pages of [start, end) to themselves; false when the page
// tables do not reach so far.
func mapMemory(start, end uint64) bool { return riscv64.Map(start, end, pagetable.Normal) }

// mapped reports whether all of [addr, addr+size) can be accessed.
func mapped(addr, size uint64) bool { return riscv64.Mapped(addr, addr+size) }

// tickCount is the counter that time is made of, and firstTick what it was at
// the entry.
func tickCount() uint64 { return riscv64.Counter() }

func firstTick() uint64 { return riscv64.Began() }

// defaultTickRate stands in where the device tree has none: QEMU's.
const defaultTickRate = 10000000

// tickRate is the counter's ticks a second.
func tickRate() uint64 {
	if found.timebase != 0 {
		return found.timebase
	}
	return defaultTickRate
}

func relax() { riscv64.Pause() }
