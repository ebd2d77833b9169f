package xentest

import (
	"fmt"

	"pvboot/xen"
)

// frameKind is what stands at a gfn that is not RAM.
type frameKind int

const (
	frameSpecial    frameKind = iota // placed by the toolstack
	frameGrant                       // a frame of the grant table
	frameSharedInfo                  // shared_info
)

// frame is one entry of the p2m.
type frame struct {
	kind frameKind
	idx  int
	page []byte
}

// ram is the guest's memory and who uses it. Pages are counted by where they
// lie, from 0 on.
type ram struct {
	bytes  []byte
	base   uint64         // gfn of the first page, but in a PV domain
	used   []bool         // by AllocFrames
	hole   []bool         // taken out of the p2m
	next   uint64         // first gfn that Hole has not given out
	mfns   []uint64       // of a PV domain's pages
	places map[uint64]int // the other way round, Xen's M2P
}

func newRAM(c Config) ram {
	n := c.Pages
	r := ram{base: ramBase, used: make([]bool, n), hole: make([]bool, n), next: holeBase}
	if c.Memory != nil {
		r.bytes, r.base = c.Memory.RAM[:n*xen.PageSize], c.Memory.Base
		return r
	}
	r.bytes = alignedPages(n)
	if c.PV {
		r.mfns, r.places = scatter(n)
	}
	return r
}

// gfn returns the number of the page at place i.
func (r *ram) gfn(i int) uint64 {
	if r.mfns != nil {
		return r.mfns[i]
	}
	return r.base + uint64(i)
}

// place returns where the page that is called gfn lies, or lay.
func (r *ram) place(gfn uint64) (i int, ok bool) {
	if r.mfns != nil {
		i, ok = r.places[gfn]
		return i, ok
	}
	return int(gfn - r.base), gfn >= r.base && gfn-r.base < uint64(len(r.used))
}

// page returns the RAM at gfn, nil where there is none.
func (r *ram) page(gfn uint64) []byte {
	i, ok := r.place(gfn)
	if !ok || r.hole[i] {
		return nil
	}
	return r.bytes[i*xen.PageSize : (i+1)*xen.PageSize]
}

// unused returns the first of n unused consecutive pages, or -1.
func (r *ram) unused(n int) int {
	run := 0
	for i := range r.used {
		if r.used[i] || r.hole[i] {
			run = 0
			continue
		}
		if run++; run == n {
			return i - n + 1
		}
	}
	return -1
}

// AllocFrames returns n frames of the guest's RAM, of which a guest with a
// Config.Memory takes care itself.
func (m *Machine) AllocFrames(n int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n <= 0 || m.c.Memory != nil {
		return nil, fmt.Errorf("xentest: %d frames: not from here", n)
	}
	at := m.ram.unused(n)
	if at < 0 {
		return nil, fmt.Errorf("xentest: no %d consecutive frames left", n)
	}
	for i := at; i < at+n; i++ {
		m.ram.used[i] = true
	}
	b := m.ram.bytes[at*xen.PageSize : (at+n)*xen.PageSize : (at+n)*xen.PageSize]
	clear(b)
	return b, nil
}

// FreeFrames takes frames back. Freeing what another domain can still access
// is a violation.
func (m *Machine) FreeFrames(frames []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first, ok := m.ram.find(frames)
	if !ok {
		m.violation("freed memory that is no frame of RAM")
		return
	}
	for i := first; i < first+len(frames)/xen.PageSize; i++ {
		gfn := m.ram.gfn(i)
		if !m.ram.used[i] {
			m.violation("freed gfn %#x twice", gfn)
		}
		m.ram.used[i] = false
		if gfn == m.vcpuInfo {
			m.violation("freed gfn %#x while vcpu_info is there", gfn)
		}
		if ref, ok := m.grants.grantOf(gfn); ok {
			m.violation("freed gfn %#x while grant %d gives access to it", gfn, ref)
		}
	}
}

// GFN returns the frame number of p's page.
func (m *Machine) GFN(p []byte) (uint64, bool) {
	i, ok := m.ram.find(p)
	if !ok {
		return 0, false
	}
	return m.ram.gfn(i), true
}

// MapGFN returns the frame gfn.
func (m *Machine) MapGFN(gfn uint64, n int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n != 1 {
		return nil, fmt.Errorf("xentest: mapping %d frames at once", n)
	}
	p := m.page(gfn)
	if p == nil {
		return nil, fmt.Errorf("xentest: nothing at gfn %#x", gfn)
	}
	if m.c.PV {
		m.look(gfn, p)
	}
	return p, nil
}

// UnmapGFN ends a PV domain's mapping. Elsewhere there is nothing to do: what
// stands at a gfn is always visible.
func (m *Machine) UnmapGFN(frames []byte) error {
	if !m.c.PV {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lookAway(frames)
}

// page returns what stands at gfn. With mu held.
func (m *Machine) page(gfn uint64) []byte {
	if f, ok := m.p2m[gfn]; ok {
		return f.page
	}
	return m.ram.page(gfn)
}

// Hole returns n frame numbers outside RAM.
func (m *Machine) Hole(n int) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n <= 0 || m.ram.next+uint64(n) > holeEnd || m.c.PV || m.c.Memory != nil {
		return 0, fmt.Errorf("xentest: no hole of %d frames", n)
	}
	gfn := m.ram.next
	m.ram.next += uint64(n)
	return gfn, nil
}
