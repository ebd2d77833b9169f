//go:build arm64

package arm64

import "pvboot/arch/arm64/pagetable"

// tables are those that the entry code turned on: image and device tree.
var tables pagetable.Tables

// InitTables gives the size bytes at pool, page aligned and mapped, to tables
// for [Map].
func InitTables(pool, size uint64) {
	tables = pagetable.New(root(), pool, size)
	syncTables()
}

// Map maps the pages of [start, end) to themselves; see [pagetable.Tables.Map].
func Map(start, end uint64, kind pagetable.Kind) bool {
	ok := tables.Map(start, end, kind)
	syncTables()
	return ok
}

// Mapped reports whether all of [start, end) is mapped.
func Mapped(start, end uint64) bool { return tables.Mapped(start, end) }

// root is the address of the table of level 0.
func root() uint64

// syncTables makes the processor see new descriptors.
func syncTables()
