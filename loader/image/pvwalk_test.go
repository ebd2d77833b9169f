package image

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// pvDomain is a PV domain on paper: pages that are written to, and a machine
// in which their frames lie in disorder.
type pvDomain struct {
	pages   uint64
	content map[uint64][]byte // by address
	// scratch is an address range whose pages are not kept: one is looked at
	// when the next is asked for.
	scratch Range
	look    func(addr uint64, page []byte)
	last    uint64
	buffer  []byte
}

func newPVDomain(pages uint64) *pvDomain {
	return &pvDomain{pages: pages, content: map[uint64][]byte{}, buffer: make([]byte, pageSize)}
}

// Frames: pages are swapped in pairs far apart, above 4 GiB.
const (
	frameBase = 1 << 20
	frameFlip = 0x55
)

func (d *pvDomain) frame(pfn uint64) uint64  { return frameBase + (pfn ^ frameFlip) }
func (d *pvDomain) number(mfn uint64) uint64 { return (mfn - frameBase) ^ frameFlip }

func (d *pvDomain) page(addr uint64) []byte {
	if addr%pageSize != 0 || addr/pageSize >= d.pages {
		panic(fmt.Sprintf("page %#x", addr))
	}
	if addr-d.scratch.Start < d.scratch.Size {
		d.flush()
		d.last = addr
		return d.buffer
	}
	if d.content[addr] == nil {
		d.content[addr] = make([]byte, pageSize)
		for i := range d.content[addr] {
			d.content[addr][i] = 0xee
		}
	}
	return d.content[addr]
}

// flush has the last page of scratch looked at.
func (d *pvDomain) flush() {
	if d.last != 0 {
		d.look(d.last, d.buffer)
	}
}

// walk checks a plan's page tables as a processor and Xen would read them, and
// what the plan says of them: each virtual address that must be mapped leads to
// its page, tables are read-only wherever they are mapped, nothing else is
// mapped, and each table hangs in one place.
func (d *pvDomain) walk(p *PVPlan) error {
	w := &pvWalker{d: d, p: p, tables: map[uint64]int{}}
	if err := w.table(p.Tables.Start, tableLevels, 0); err != nil {
		return err
	}
	for addr, n := range w.tables {
		if n != 1 {
			return fmt.Errorf("table %#x hangs in %d places", addr, n)
		}
	}
	if got, want := uint64(len(w.tables)), (p.Tables.Size+p.P2MTables.Size)/pageSize; got != want {
		return fmt.Errorf("%d tables, the plan has %d", got, want)
	}
	want := []Range{{Start: p.VirtBase + p.Mapped.Start, Size: p.Mapped.Size}}
	if p.P2MBase-p.VirtBase != p.P2M.Start {
		want = slices.Insert(want, 0, Range{Start: p.P2MBase, Size: p.P2M.Size})
	}
	if !slices.Equal(w.mapped, want) {
		return fmt.Errorf("mapped are %#x, want %#x", w.mapped, want)
	}
	return nil
}

type pvWalker struct {
	d      *pvDomain
	p      *PVPlan
	tables map[uint64]int // how often each is hung in
	mapped []Range        // by rising index, the upper half behind the lower one
}

func (w *pvWalker) isTable(addr uint64) bool {
	return addr-w.p.Tables.Start < w.p.Tables.Size || addr-w.p.P2MTables.Start < w.p.P2MTables.Size
}

// table walks one, for virtual addresses from base on.
func (w *pvWalker) table(addr uint64, level int, base uint64) error {
	if w.tables[addr]++; !w.isTable(addr) {
		return fmt.Errorf("page %#x is used as a table and is none of the plan's", addr)
	}
	b := w.d.content[addr]
	if b == nil {
		return fmt.Errorf("table %#x was not written", addr)
	}
	for i := range uint64(tableEntries) {
		entry := binary.LittleEndian.Uint64(b[8*i:])
		if entry == 0 {
			continue
		}
		virt := base + i<<(12+tableBits*(level-1))
		target := w.d.number(entry>>12&maxFrame) * pageSize
		if target/pageSize >= w.d.pages {
			return fmt.Errorf("L%d entry %#x for %#x leads out of the domain", level, entry, virt)
		}
		if err := w.entry(level, virt, target, entry&0xfff|entry>>52<<52); err != nil {
			return err
		}
	}
	return nil
}

func (w *pvWalker) entry(level int, virt, target, flags uint64) error {
	if level > 1 {
		if flags != 0x67 {
			return fmt.Errorf("L%d entry for %#x has flags %#x", level, virt, flags)
		}
		return w.table(target, level-1, virt)
	}
	if virt>>47&1 != 0 {
		virt |= 0xffff << 48
	}
	want := uint64(0x23)
	if w.isTable(target) {
		want = 0x21
	}
	if flags != want {
		return fmt.Errorf("page %#x is mapped at %#x with flags %#x, want %#x", target, virt, flags, want)
	}
	place := virt - w.p.VirtBase
	if virt-w.p.P2MBase < w.p.P2M.Size {
		place = virt - w.p.P2MBase + w.p.P2M.Start
	}
	if place != target {
		return fmt.Errorf("%#x leads to page %#x, want %#x", virt, target, place)
	}
	if n := len(w.mapped); n > 0 && w.mapped[n-1].Start+w.mapped[n-1].Size == virt {
		w.mapped[n-1].Size += pageSize
	} else {
		w.mapped = append(w.mapped, Range{Start: virt, Size: pageSize})
	}
	return nil
}
