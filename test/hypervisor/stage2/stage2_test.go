package stage2

import (
	"errors"
	"math/bits"
	"testing"
	"unsafe"
)

// memory is n bytes of memory at a multiple of align.
func memory(n, align int) []byte {
	b := make([]byte, n+align)
	skip := -uintptr(unsafe.Pointer(&b[0])) % uintptr(align)
	return b[skip : skip+uintptr(n)]
}

// walk translates as a processor does, by the entries alone.
func (f *Format) walk(t *Tables, addr uint64) (physical uint64, executable, ok bool) {
	table := t.root.entries
	tables := map[uint64][]uint64{}
	var note func(n *node)
	note = func(n *node) {
		tables[addressOf(&n.entries[0])] = n.entries
		for _, c := range n.tables {
			note(c)
		}
	}
	note(t.root)
	for level := range f.Bits {
		e := table[t.index(level, addr)]
		if f.Swap {
			e = bits.ReverseBytes64(e)
		}
		low := addr & (1<<t.shift(level) - 1)
		if f == Radix {
			switch {
			case e>>63 == 0:
				return 0, false, false
			case e>>62&1 == 1:
				return e&0x01fffffffffff000 + low, e&1 == 1, true
			}
			if int(e&31) != f.Bits[level+1] {
				panic("size of the next table")
			}
			table = tables[e&0x0fffffffffffff00]
			continue
		}
		switch {
		case e&1 == 0:
			return 0, false, false
		case e&0xe != 0:
			if e>>10<<12&(1<<t.shift(level)-1) != 0 {
				panic("misaligned superpage")
			}
			return e>>10<<12 + low, e&8 != 0, true
		}
		table = tables[e>>10<<12]
	}
	return 0, false, false
}

func TestTables(t *testing.T) {
	for name, f := range map[string]*Format{"Sv39x4": Sv39x4, "radix": Radix} {
		t.Run(name, func(t *testing.T) {
			const base, large = 0x80000000, 2 << 20
			flushes := 0
			s := New(f, func() { flushes++ })
			if s.Root()%uint64(8<<f.Bits[0]) != 0 {
				t.Errorf("root at %#x", s.Root())
			}
			ram := memory(3*large+pageSize, large)
			if err := s.MapRAM(base, ram); err != nil {
				t.Fatal(err)
			}
			host := addressOf(&ram[0])
			look := func(addr, want uint64, exec, ok bool) {
				t.Helper()
				p, x, there := s.Lookup(addr)
				wp, wx, wthere := f.walk(s, addr)
				if there != ok || ok && (p != want || x != exec) {
					t.Errorf("%#x: %#x, %v, %v; want %#x, %v, %v", addr, p, x, there, want, exec, ok)
				}
				if wthere != there || there && (wp != p || wx != x) {
					t.Errorf("%#x: entries say %#x, %v, %v", addr, wp, wx, wthere)
				}
			}
			look(base-1, 0, false, false)
			for _, off := range []uint64{0, 5, pageSize, large - 1, large, 3*large + 7} {
				look(base+off, host+off, false, true)
			}
			look(base+3*large+pageSize, 0, false, false)
			if n, _ := s.find(base + large); n.level != len(f.Bits)-2 {
				t.Errorf("2 MiB of RAM on level %d", n.level)
			}

			// Code from the middle of one large leaf to that of another.
			if err := s.Protect(base+large/2, base+2*large+pageSize, true); err != nil {
				t.Fatal(err)
			}
			for off, exec := range map[uint64]bool{0: false, large/2 - 1: false, large / 2: true, large: true, 2 * large: true, 2*large + pageSize: false} {
				look(base+off, host+off, exec, true)
			}
			if n, _ := s.find(base + large); n.level != len(f.Bits)-2 {
				t.Error("a leaf was split that lies within")
			}
			if err := s.Protect(base, base+3*large, false); err != nil {
				t.Fatal(err)
			}
			look(base+large, host+large, false, true)

			// Pages elsewhere, and in place of RAM.
			page := memory(pageSize, pageSize)
			for _, gfn := range []uint64{0x38000, base>>pageShift + 600} {
				if err := s.Map(gfn, page); err != nil {
					t.Fatal(err)
				}
				look(gfn<<pageShift+8, addressOf(&page[0])+8, false, true)
				look((gfn-1)<<pageShift, host+599*pageSize, false, gfn != 0x38000)
				s.Unmap(gfn)
				look(gfn<<pageShift, 0, false, false)
			}
			// Where nothing is, nothing can be protected; it does no harm.
			if err := s.Protect(0x1000, 0x3000, true); err != nil {
				t.Error(err)
			}
			look(0x1000, 0, false, false)
			if flushes == 0 {
				t.Error("nothing was flushed")
			}
		})
	}
}

func TestOutOfReach(t *testing.T) {
	s := New(Sv39x4, func() {})
	page := memory(pageSize, pageSize)
	for name, err := range map[string]error{
		"gfn":          s.Map(1<<29, page),
		"last gfn":     s.Map(^uint64(0), page),
		"page":         s.Map(1, page[:5]),
		"place of RAM": s.MapRAM(1<<41-pageSize, memory(2*pageSize, pageSize)),
		"odd place":    s.MapRAM(7, page),
		"end":          s.Protect(0, 1<<42, true),
		"order":        s.Protect(0x2000, 0x1000, true),
	} {
		if !errors.Is(err, ErrReach) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.MapRAM(0x1000, memory(2*pageSize, pageSize)[8:8+pageSize]) == nil {
		t.Error("memory that is not aligned")
	}
	if s.Unmap(^uint64(0)); s.Map(1<<29-1, page) != nil {
		t.Error("the last page is out of reach")
	}
	if _, _, ok := s.Lookup(1 << 41); ok {
		t.Error("the first address out of reach")
	}
}
