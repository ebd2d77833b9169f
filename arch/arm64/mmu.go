//go:build arm64

package arm64

import "pvboot/arch/pagetable"

// tables are those that the entry code turned on, for image and device tree, or
// those that [Relocate] turns on.
var tables pagetable.Tables

// InitTables gives the size bytes at pool, page aligned and mapped, to tables
// for [Map].
func InitTables(pool, size uint64) {
	tables = pagetable.New(&pagetable.AArch64, root(), pool, size)
	syncTables()
}

// Map maps the pages of [start, end) to themselves; see [pagetable.Tables.Map].
func Map(start, end uint64, kind pagetable.Kind) bool {
	ok := tables.Map(start, end, kind)
	syncTables()
	return ok
}

// EmptyTables makes [Map] and [MapTo] work on new tables in the size bytes at
// pool, page aligned and mapped, instead of those in use: [Relocate] turns them
// on.
func EmptyTables(pool, size uint64) { tables = pagetable.Empty(&pagetable.AArch64, pool, size) }

// MapTo maps the pages of [start, end) to the memory at to; see
// [pagetable.Tables.MapTo].
func MapTo(start, end, to uint64, kind pagetable.Kind) bool {
	ok := tables.MapTo(start, end, to, kind)
	syncTables()
	return ok
}

// Mapped reports whether all of [start, end) is mapped.
func Mapped(start, end uint64) bool { return tables.Mapped(start, end) }

// root is the address of the table of level 0.
func root() uint64

// syncTables makes the processor see new descriptors.
func syncTables()
