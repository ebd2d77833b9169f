// Package pagetable makes AArch64 stage 1 translation tables and extends those
// that are in use: 4 KiB granule, 48 bits of addresses, at EL1 only. The tables
// themselves must be identity mapped. It never changes a valid descriptor, so
// that no break-before-make is needed. It allocates nothing and runs before
// there is a heap; tests walk its tables on any host.
//
// Source: Arm ARM (DDI 0487), chapter D8 "The AArch64 Virtual Memory System
// Architecture": "VMSAv8-64 translation using the 4KB granule", "Table
// descriptor format", "Block descriptor and Page descriptor formats".
package pagetable

// Kind is what memory is to the processor: the attributes of its descriptors,
// with the indices of arch/arm64's MAIR_EL1.
type Kind uint64

const (
	// Normal is memory, write-back, inner shareable, executable at EL1.
	Normal Kind = 0<<2 | 3<<8 | userNever
	// Device is Device-nGnRE: registers, in order, never fetched from.
	Device Kind = 1<<2 | userNever | privilegedNever
)

// Descriptor bits.
const (
	valid           = 1 << 0
	tableOrPage     = 1 << 1 // a table above the last level, there a page
	accessed        = 1 << 10
	privilegedNever = 1 << 53
	userNever       = 1 << 54
	addrMask        = 0x0000_ffff_ffff_f000
	kindMask        = 7<<2 | 3<<8 | userNever | privilegedNever
)

const (
	// FrameSize is the size of one table, and of a page, in bytes.
	FrameSize = 4096
	// Limit is the first address past what tables can map.
	Limit     = 1 << 48
	lastLevel = 3
)

// Tables are a root table and memory for more tables.
type Tables struct{ root, next, end uint64 }

// New goes on with the tables at root, and takes further ones from the size
// bytes at pool. All are physical addresses, mapped to themselves, multiples of
// FrameSize. It zeros the pool, and the caller completes these stores before
// [Tables.Map] links a table: a walk may see stores in any order until a DSB
// ("Ordering of memory accesses from translation table walks"), and take what
// lay there before for descriptors.
func New(root, pool, size uint64) Tables {
	for at := pool; at < pool+size; at += FrameSize {
		clear(frame(at)[:])
	}
	return Tables{root, pool, pool + size}
}

// Empty makes tables that map nothing, out of the size bytes at pool, which
// [New] describes. The root lies at pool.
func Empty(pool, size uint64) Tables {
	t := New(pool, pool, size)
	t.next += FrameSize
	return t
}

// Root is the physical address of the table of level 0.
func (t *Tables) Root() uint64 { return t.root }

// FramesFor is how many tables mapping [start, end) takes at most.
func FramesFor(start, end uint64) uint64 {
	if start >= end {
		return 0
	}
	// A table of the last level and one above it at each end, and a table of
	// 1 GiB blocks for each 512 GiB.
	return 4 + (end-1)>>39 - start>>39 + 1
}

// Map maps the pages that hold [start, end) to themselves, as [Tables.MapTo]
// does.
func (t *Tables) Map(start, end uint64, kind Kind) bool { return t.MapTo(start, end, start, kind) }

// MapTo maps the pages that hold [start, end) to those of the physical memory
// from to on, in blocks where they fit. start and to must be equal within a page.
// What is mapped already must be so to the same place and of the same kind.
// False means that one of this was not so, that something is beyond Limit or that
// the memory for tables is used up; part of the range may be mapped then. The
// caller makes the processor see the change.
func (t *Tables) MapTo(start, end, to uint64, kind Kind) bool {
	if start > end || end > Limit || to > Limit || end-start > Limit-to || (to-start)%FrameSize != 0 {
		return false
	}
	end = (end + FrameSize - 1) &^ (FrameSize - 1)
	for addr := start &^ (FrameSize - 1); addr < end; {
		size, ok := t.mapOne(addr, end, to-start, kind)
		if !ok {
			return false
		}
		addr += size
	}
	return true
}

// mapOne maps the largest leaf at addr that ends at or before end, to what lies
// offset above it, and returns how far from addr on memory is mapped now.
func (t *Tables) mapOne(addr, end, offset uint64, kind Kind) (size uint64, ok bool) {
	at, to := t.root, addr+offset
	for level := 0; ; level++ {
		shift := 39 - 9*level
		size := uint64(1) << shift
		entry := &frame(at)[addr>>shift&511]
		switch {
		case *entry&valid == 0 && level > 0 && (addr|to)%size == 0 && size <= end-addr:
			*entry = to | leaf(level) | uint64(kind)
			return size, true
		case *entry&valid == 0:
			if t.next == t.end {
				return 0, false
			}
			at = t.next
			t.next += FrameSize
			*entry = at | tableOrPage | valid
		case isLeaf(*entry, level):
			same := *entry&addrMask&^(size-1)+addr%size == to
			return size - addr%size, same && *entry&kindMask == uint64(kind)
		default:
			at = *entry & addrMask
		}
	}
}

// leaf is the descriptor of a block or page, without address and kind.
func leaf(level int) uint64 {
	if level == lastLevel {
		return accessed | tableOrPage | valid
	}
	return accessed | valid
}

func isLeaf(entry uint64, level int) bool {
	return level == lastLevel || entry&tableOrPage == 0
}

// Mapped reports whether all of [start, end) is mapped.
func (t *Tables) Mapped(start, end uint64) bool {
	if start > end || end > Limit {
		return false
	}
	for addr := start; addr < end; {
		size := t.leafAt(addr)
		if size == 0 {
			return false
		}
		addr += size - addr%size
	}
	return true
}

// leafAt is the size of the leaf that maps addr, 0 for none.
func (t *Tables) leafAt(addr uint64) uint64 {
	at := t.root
	for level := 0; level <= lastLevel; level++ {
		shift := 39 - 9*level
		entry := frame(at)[addr>>shift&511]
		switch {
		case entry&valid == 0:
			return 0
		case isLeaf(entry, level):
			return 1 << shift
		}
		at = entry & addrMask
	}
	return 0
}
