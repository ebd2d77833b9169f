package stage2

// Sv39x4 is RISC-V's, of 41 bits (RISC-V Instruction Set Manual, volume II,
// "Guest Physical Address Translation"): leaves are V, R, W, U, A, D and X where
// code may run; U because the second stage takes all accesses for those of
// user mode.
var Sv39x4 = &Format{
	Bits:    []int{11, 9, 9},
	Largest: 1,
	Table:   func(addr uint64, _ int) uint64 { return addr>>pageShift<<10 | 1 },
	Leaf: func(addr uint64, executable bool) uint64 {
		const valid, read, write, execute, user, accessed, dirty = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 6, 1 << 7
		e := addr>>pageShift<<10 | valid | read | write | user | accessed | dirty
		if executable {
			e |= execute
		}
		return e
	},
}

// Radix is Power ISA's partition-scoped radix tree, of 52 bits, whose entries
// are big-endian (Power ISA 3.0B, book III, 5.7.10 "Radix Tree Translation"):
// leaves are valid, referenced, changed, and may be read and written.
var Radix = &Format{
	Bits:    []int{13, 9, 9, 9},
	Largest: 2,
	Table:   func(addr uint64, bits int) uint64 { return 1<<63 | addr | uint64(bits) },
	Leaf: func(addr uint64, executable bool) uint64 {
		const valid, isLeaf, referenced, changed, read, write, execute = 1 << 63, 1 << 62, 1 << 8, 1 << 7, 1 << 2, 1 << 1, 1 << 0
		e := addr | valid | isLeaf | referenced | changed | read | write
		if executable {
			e |= execute
		}
		return e
	},
	Swap: true,
}
