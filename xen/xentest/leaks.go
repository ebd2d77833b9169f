package xentest

import (
	"fmt"
	"maps"
	"slices"

	"pvboot/hypercall"
	"pvboot/internal/shm"
	"pvboot/xen/xenstore"
)

// firstCall takes the baseline when the guest starts.
func (m *Machine) firstCall() {
	m.mu.Lock()
	taken := m.baseline != nil
	m.mu.Unlock()
	if !taken {
		m.Baseline()
	}
}

// Baseline makes xenstore's present contents those that Leaks compares with.
// It is taken at the guest's first hypercall; a test whose backends are still
// getting ready then takes it again.
func (m *Machine) Baseline() {
	b := m.store.Dump()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.baseline = b
}

// Leaks says what the guest left that the next kernel, started in its place,
// would trip over, and what it did that it must not. Nothing is left when it
// returns nil.
func (m *Machine) Leaks() []string {
	left := slices.Concat(m.leftGrants(), m.leftFrames(), m.leftPorts(), m.leftStore())
	m.mu.Lock()
	defer m.mu.Unlock()
	return append(left, m.violations...)
}

func (m *Machine) leftGrants() (left []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := &m.grants
	for ref := hypercall.GrantReserved; ref < g.entries(); ref++ {
		off := ref * hypercall.GrantEntrySize
		if w := hypercall.GrantHead(shm.Load(g.table, off)); w != 0 {
			left = append(left, fmt.Sprintf("grant %d: flags %#x, gfn %#x", ref, w, shm.Load(g.table, off+4)))
		}
	}
	for ref, p := range g.pins {
		if ref >= hypercall.GrantReserved {
			left = append(left, fmt.Sprintf("grant %d: %d mappings in domain 0", ref, p.readers))
		}
	}
	slices.Sort(left)
	return left
}

func (m *Machine) leftFrames() (left []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, gfn := range m.mapped() {
		switch f := m.p2m[gfn]; f.kind {
		case frameGrant:
			left = append(left, fmt.Sprintf("grant frame %d mapped at gfn %#x", f.idx, gfn))
		case frameSharedInfo:
			left = append(left, fmt.Sprintf("shared_info mapped at gfn %#x", gfn))
		}
	}
	for i, hole := range m.ram.hole {
		if hole {
			left = append(left, fmt.Sprintf("hole in RAM at gfn %#x", m.ram.gfn(i)))
		}
	}
	if m.vcpuInfo != 0 {
		left = append(left, fmt.Sprintf("vcpu_info registered at gfn %#x", m.vcpuInfo))
	}
	if m.runstate != nil {
		left = append(left, "runstate area registered")
	}
	return left
}

// mapped lists the gfns, other than RAM's, at which the guest sees something.
// With mu held.
func (m *Machine) mapped() []uint64 {
	if !m.c.PV {
		return slices.Sorted(maps.Keys(m.p2m))
	}
	var gfns []uint64
	for _, v := range m.views {
		if _, ok := m.p2m[v.gfn]; ok {
			gfns = append(gfns, v.gfn)
		}
	}
	slices.Sort(gfns)
	return gfns
}

func (m *Machine) leftPorts() (left []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := range m.ports {
		if p := &m.ports[n]; p.state != hypercall.PortClosed && !p.toolstack {
			left = append(left, fmt.Sprintf("port %d to domain %d", n, p.remote))
		}
	}
	return left
}

// leftStore looks at the guest's connection to xenstore and at what changed in
// the store.
func (m *Machine) leftStore() (left []string) {
	s := m.store
	s.mu.Lock()
	for _, w := range s.guest.Watches() {
		left = append(left, "watch of "+w)
	}
	if n := s.guest.Transactions(); n > 0 {
		left = append(left, fmt.Sprintf("%d open transactions", n))
	}
	now := s.server.Dump()
	s.mu.Unlock()
	if !m.c.NoStore && !xenstore.Quiescent(m.StorePage()) {
		left = append(left, "xenstore ring not empty")
	}
	if state := shm.Load(m.StorePage(), storeConnection); state != 0 && !m.c.Dom0less {
		left = append(left, fmt.Sprintf("xenstore connection state %d", state))
	}
	m.mu.Lock()
	before := m.baseline
	m.mu.Unlock()
	return append(left, diff(before, now)...)
}

// diff lists how b differs from a, a nil a from nothing.
func diff(a, b map[string]string) (lines []string) {
	if a == nil {
		return nil
	}
	for _, k := range slices.Sorted(maps.Keys(a)) {
		if _, ok := b[k]; !ok {
			lines = append(lines, fmt.Sprintf("xenstore: %s is gone, was %q", k, a[k]))
		} else if b[k] != a[k] {
			lines = append(lines, fmt.Sprintf("xenstore: %s is %q, was %q", k, b[k], a[k]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[k]; !ok {
			lines = append(lines, fmt.Sprintf("xenstore: %s is new: %q", k, b[k]))
		}
	}
	return lines
}
