package handover

import (
	"fmt"
	"slices"

	"pvboot/loader/image"
)

// labels says which of a PV domain's pages, as the loader knows them, the
// target finds behind which address. Pages are not copied: two of them change
// places in the p2m list. All but a few stay where they are.
type labels struct {
	p2m   []uint64          // as the loader has it: machine frame by pfn
	moved map[uint64]uint64 // the target's pfn → the loader's, where they differ
}

// page is the loader's pfn of the target's page pfn.
func (l *labels) page(pfn uint64) uint64 {
	if old, ok := l.moved[pfn]; ok {
		return old
	}
	return pfn
}

// frame is the machine frame of the target's page pfn.
func (l *labels) frame(pfn uint64) uint64 { return l.p2m[l.page(pfn)] }

// swap lets two pages change places.
func (l *labels) swap(a, b uint64) {
	pa, pb := l.page(a), l.page(b)
	l.moved[a], l.moved[b] = pb, pa
}

// put has the machine frame of a ring end up at the target's page pfn.
func (l *labels) put(frame, pfn uint64) error {
	old := slices.Index(l.p2m, frame)
	if old < 0 {
		return fmt.Errorf("machine frame %#x is not in the p2m list", frame)
	}
	at := uint64(old)
	if l.page(at) != uint64(old) {
		for at = range l.moved {
			if l.moved[at] == uint64(old) {
				break
			}
		}
	}
	l.swap(at, pfn)
	return nil
}

// changed lists the target's pfns whose machine frame is not the one that the
// loader has there, in ascending order.
func (l *labels) changed() []uint64 {
	var list []uint64
	for pfn, old := range l.moved {
		if pfn != old {
			list = append(list, pfn)
		}
	}
	slices.Sort(list)
	return list
}

// relabel is what a schedule's moves and the places of the rings make of the
// p2m list. Every page that changes places must be one of the domain's.
func relabel(p2m []uint64, moves []image.Move, pv *image.PVPlan, store, console uint64) (*labels, error) {
	l := &labels{p2m: p2m, moved: map[uint64]uint64{}}
	for _, m := range moves {
		dst, src, n := m.Dst/pageSize, m.Src/pageSize, m.Size/pageSize
		if m.Dst%pageSize != 0 || m.Src%pageSize != 0 || m.Size%pageSize != 0 || max(dst, src)+n > uint64(len(p2m)) {
			return nil, fmt.Errorf("%d bytes at %#x and %#x: not pages of this domain", m.Size, m.Dst, m.Src)
		}
		for i := range n {
			l.swap(dst+i, src+i)
		}
	}
	for _, ring := range []struct {
		name        string
		frame, addr uint64
	}{{"xenstore", store, pv.Store}, {"console", console, pv.Console}} {
		if ring.addr == 0 {
			continue
		}
		if ring.addr/pageSize >= uint64(len(p2m)) {
			return nil, fmt.Errorf("%s ring at %#x: not a page of this domain", ring.name, ring.addr)
		}
		if err := l.put(ring.frame, ring.addr/pageSize); err != nil {
			return nil, fmt.Errorf("%s ring: %w", ring.name, err)
		}
	}
	for _, pfn := range l.changed() {
		if l.frame(pfn) == noFrame {
			return nil, fmt.Errorf("page %#x has no machine frame", pfn)
		}
	}
	return l, nil
}

// noFrame is an entry of a p2m list without a page (INVALID_P2M_ENTRY).
const noFrame = ^uint64(0)
