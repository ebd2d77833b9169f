package pvtable

import (
	"math/rand/v2"
	"testing"
)

// domain is a Ground with Xen's rules: a table must not be mapped writable when
// it is hooked in, nor may a page become so that is a table.
type domain struct {
	t      *testing.T
	p2m    []uint64
	pages  map[uint64]*[512]uint64
	born   uint64 // tables that the domain was born with are those below
	root   uint64
	level  map[uint64]int // of the pages that are tables, by address
	writes int
	refuse bool // what is asked for
}

const none = ^uint64(0)

// Frame numbers are out of order and have gaps.
const (
	firstFrame = 0x100000
	mixed      = 0x55
)

// newDomain is a domain of n pages, whose first mapped ones are mapped. Its
// tables lie from page first on.
func newDomain(t *testing.T, n, mapped, first int) (*domain, *Tables) {
	d := &domain{t: t, p2m: make([]uint64, n), pages: map[uint64]*[512]uint64{}, level: map[uint64]int{}}
	for i := range d.p2m {
		d.p2m[i] = (uint64(i)^mixed)*3 + firstFrame
	}
	d.root = uint64(first) * PageSize
	next := d.root
	table := func(level int) uint64 {
		addr := next
		next += PageSize
		d.level[addr] = level
		return addr
	}
	table(4)
	var tables []uint64 // to be made read-only
	for i := range mapped {
		at := d.root
		for level := 4; level > 1; level-- {
			e := &d.Table(at)[index(uint64(i)*PageSize, level)]
			if *e == 0 {
				addr := table(level - 1)
				*e = d.p2m[addr/PageSize]<<12 | Link
				tables = append(tables, addr)
			}
			at, _ = d.Address(*e >> 12)
		}
		d.Table(at)[i%512] = d.p2m[i]<<12 | ReadWrite
	}
	d.born = next
	for _, addr := range append(tables, d.root) {
		if !d.Protect(addr) {
			t.Fatalf("table %#x is not mapped", addr)
		}
	}
	tt := New(d, d.root)
	return d, &tt
}

func (d *domain) Frame(addr uint64) (uint64, bool) {
	if addr/PageSize >= uint64(len(d.p2m)) || d.p2m[addr/PageSize] == none {
		return 0, false
	}
	return d.p2m[addr/PageSize], true
}

func (d *domain) Address(mfn uint64) (uint64, bool) {
	pfn := ((mfn - firstFrame) / 3) ^ mixed
	return pfn * PageSize, pfn < uint64(len(d.p2m)) && d.p2m[pfn] == mfn
}

func (d *domain) Table(addr uint64) *[512]uint64 {
	if d.pages[addr] == nil {
		d.pages[addr] = new([512]uint64)
	}
	return d.pages[addr]
}

func (d *domain) Fixed(addr uint64) bool { return addr >= d.root && addr < d.born }

// walk finds the entry that maps va, as the processor does.
func (d *domain) walk(va uint64) *uint64 {
	at := d.root
	for level := 4; ; level-- {
		e := &d.Table(at)[index(va, level)]
		if level == 1 || *e&Present == 0 {
			return e
		}
		at, _ = d.Address(*e & frameMask >> 12)
	}
}

func (d *domain) Protect(addr uint64) bool {
	e := d.walk(addr)
	if *e&Present == 0 || *e&frameMask>>12 != d.p2m[addr/PageSize] {
		return false
	}
	*e &^= Writable
	return true
}

// Write is MMU_NORMAL_PT_UPDATE.
func (d *domain) Write(table uint64, i int, entry uint64) bool {
	d.writes++
	level := d.level[table]
	if level == 0 {
		d.t.Errorf("write to %#x, which is no table", table)
		return false
	}
	if d.refuse || !d.takes(level, entry) {
		return false
	}
	d.Table(table)[i] = entry
	return true
}

// takes reports whether a table of this level can have the entry, and makes a
// table of what it links.
func (d *domain) takes(level int, entry uint64) bool {
	addr, own := d.Address(entry & frameMask >> 12)
	switch {
	case entry&Present == 0:
		return true
	case level == 1 && d.level[addr] != 0 && own:
		return entry&Writable == 0
	case level == 1:
		return true
	case d.level[addr] == level-1:
		return true
	case d.level[addr] != 0 || !own || d.mappedWritable(entry&frameMask):
		return false
	}
	for _, e := range d.Table(addr) {
		if !d.takes(level-1, e) {
			return false
		}
	}
	d.level[addr] = level - 1
	return true
}

// mappedWritable looks through all tables.
func (d *domain) mappedWritable(frame uint64) bool {
	for addr, level := range d.level {
		for _, e := range d.Table(addr) {
			if level == 1 && e&(Present|Writable) == Present|Writable && e&frameMask == frame {
				return true
			}
		}
	}
	return false
}

// check compares what is mapped of pages first to end with want.
func (d *domain) check(tt *Tables, first, end int, want func(page int) bool) {
	d.t.Helper()
	for i := first; i < end; i++ {
		addr := uint64(i) * PageSize
		e := *d.walk(addr)
		if got := tt.Lookup(addr); got != e && e&Present != 0 {
			d.t.Errorf("page %d: lookup finds %#x, not %#x", i, got, e)
		}
		switch {
		case (e&Present != 0) != want(i):
			d.t.Errorf("page %d: entry %#x", i, e)
		case e&Present != 0 && e&frameMask>>12 != d.p2m[i]:
			d.t.Errorf("page %d: frame %#x, not %#x", i, e>>12, d.p2m[i])
		case e&Present != 0 && (e&Writable == 0) != (d.level[addr] != 0):
			d.t.Errorf("page %d of level %d: entry %#x", i, d.level[addr], e)
		}
	}
}

func TestMap(t *testing.T) {
	const n = 600 * 512 // more than a GiB
	d, tt := newDomain(t, n, 1024, 700)
	d.walk(0) // as the loader has it
	*d.walk(0) = 0
	tt.AddPool(800*PageSize, 807*PageSize)
	if !tt.Map(1500*PageSize, 1501*PageSize) {
		t.Fatal("one page is refused")
	}
	d.check(tt, 0, 2100, func(i int) bool { return i > 0 && i < 1536 })
	if got := left(tt); got != 6 {
		t.Errorf("%d pages left, want 6", got)
	}
	// A second pool that is not mapped before it is given.
	tt.AddPool(2000*PageSize, 2400*PageSize)
	if !tt.Map(2000*PageSize, 2400*PageSize) {
		t.Fatal("the pool is refused")
	}
	writes := d.writes
	if !tt.Map(0x1000, 2000*PageSize) || d.writes != writes {
		t.Errorf("%d writes to map what is mapped", d.writes-writes)
	}
	// Across a GiB, not to the end of what a table maps.
	if !tt.Map(261000*PageSize, 264000*PageSize+1) {
		t.Fatal("a range across a GiB is refused")
	}
	d.check(tt, 0, 3000, func(i int) bool { return i > 0 && i < 2560 })
	d.check(tt, 260000, 265000, func(i int) bool { return i >= 260608 && i < 264192 })
}

func TestMapRefuses(t *testing.T) {
	for _, test := range []struct {
		name       string
		start, end uint64
		prepare    func(d *domain, tt *Tables)
	}{
		{"page 0", 0, PageSize, func(d *domain, tt *Tables) { *d.walk(0) = 0 }},
		{"beyond the end", 4095 * PageSize, 4097 * PageSize, nil},
		{"far beyond the end", 1 << 40, 1<<40 + 1, nil},
		{"the upper half", 1 << 47, 1<<47 + 1, nil},
		{"end before start", 2 * PageSize, PageSize, nil},
		{"a hole", 2000 * PageSize, 2002 * PageSize, func(d *domain, tt *Tables) { d.p2m[2001] = none }},
		{"no pool", 2000 * PageSize, 2001 * PageSize, func(d *domain, tt *Tables) { tt.pool = [2]span{} }},
		{"xen refuses", 2000 * PageSize, 2001 * PageSize, func(d *domain, tt *Tables) { d.refuse = true }},
		{"pool not mapped", 2000 * PageSize, 2001 * PageSize, func(d *domain, tt *Tables) { tt.pool[0] = span{3000 * PageSize, 3001 * PageSize} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, tt := newDomain(t, 4096, 1024, 700)
			tt.AddPool(800*PageSize, 807*PageSize)
			if test.prepare != nil {
				test.prepare(d, tt)
			}
			if tt.Map(test.start, test.end) {
				t.Error("mapped")
			}
		})
	}
}

func TestMapAt(t *testing.T) {
	d, tt := newDomain(t, 4096, 1024, 700)
	tt.AddPool(800*PageSize, 807*PageSize)
	const foreign = 0xabcde
	for _, va := range []uint64{0x6000_0000_0000, 0x6000_0000_1000, 0xffff_ffff_8100_0000} {
		if !tt.MapAt(va, foreign<<12|ReadWrite) {
			t.Fatalf("%#x is refused", va)
		}
		if e := *d.walk(va); e != foreign<<12|ReadWrite || tt.Lookup(va) != e {
			t.Errorf("%#x: entry %#x", va, e)
		}
		if e := *d.walk(va + 2*PageSize); e != 0 {
			t.Errorf("%#x: entry %#x beside", va, e)
		}
	}
	if got := left(tt); got != 1 {
		t.Errorf("%d pages left, want 1", got)
	}
	if tt.Lookup(0x5000_0000_0000) != 0 {
		t.Error("nothing was found mapped")
	}
	// A table must not be seen writable, at no address.
	if tt.MapAt(0x6000_0000_2000, d.p2m[700]<<12|ReadWrite) || !tt.MapAt(0x6000_0000_2000, d.p2m[700]<<12|ReadOnly) {
		t.Error("the topmost table is mapped writable")
	}
	if !tt.MapAt(0x6000_0000_0000, 0) || *d.walk(0x6000_0000_0000) != 0 {
		t.Error("not unmapped")
	}
}

func TestFramesFor(t *testing.T) {
	for _, test := range []struct{ size, want uint64 }{
		{0, 3}, {1, 6}, {2 << 20, 6}, {2<<20 + 1, 7}, {64 << 20, 37}, {8 << 30, 4096 + 8 + 1 + 3},
	} {
		if got := FramesFor(test.size); got != test.want {
			t.Errorf("%d bytes: %d tables, want %d", test.size, got, test.want)
		}
	}
}

// TestRandom maps ranges at random and looks at all of the domain.
func TestRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 3 {
		d, tt := newDomain(t, 40*512, 512+r.IntN(600), 200)
		*d.walk(0) = 0
		tt.AddPool(400*PageSize, 500*PageSize)
		var asked [][2]uint64
		for range 8 {
			start := 1 + r.Uint64N(40*512-1)
			end := min(start+r.Uint64N(1500), 40*512)
			if !tt.Map(start*PageSize, end*PageSize) {
				t.Fatalf("pages %d to %d are refused", start, end)
			}
			asked = append(asked, [2]uint64{start, end})
		}
		for _, a := range asked {
			for page := a[0]; page < a[1]; page++ {
				if *d.walk(page * PageSize)&Present == 0 {
					t.Fatalf("page %d is not mapped", page)
				}
			}
		}
		d.check(tt, 0, 40*512, func(i int) bool { return *d.walk(uint64(i) * PageSize)&Present != 0 })
		if *d.walk(0) != 0 {
			t.Error("page 0 is mapped")
		}
	}
}

// left is how many pages for new tables are left.
func left(t *Tables) (n uint64) {
	for _, p := range t.pool {
		n += (p.end - p.next) / PageSize
	}
	return n
}
