// Package pagetable makes translation tables for a program's own use and
// extends those that are in use: 4 KiB pages, tables of 512 entries, for the
// privileged level only. What an entry's bits mean is a [Format]. The tables
// themselves must be identity mapped. It never changes a valid entry, so that
// no translation need be dropped first. It allocates nothing and runs before
// there is a heap; tests walk its tables on any host.
package pagetable

import (
	"encoding/binary"
	"math/bits"
)

// Format is an architecture's tables.
type Format struct {
	Levels uint   // of tables; each translates 9 bits, the last one the 9 above a page's 12
	Limit  uint64 // the first address past what is mapped with them
	// Largest is the level of the largest leaves: of 1 GiB, as every format has.
	Largest uint
	// Root is the size of the topmost table in bytes, 0 for FrameSize. All but its
	// first 512 entries are empty.
	Root uint64
	// BigEndian is how entries lie in memory; others are in the program's order.
	BigEndian bool

	Address uint64 // bits of an entry that are an address,
	Shift   uint   // which is this many bits higher than they are

	Valid       uint64 // set in every entry in use
	Table       uint64 // what the bits of TableMask are in an entry that leads to a table;
	TableMask   uint64 // only those above the last level do
	Block, Page uint64 // bits of a leaf above the last level, and there
	Kinds       [2]uint64
	KindMask    uint64 // bits that tell kinds apart
}

// Kind is what memory is to the processor.
type Kind int

const (
	// Normal is memory: cached, executable at the privileged level.
	Normal Kind = iota
	// Device is registers, never fetched from.
	Device
)

// FrameSize is the size of one table, and of a page, in bytes.
const FrameSize = 4096

// Tables are a root table and memory for more tables.
type Tables struct {
	format          *Format
	root, next, end uint64
}

// New goes on with the tables at root, and takes further ones from the size
// bytes at pool. All are physical addresses, mapped to themselves, multiples of
// FrameSize. It zeros the pool, and the caller completes these stores before
// [Tables.Map] links a table: a walk may see stores in any order until a
// barrier, and take what lay there before for entries.
func New(format *Format, root, pool, size uint64) Tables {
	for at := pool; at < pool+size; at += FrameSize {
		clear(frame(at)[:])
	}
	return Tables{format, root, pool, pool + size}
}

// Empty makes tables that map nothing, out of the size bytes at pool, which
// [New] describes. The root lies at pool.
func Empty(format *Format, pool, size uint64) Tables {
	t := New(format, pool, pool, size)
	t.next += max(FrameSize, format.Root)
	return t
}

// Root is the physical address of the topmost table.
func (t *Tables) Root() uint64 { return t.root }

// FramesFor is how many tables mapping [start, end) takes at most.
func (f *Format) FramesFor(start, end uint64) uint64 {
	if start >= end {
		return 0
	}
	// A table of the last level and one above it at each end, and tables of
	// 1 GiB blocks, which cover 512 GiB each, if the root is none.
	n := uint64(4)
	for shift := uint(39); shift < f.top(); shift += 9 {
		n += (end-1)>>shift - start>>shift + 1
	}
	return n
}

// top is how many bits of an address all levels translate.
func (f *Format) top() uint { return 12 + 9*f.Levels }

// shift is the size of a leaf at a level, as a power of two.
func (f *Format) shift(level uint) uint { return f.top() - 9*(level+1) }

// entry is an address as entries have it, and address what they say.
func (f *Format) entry(addr uint64) uint64 { return addr >> f.Shift & f.Address }

func (f *Format) address(entry uint64) uint64 { return entry & f.Address << f.Shift }

// native turns an entry in memory into one that can be reckoned with, and back.
func (f *Format) native(entry uint64) uint64 {
	if f.BigEndian && littleEndian() {
		return bits.ReverseBytes64(entry)
	}
	return entry
}

// littleEndian is the program's byte order. No variable could have it: package
// variables are not set yet when tables are made.
func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }

// Map maps the pages that hold [start, end) to themselves, as [Tables.MapTo]
// does.
func (t *Tables) Map(start, end uint64, kind Kind) bool { return t.MapTo(start, end, start, kind) }

// MapTo maps the pages that hold [start, end) to those of the physical memory
// from to on, in blocks where they fit. start and to must be equal within a page.
// What is mapped already must be so to the same place and of the same kind.
// False means that one of this was not so, that something is beyond the format's
// Limit or that the memory for tables is used up; part of the range may be mapped
// then. The caller makes the processor see the change.
func (t *Tables) MapTo(start, end, to uint64, kind Kind) bool {
	limit := t.format.Limit
	if start > end || end > limit || to > limit || end-start > limit-to || (to-start)%FrameSize != 0 {
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
	f := t.format
	at, to := t.root, addr+offset
	for level := uint(0); ; level++ {
		shift := f.shift(level)
		size := uint64(1) << shift
		place := &frame(at)[addr>>shift&511]
		entry := f.native(*place)
		switch {
		case entry&f.Valid == 0 && level >= f.Largest && (addr|to)%size == 0 && size <= end-addr:
			*place = f.native(f.entry(to) | f.leaf(level) | f.Kinds[kind])
			return size, true
		case entry&f.Valid == 0:
			if t.next == t.end {
				return 0, false
			}
			at = t.next
			t.next += FrameSize
			*place = f.native(f.entry(at) | f.Table)
		case f.isLeaf(entry, level):
			same := f.address(entry)&^(size-1)+addr%size == to
			return size - addr%size, same && entry&f.KindMask == f.Kinds[kind]
		default:
			at = f.address(entry)
		}
	}
}

// leaf is the entry of a leaf, without address and kind.
func (f *Format) leaf(level uint) uint64 {
	if level == f.Levels-1 {
		return f.Page
	}
	return f.Block
}

func (f *Format) isLeaf(entry uint64, level uint) bool {
	return level == f.Levels-1 || entry&f.TableMask != f.Table
}

// Mapped reports whether all of [start, end) is mapped.
func (t *Tables) Mapped(start, end uint64) bool {
	if start > end || end > t.format.Limit {
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
	f := t.format
	at := t.root
	for level := uint(0); level < f.Levels; level++ {
		shift := f.shift(level)
		entry := f.native(frame(at)[addr>>shift&511])
		switch {
		case entry&f.Valid == 0:
			return 0
		case f.isLeaf(entry, level):
			return 1 << shift
		}
		at = f.address(entry)
	}
	return 0
}
