//go:build ppc64 || ppc64le

package ppc64

import (
	"encoding/binary"

	"pvboot/arch/pagetable"
)

// In a partition, the hypervisor owns the partition table and the program tells
// it where its process table lies (LoPAR, 14.5.4 "H_REGISTER_PROCESS_TABLE"). In
// hypervisor mode, the program owns both (Power ISA 3.0B, book III, 5.7.6
// "Translation Table Structures"). Either way process 0 has one radix tree, for
// quadrant 0, where all addresses are.

const (
	processTableSize   = 4096     // 2¹², as a size of 0 says
	partitionTableSize = 64 << 10 // as a size of 4 says
	// TablesSize is the most that [InitTables] takes for what is not the tree,
	// in bytes.
	TablesSize = 2*pagetable.RadixRoot + processTableSize + 2*partitionTableSize
)

var (
	tables         pagetable.Tables
	processTable   uint64
	partitionTable uint64 // 0 in a partition
)

// InitTables makes tables that map nothing, in the size bytes at pool.
func InitTables(pool, size uint64) {
	end := pool + size
	pool = (pool + pagetable.RadixRoot - 1) &^ (pagetable.RadixRoot - 1)
	root := pool
	if Hypervisor() {
		// Both alignments are the same, and the process table comes behind.
		partitionTable = pool
		root += partitionTableSize
		clear(memory(partitionTable, partitionTableSize))
	}
	tables = pagetable.Empty(&pagetable.Radix, root, end-root-processTableSize)
	processTable = end - processTableSize
	clear(memory(processTable, processTableSize))
	// 52 bits of addresses: RTS is 21, in two fields, less 31.
	const treeSize = 2<<61 | 5<<5
	putEntry(processTable, treeSize|tables.Root()|pagetable.RadixRootBits, 0)
	if partitionTable != 0 {
		// Of partition 0, which is the hypervisor itself.
		const hostRadix, guestRadix = 1 << 63, 1 << 63
		putEntry(partitionTable, hostRadix|treeSize|tables.Root()|pagetable.RadixRootBits, guestRadix|processTable)
	}
}

// putEntry writes an entry of two big-endian words.
func putEntry(addr, first, second uint64) {
	b := memory(addr, 16)
	binary.BigEndian.PutUint64(b, first)
	binary.BigEndian.PutUint64(b[8:], second)
}

// PartitionTable is the partition table in use, of 4096 entries of 16 bytes; 0
// in a partition. Entry 0 is the program's own.
func PartitionTable() uint64 { return partitionTable }

// Map maps the pages of [start, end) to themselves; see [pagetable.Tables.Map].
func Map(start, end uint64, kind pagetable.Kind) bool {
	ok := tables.Map(start, end, kind)
	syncTables()
	return ok
}

// Mapped reports whether all of [start, end) is mapped.
func Mapped(start, end uint64) bool { return tables.Mapped(start, end) }

// Translated reports whether addresses are translated.
func Translated() bool { return readMSR()&MSRDR != 0 }

const (
	hRegisterProcessTable = 0x37c
	newTable              = 0x18
	radixTable            = 4 // without translation shootdown by the guest
	noTable               = 0x10

	// LPCR bits (book III, 2.2 "Logical Partitioning Control Register").
	lpcrAIL  = 3 << 23
	lpcrUPRT = 1 << 22 // process table
	lpcrHR   = 1 << 20 // radix
)

// found is what was there before, in hypervisor mode.
var found struct{ lpcr, ptcr, lpid uint64 }

// Translate turns translation on, with the tables that are mapped so far. False
// means that the hypervisor has no radix translation.
func Translate() bool {
	if partitionTable != 0 {
		const size = 4 // 64 KiB
		found.lpcr, found.ptcr, found.lpid = setPartition(0, 0, 0, false)
		setPartition(found.lpcr&^lpcrAIL|lpcrUPRT|lpcrHR, partitionTable|size, 0, true)
	} else if Hcall(hRegisterProcessTable, newTable|radixTable, processTable, 0, 0).Status != 0 {
		return false
	}
	writeVectors(MSRIR | MSRDR)
	translate()
	return true
}

// Untranslate turns translation off and leaves it to what comes next as it was
// found.
func Untranslate() {
	if !Translated() {
		return
	}
	untranslate()
	if partitionTable != 0 {
		setPartition(found.lpcr, found.ptcr, found.lpid, true)
		return
	}
	// A partition starts with a hash table, for which this is the word, unless its
	// hypervisor has none.
	if Hcall(hRegisterProcessTable, newTable, 0, 0, 0).Status != 0 {
		Hcall(hRegisterProcessTable, noTable, 0, 0, 0)
	}
}

// Catch makes vectors lead to the program. It may be called when firmware needs
// none of its own any more, and before [Translate].
func Catch() { writeVectors(0) }

func writeVectors(msr uint32) {
	vectors(memory(VectorReset, VectorsEnd-VectorReset), nativeOrder(), uint32(faultCode()), MSRVEC|MSRVSX|MSRFP|MSRRI|msr)
	syncCode(VectorReset, VectorsEnd)
}

// nativeOrder is the program's byte order.
func nativeOrder() binary.ByteOrder {
	if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

// translate turns translation on for process 0.
func translate()

// untranslate turns translation off.
func untranslate()

// setPartition returns LPCR, PTCR and LPIDR, and sets them if set is true.
func setPartition(lpcr, ptcr, lpid uint64, set bool) (oldLPCR, oldPTCR, oldLPID uint64)

// syncTables makes the processor see new entries.
func syncTables()
