// Package stage2 builds the tables of the second stage of address translation,
// by which a guest sees its RAM and nothing else. Memory of this program is
// identity mapped: a pointer is a physical address.
package stage2

import (
	"errors"
	"fmt"
	"math/bits"
)

const (
	pageShift = 12
	pageSize  = 1 << pageShift
)

// Format is how an architecture has its tables.
type Format struct {
	// Bits are the widths of the levels' indexes, the topmost first. The last
	// level's entries are pages.
	Bits []int
	// Largest is the first level, counted from the topmost as 0, that may have
	// leaves.
	Largest int
	// Table is the entry that points to a table of 1<<bits entries, Leaf one
	// that maps memory.
	Table func(addr uint64, bits int) uint64
	Leaf  func(addr uint64, executable bool) uint64
	// Swap is set where entries have the other byte order than this program.
	Swap bool
}

// ErrReach means an address that the tables do not translate.
var ErrReach = errors.New("stage2: address out of reach")

// Tables translate one guest's addresses. The guest must not run meanwhile.
type Tables struct {
	f     *Format
	flush func()
	root  *node
}

// node is one table, and what this program knows of it.
type node struct {
	level   int
	entries []uint64 // aligned to their size
	tables  map[int]*node
	leaves  map[int]leaf
}

type leaf struct {
	addr uint64
	exec bool
}

// New makes empty tables. flush makes the processor see changed entries.
func New(f *Format, flush func()) *Tables {
	t := &Tables{f: f, flush: flush}
	t.root = t.newNode(0)
	return t
}

// Root is the physical address of the topmost table.
func (t *Tables) Root() uint64 { return addressOf(&t.root.entries[0]) }

func (t *Tables) newNode(level int) *node {
	return &node{level: level, entries: alignedTable(1 << t.f.Bits[level]), tables: map[int]*node{}, leaves: map[int]leaf{}}
}

// shift is how far an address is shifted for the index of a level.
func (t *Tables) shift(level int) int {
	n := pageShift
	for _, b := range t.f.Bits[level+1:] {
		n += b
	}
	return n
}

// index is the place of an address in a table of a level.
func (t *Tables) index(level int, addr uint64) int {
	return int(addr>>t.shift(level)) & (1<<t.f.Bits[level] - 1)
}

// width is how many bits an address may have.
func (t *Tables) width() int { return t.shift(0) + t.f.Bits[0] }

// check refuses what cannot be translated.
func (t *Tables) check(start, size uint64) error {
	limit := uint64(1) << t.width()
	if start%pageSize != 0 || size%pageSize != 0 || start > limit || size > limit-start {
		return fmt.Errorf("%w: %#x bytes at %#x", ErrReach, size, start)
	}
	return nil
}

// MapRAM maps mem, whole pages, from guest-physical address start on, with leaves
// as large as fit.
func (t *Tables) MapRAM(start uint64, mem []byte) error {
	if err := t.check(start, uint64(len(mem))); err != nil {
		return err
	}
	if len(mem) == 0 {
		return nil
	}
	addr := addressOf(&mem[0])
	for size := uint64(len(mem)); size > 0; {
		level := t.f.Largest
		for n := uint64(1) << t.shift(level); (start|addr)%n != 0 || n > size; n = 1 << t.shift(level) {
			level++
			if level == len(t.f.Bits) {
				return fmt.Errorf("stage2: memory at %#x is not aligned as pages are", addr)
			}
		}
		t.set(start, level, leaf{addr: addr})
		n := uint64(1) << t.shift(level)
		start, addr, size = start+n, addr+n, size-n
	}
	t.flush()
	return nil
}

// Map puts a page at gfn, for reading and writing, in place of what is there.
func (t *Tables) Map(gfn uint64, page []byte) error {
	if gfn > 1<<52 || len(page) != pageSize || addressOf(&page[0])%pageSize != 0 {
		return fmt.Errorf("%w: gfn %#x", ErrReach, gfn)
	}
	if err := t.check(gfn<<pageShift, pageSize); err != nil {
		return err
	}
	t.set(gfn<<pageShift, len(t.f.Bits)-1, leaf{addr: addressOf(&page[0])})
	t.flush()
	return nil
}

// Unmap leaves nothing at gfn.
func (t *Tables) Unmap(gfn uint64) {
	addr := gfn << pageShift
	if gfn > 1<<52 || t.check(addr, pageSize) != nil {
		return
	}
	last := len(t.f.Bits) - 1
	n := t.walk(addr, last)
	i := t.index(last, addr)
	delete(n.leaves, i)
	t.put(n, i, 0)
	t.flush()
}

// Protect makes what is mapped of [start, end) executable or not.
func (t *Tables) Protect(start, end uint64, executable bool) error {
	if end < start {
		return fmt.Errorf("%w: end %#x before %#x", ErrReach, end, start)
	}
	if err := t.check(start, end-start); err != nil {
		return err
	}
	for start < end {
		n, i := t.find(start)
		size := uint64(1) << t.shift(n.level)
		l, ok := n.leaves[i]
		switch {
		case !ok || l.exec == executable:
		case start%size != 0 || size > end-start: // a part of it
			t.split(n, i)
			continue
		default:
			l.exec = executable
			t.setLeaf(n, i, l)
		}
		start = start&^(size-1) + size
	}
	t.flush()
	return nil
}

// Lookup translates a guest-physical address.
func (t *Tables) Lookup(addr uint64) (physical uint64, executable, ok bool) {
	if t.check(addr&^(pageSize-1), pageSize) != nil {
		return 0, false, false
	}
	n, i := t.find(addr)
	l, ok := n.leaves[i]
	return l.addr + addr&(1<<t.shift(n.level)-1), l.exec, ok
}

// find returns the table and the index of addr's entry that is no table.
func (t *Tables) find(addr uint64) (*node, int) {
	n := t.root
	for {
		i := t.index(n.level, addr)
		next := n.tables[i]
		if next == nil {
			return n, i
		}
		n = next
	}
}

// walk returns the table of a level that addr lies in, made where it is missing.
func (t *Tables) walk(addr uint64, level int) *node {
	n := t.root
	for n.level < level {
		i := t.index(n.level, addr)
		if n.tables[i] == nil {
			t.split(n, i)
		}
		n = n.tables[i]
	}
	return n
}

// split puts a table in place of a leaf, or of nothing.
func (t *Tables) split(n *node, i int) {
	next := t.newNode(n.level + 1)
	if l, ok := n.leaves[i]; ok {
		for k := range next.entries {
			t.setLeaf(next, k, leaf{l.addr + uint64(k)<<t.shift(next.level), l.exec})
		}
		delete(n.leaves, i)
	}
	n.tables[i] = next
	t.put(n, i, t.f.Table(addressOf(&next.entries[0]), t.f.Bits[next.level]))
}

// set makes a leaf at a level.
func (t *Tables) set(addr uint64, level int, l leaf) {
	n := t.walk(addr, level)
	i := t.index(level, addr)
	delete(n.tables, i)
	t.setLeaf(n, i, l)
}

func (t *Tables) setLeaf(n *node, i int, l leaf) {
	n.leaves[i] = l
	t.put(n, i, t.f.Leaf(l.addr, l.exec))
}

func (t *Tables) put(n *node, i int, entry uint64) {
	if t.f.Swap {
		entry = bits.ReverseBytes64(entry)
	}
	storeEntry(&n.entries[i], entry)
}
