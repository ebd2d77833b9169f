// Package pvtable extends the page tables of a paravirtualised (PV) domain
// while they are in use: four levels of 4 KiB pages whose entries hold machine
// frames. Xen takes no table that the domain could write to and no change that
// the domain makes itself: a new table is filled as an ordinary page, made
// read-only, and then hooked in by the hypervisor.
//
// It allocates nothing, runs before there is a heap, and does hypercalls by its
// [Ground] only; tests have one that enforces Xen's rules.
//
// Sources: Xen public/xen.h ("mmu_update"); AMD APM vol. 2, 5.3 "Long-Mode Page
// Translation"; Intel SDM vol. 3A, 4.5.
package pvtable

// Bits of an entry.
const (
	Present  = 1 << 0
	Writable = 1 << 1
	user     = 1 << 2
	accessed = 1 << 5
	dirty    = 1 << 6

	// ReadOnly and ReadWrite are what an entry for a page has below the frame,
	// and Link what one for a table has.
	ReadOnly  = Present | user | accessed
	ReadWrite = ReadOnly | Writable | dirty
	Link      = Present | Writable | user | accessed | dirty

	frameMask = 0x000f_ffff_ffff_f000
)

const (
	// PageSize is the size of a page and of a table, in bytes.
	PageSize = 4096
	// Limit is the end of the lower half of the address space.
	Limit = 1 << 47

	entries  = 512
	levels   = 4
	leafSpan = entries * PageSize // what a table of the lowest level maps
)

// Ground is the domain that the tables belong to. Addresses are pseudo-physical,
// and virtual ones for what is mapped.
type Ground interface {
	// Frame is the machine frame of the page at addr; false where the domain
	// has none.
	Frame(addr uint64) (mfn uint64, ok bool)
	// Address is where the domain has the machine frame mfn.
	Address(mfn uint64) (addr uint64, ok bool)
	// Table sees the page at addr, which is mapped.
	Table(addr uint64) *[512]uint64
	// Fixed reports whether the page at addr must not be mapped writable: it
	// is one of the tables that the domain was born with.
	Fixed(addr uint64) bool
	// Protect makes the mapped page at addr read-only.
	Protect(addr uint64) bool
	// Write has the hypervisor write an entry of the table at addr.
	Write(table uint64, index int, entry uint64) bool
}

// Tables are the page tables in use, and memory for more.
type Tables struct {
	ground Ground
	root   uint64 // address of the L4 table
	pool   [2]span
}

type span struct{ next, end uint64 }

// New goes on with the tables below the L4 table at root.
func New(g Ground, root uint64) Tables { return Tables{ground: g, root: root} }

// Root is the address of the L4 table.
func (t *Tables) Root() uint64 { return t.root }

// AddPool gives the pages of [start, end), which are mapped and hold nothing,
// for new tables. It can be called twice.
func (t *Tables) AddPool(start, end uint64) {
	for i := range t.pool {
		if p := &t.pool[i]; p.end == 0 {
			*p = span{start, end}
			return
		}
	}
}

// FramesFor is how many tables mapping a range of size bytes takes at most.
func FramesFor(size uint64) (n uint64) {
	for span := uint64(leafSpan); span <= Limit; span *= entries {
		n += (size+span-1)/span + 1
	}
	return n
}

// page takes a page from the pool.
func (t *Tables) page() (addr uint64, ok bool) {
	for i := range t.pool {
		if p := &t.pool[i]; p.next < p.end {
			addr = p.next
			p.next += PageSize
			return addr, true
		}
	}
	return 0, false
}

// index is where the entry for va stands in a table; level 1 is the lowest.
func index(va uint64, level int) int { return int(va >> (12 + 9*(level-1)) & (entries - 1)) }

// leaf finds the lowest table for va. What is missing on the way to it is made,
// and the lowest table filled by fill, with the address of its first page.
func (t *Tables) leaf(va uint64, fill func(t *Tables, table *[512]uint64, va uint64)) (table uint64, ok bool) {
	table = t.root
	for level := levels; level > 1; level-- {
		i := index(va, level)
		entry := t.ground.Table(table)[i]
		if entry&Present == 0 {
			addr, ok := t.page()
			if !ok {
				return 0, false
			}
			clear(t.ground.Table(addr)[:])
			if level == 2 && fill != nil {
				fill(t, t.ground.Table(addr), va&^(leafSpan-1))
			}
			mfn, ok := t.ground.Frame(addr)
			if !ok || !t.ground.Protect(addr) || !t.ground.Write(table, i, mfn<<12|Link) {
				return 0, false
			}
			table = addr
			continue
		}
		if table, ok = t.ground.Address(entry & frameMask >> 12); !ok {
			return 0, false
		}
	}
	return table, true
}

// identity fills a lowest table with the domain's pages at va and behind it.
// Page 0 is never mapped: the nil address must fault.
func identity(t *Tables, table *[512]uint64, va uint64) {
	for i := range table {
		addr := va + uint64(i)*PageSize
		table[i] = t.own(addr)
	}
}

// own is the entry that maps the domain's page at addr to itself, 0 where there
// is none.
func (t *Tables) own(addr uint64) uint64 {
	mfn, ok := t.ground.Frame(addr)
	switch {
	case !ok || addr == 0:
		return 0
	case t.ground.Fixed(addr):
		return mfn<<12 | ReadOnly
	}
	return mfn<<12 | ReadWrite
}

// Map maps the domain's own pages in [start, end) to themselves, and, where that
// takes a new table, those around them. What is mapped already stays as it is.
// False means that a page of the range is not the domain's, or that the pool is
// used up.
func (t *Tables) Map(start, end uint64) bool {
	if start > end || end > Limit {
		return false
	}
	for va := start &^ (PageSize - 1); va < end; {
		table, ok := t.leaf(va, identity)
		if !ok {
			return false
		}
		stop := min(va&^(leafSpan-1)+leafSpan, end)
		for ; va < stop; va += PageSize {
			i := index(va, 1)
			if t.ground.Table(table)[i]&Present != 0 {
				continue
			}
			entry := t.own(va)
			if entry == 0 || !t.ground.Write(table, i, entry) {
				return false
			}
		}
	}
	return true
}

// MapAt maps the page at virtual address va, which need not be in the lower
// half, by entry, whatever was there. The caller flushes the TLB where
// something was.
func (t *Tables) MapAt(va, entry uint64) bool {
	table, ok := t.leaf(va, nil)
	return ok && t.ground.Write(table, index(va, 1), entry)
}

// Lookup is the entry that maps the page at virtual address va, 0 for none.
func (t *Tables) Lookup(va uint64) uint64 {
	table := t.root
	for level := levels; ; level-- {
		entry := t.ground.Table(table)[index(va, level)]
		if level == 1 || entry&Present == 0 {
			return entry
		}
		var ok bool
		if table, ok = t.ground.Address(entry & frameMask >> 12); !ok {
			return 0
		}
	}
}
