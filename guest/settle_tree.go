//go:build riscv64

package guest

// retreatTables is 0: the image stays where it is.
func retreatTables(image Range) uint64 { return 0 }

// settle maps all memory with tables of size bytes.
func settle(image Range, l layout, size uint64) {
	setTables(l.tables.Start, size)
	mapAll(Range{})
}
