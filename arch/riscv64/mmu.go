//go:build riscv64

package riscv64

import "pvboot/arch/pagetable"

// tables are those that the entry code turned on, for image and device tree.
var tables pagetable.Tables

// InitTables gives the size bytes at pool, page aligned and mapped, to tables
// for [Map].
func InitTables(pool, size uint64) {
	tables = pagetable.New(&pagetable.Sv39, root(), pool, size)
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

// root is the address of the topmost table.
func root() uint64

// syncTables makes the processor see new entries.
func syncTables()
