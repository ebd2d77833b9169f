package image

import (
	"encoding/binary"
	"fmt"
)

// Page tables of four levels (Intel SDM volume 3, 4.5), as Xen's domain builder
// makes them for a PV domain (tools/libs/guest, xg_dom_x86.c): 4 KiB pages
// only, entries that hold machine frames.
const (
	tableEntries = 512
	tableBits    = 9
	tableLevels  = 4

	pteTable = 0x67 // present, writable, user, accessed, dirty: in L4 to L2
	pteData  = 0x23 // present, writable, accessed; Xen adds what a guest kernel's page needs
	pteRead  = 0x21 // the same, read-only

	maxFrame = 1<<40 - 1 // machine addresses have 52 bits

	// These slots of an L4 are Xen's own (public/arch-x86/xen-x86_64.h).
	xenSlotsStart = 256
	xenSlotsEnd   = 272
)

// pvMapping maps size bytes from a virtual to a pseudo-physical address, both
// multiples of 4096.
type pvMapping struct{ virt, addr, size uint64 }

// last is the last virtual address.
func (m pvMapping) last() uint64 { return m.virt + m.size - 1 }

// check refuses virtual addresses that no domain can map.
func (m pvMapping) check() error {
	if m.size == 0 || m.virt%pageSize != 0 || m.last() < m.virt {
		return fmt.Errorf("virtual address %#x: cannot map %#x bytes from there", m.virt, m.size)
	}
	canonical := func(v uint64) bool { return uint64(int64(v<<16)>>16) == v }
	if !canonical(m.virt) || !canonical(m.last()) || m.virt>>63 != m.last()>>63 {
		return fmt.Errorf("virtual addresses %#x-%#x are not canonical", m.virt, m.last())
	}
	if tableIndex(m.virt, tableLevels) < xenSlotsEnd && tableIndex(m.last(), tableLevels) >= xenSlotsStart {
		return fmt.Errorf("virtual addresses %#x-%#x are Xen's own", m.virt, m.last())
	}
	return nil
}

// tableIndex numbers the entries of a level (1 to 4) through all of the
// virtual addresses: the entry for virt.
func tableIndex(virt uint64, level int) uint64 {
	return virt << 16 >> (16 + 12 + tableBits*(level-1))
}

// pvRun is count tables of one level on consecutive pages, for consecutive
// parts of virtual memory: the first of them for the entry first of the level
// above.
type pvRun struct {
	level        int
	first, count uint64
	addr         uint64 // pseudo-physical
}

// pvTables are the page tables of a plan.
type pvTables struct {
	maps []pvMapping
	runs []pvRun
}

// table is the page of the table of a level that is entry number index of the
// level above.
func (t *pvTables) table(level int, index uint64) (addr uint64, ok bool) {
	for _, r := range t.runs {
		if r.level == level && index >= r.first && index-r.first < r.count {
			return r.addr + (index-r.first)*pageSize, true
		}
	}
	return 0, false
}

// pages counts the tables that m needs besides those that are there.
func (t *pvTables) pages(m pvMapping) uint64 {
	grown := pvTables{runs: t.runs}
	return grown.add(m, 0)
}

// add maps m by tables at addr, as far as those that are there do not serve,
// the higher levels first, and returns how many pages they take.
func (t *pvTables) add(m pvMapping, addr uint64) (pages uint64) {
	t.maps = append(t.maps[:len(t.maps):len(t.maps)], m)
	runs := t.runs[:len(t.runs):len(t.runs)]
	for level := tableLevels; level >= 1; level-- {
		first, last := tableIndex(m.virt, level+1), tableIndex(m.last(), level+1)
		// Only the ends can be there already: the mappings do not overlap.
		for first <= last && t.has(level, first) {
			first++
		}
		for first <= last && t.has(level, last) {
			last--
		}
		if first > last {
			continue
		}
		run := pvRun{level: level, first: first, count: last - first + 1, addr: addr + pages*pageSize}
		runs = append(runs, run)
		pages += run.count
	}
	t.runs = runs
	return pages
}

func (t *pvTables) has(level int, index uint64) bool {
	_, ok := t.table(level, index)
	return ok
}

// is tells whether the page at addr is a table.
func (t *pvTables) is(addr uint64) bool {
	for _, r := range t.runs {
		if addr >= r.addr && addr-r.addr < r.count*pageSize {
			return true
		}
	}
	return false
}

// write fills the tables.
func (t *pvTables) write(frame func(pfn uint64) uint64, page func(addr uint64) []byte) error {
	for _, r := range t.runs {
		for i := range r.count {
			b := page(r.addr + i*pageSize)
			clear(b[:pageSize])
			if err := t.fill(b[:pageSize], r.level, (r.first+i)*tableEntries, frame); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill writes one table's entries, the first of which has number base.
func (t *pvTables) fill(b []byte, level int, base uint64, frame func(pfn uint64) uint64) error {
	for _, m := range t.maps {
		first, last := tableIndex(m.virt, level), tableIndex(m.last(), level)
		for index := max(first, base); index <= min(last, base+tableEntries-1); index++ {
			addr, flags := m.addr+(index-first)*pageSize, uint64(pteData)
			if level > 1 {
				addr, _ = t.table(level-1, index)
				flags = pteTable
			} else if t.is(addr) {
				flags = pteRead
			}
			mfn, err := frameOf(frame, addr)
			if err != nil {
				return err
			}
			binary.LittleEndian.PutUint64(b[8*(index-base):], mfn<<12|flags)
		}
	}
	return nil
}

// frameOf is the machine frame behind a page that must have one.
func frameOf(frame func(pfn uint64) uint64, addr uint64) (uint64, error) {
	mfn := frame(addr / pageSize)
	if mfn > maxFrame {
		return 0, fmt.Errorf("page %#x has no machine frame: %#x", addr, mfn)
	}
	return mfn, nil
}
