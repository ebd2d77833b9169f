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

// ram is the guest's memory and who uses it.
type ram struct {
	bytes []byte
	used  []bool // by AllocFrames
	hole  []bool // taken out of the p2m
	next  uint64 // first gfn that Hole has not given out
}

func newRAM(pages int) ram {
	return ram{bytes: alignedPages(pages), used: make([]bool, pages), hole: make([]bool, pages), next: holeBase}
}

// page returns the RAM at gfn, nil where there is none.
func (r *ram) page(gfn uint64) []byte {
	i := gfn - ramBase
	if i >= uint64(len(r.used)) || r.hole[i] {
		return nil
	}
	return r.bytes[i*xen.PageSize : (i+1)*xen.PageSize]
}

// find returns the first of n unused consecutive pages, or -1.
func (r *ram) find(n int) int {
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

// AllocFrames returns n frames of the guest's RAM.
func (m *Machine) AllocFrames(n int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n <= 0 {
		return nil, fmt.Errorf("xentest: %d frames", n)
	}
	at := m.ram.find(n)
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
	first, ok := m.gfn(frames)
	if !ok {
		m.violation("freed memory that is no frame of RAM")
		return
	}
	for i := range uint64(len(frames) / xen.PageSize) {
		gfn := first + i
		if !m.ram.used[gfn-ramBase] {
			m.violation("freed gfn %#x twice", gfn)
		}
		m.ram.used[gfn-ramBase] = false
		if ref, ok := m.grants.grantOf(gfn); ok {
			m.violation("freed gfn %#x while grant %d gives access to it", gfn, ref)
		}
	}
}

// GFN returns the frame number of p's page.
func (m *Machine) GFN(p []byte) (uint64, bool) { return m.gfn(p) }

// MapGFN returns the n frames from gfn on.
func (m *Machine) MapGFN(gfn uint64, n int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n != 1 {
		return nil, fmt.Errorf("xentest: mapping %d frames at once", n)
	}
	if p := m.page(gfn); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("xentest: nothing at gfn %#x", gfn)
}

// UnmapGFN has nothing to do: what stands at a gfn is always visible.
func (m *Machine) UnmapGFN([]byte) error { return nil }

// StartInfo is nil: this is no PV domain.
func (m *Machine) StartInfo() *xen.StartInfo { return nil }

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
	if n <= 0 || m.ram.next+uint64(n) > holeEnd {
		return 0, fmt.Errorf("xentest: no hole of %d frames", n)
	}
	gfn := m.ram.next
	m.ram.next += uint64(n)
	return gfn, nil
}
