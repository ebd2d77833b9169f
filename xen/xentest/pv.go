package xentest

import (
	"fmt"
	"math/rand/v2"

	"pvboot/hypercall"
	"pvboot/xen"
)

// Machine frames of a PV domain. Its RAM lies scattered: no frame's number is
// what its place would suggest, and no two that stand together follow each
// other, so that whoever takes the one for the other is found out.
const (
	pvRAMBase     = 0x200000
	storeMFN      = 0x1e0010
	consoleMFN    = 0x1e0007
	sharedInfoMFN = 0x1c0003
	grantMFN      = 0x1d0000 // of the table's last frame, and then downwards
)

// scatter gives n pages their machine frames.
func scatter(n int) (mfns []uint64, places map[uint64]int) {
	mfns, places = make([]uint64, n), make(map[uint64]int, n)
	for i, at := range rand.New(rand.NewPCG(4, uint64(n))).Perm(n) {
		mfns[i] = pvRAMBase + 3*uint64(at)
		places[mfns[i]] = i
	}
	return mfns, places
}

// showGrantFrames makes the frames that the grant table has mappable. With mu
// held.
func (m *Machine) showGrantFrames() {
	for i := range m.grants.size {
		mfn := uint64(grantMFN + 5*(m.grants.limit-i))
		m.p2m[mfn] = frame{kind: frameGrant, idx: i, page: m.grants.table[i*xen.PageSize : (i+1)*xen.PageSize]}
	}
}

// StartInfo is what a PV domain is told; nil for others.
func (m *Machine) StartInfo() *xen.StartInfo {
	if !m.c.PV {
		return nil
	}
	s := &xen.StartInfo{
		SharedInfo: sharedInfoMFN * xen.PageSize,
		Store:      xen.RingInfo{MFN: storeMFN, Port: storePort},
		Console:    xen.RingInfo{MFN: consoleMFN, Port: consolePort},
	}
	if m.c.NoStore {
		s.Store = xen.RingInfo{}
	}
	if m.c.NoConsole {
		s.Console = xen.RingInfo{}
	}
	return s
}

// view counts a PV domain's mappings of a frame.
type view struct {
	gfn uint64
	n   int
}

// look counts one mapping of a frame. With mu held.
func (m *Machine) look(gfn uint64, page []byte) {
	v := m.views[&page[0]]
	if v == nil {
		v = &view{gfn: gfn}
		m.views[&page[0]] = v
	}
	v.n++
}

// lookAway takes one mapping back. With mu held.
func (m *Machine) lookAway(frames []byte) error {
	if len(frames) == 0 || m.views[&frames[0]] == nil {
		m.violation("unmapped what was not mapped")
		return fmt.Errorf("xentest: unmap: %w", hypercall.ErrInvalid)
	}
	if v := m.views[&frames[0]]; v.n > 1 {
		v.n--
	} else {
		delete(m.views, &frames[0])
	}
	return nil
}
