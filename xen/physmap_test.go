package xen_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pvboot/hypercall"
	"pvboot/internal/shm"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

// first is the frame number that a machine's Hole gives out first, far one
// that it does not come to.
const (
	first = 0xf0000
	far   = 0xf7000
)

func TestSharedInfo(t *testing.T) {
	for _, arm := range []bool{false, true} {
		t.Run(fmt.Sprintf("arm %v", arm), func(t *testing.T) {
			m, d := newDomain(t, xentest.Config{Arm: arm})
			place := uint64(first)
			if s := m.StartInfo(); s != nil {
				place = s.SharedInfo / xen.PageSize
			}
			i, err := d.MapSharedInfo()
			if err != nil {
				t.Fatal(err)
			}
			if i.GFN != place || len(i.Page) != xen.PageSize || shm.Load(i.Page, 0) != 0 || i.String() != fmt.Sprintf("shared_info at gfn %#x", place) {
				t.Errorf("%v, page of %d bytes", i, len(i.Page))
			}
			_, err = d.MapSharedInfo()
			var mapped *xen.MappedError
			if !errors.As(err, &mapped) || mapped.GFN != place || !errors.Is(err, hypercall.ErrBusy) ||
				!strings.Contains(err.Error(), fmt.Sprintf("shared_info: already mapped at gfn %#x: EBUSY", place)) {
				t.Errorf("second mapping: %v", err)
			}
			if left := m.Leaks(); len(left) != 1 { // the refused call has changed nothing
				t.Errorf("left while mapped: %q", left)
			}
			if err := errors.Join(i.Close(), i.Close()); err != nil {
				t.Error(err)
			}
			again, err := d.MapSharedInfo()
			if err != nil || again.GFN != place {
				t.Errorf("after close: %v, %v", again, err)
			}
			if err := i.Close(); err != nil { // not its mapping any more
				t.Error(err)
			}
			if left := m.Leaks(); len(left) != 1 {
				t.Errorf("left while mapped again: %q", left)
			}
			closeClean(t, m, d)
			if _, err := d.MapSharedInfo(); !errors.Is(err, xen.ErrClosed) {
				t.Errorf("after the domain's close: %v", err)
			}
			if m.StartInfo() != nil {
				return
			}
			// The next kernel, on either kind of machine.
			if err := hypercall.MemoryAddToPhysmap(m, hypercall.SpaceSharedInfo, 0, far); err != nil {
				t.Errorf("next kernel: %v", err)
			}
		})
	}
}

// What an earlier loader left mapped is taken away from where this domain maps
// its own frames, and told of where it lies elsewhere.
func TestPreviousLoader(t *testing.T) {
	add := func(space hypercall.MapSpace, idx, gfn uint64) func(*xentest.Machine) error {
		return func(m *xentest.Machine) error { return hypercall.MemoryAddToPhysmap(m, space, idx, gfn) }
	}
	grants := func(d *xen.Domain) error {
		_, err := d.AllocGrants(0, 600) // two frames
		return err
	}
	info := func(d *xen.Domain) error {
		_, err := d.MapSharedInfo()
		return err
	}
	for _, tt := range []struct {
		name string
		left []func(*xentest.Machine) error
		do   func(d *xen.Domain) error
		arm  string // the error there, none elsewhere
	}{
		{"grant frame at its place", []func(*xentest.Machine) error{add(hypercall.SpaceGrantTable, 0, first)}, grants, ""},
		{"grant frames in another order", []func(*xentest.Machine) error{
			add(hypercall.SpaceGrantTable, 0, first+1), add(hypercall.SpaceGrantTable, 1, first),
		}, grants, ""},
		{"grant frame at the region's end", []func(*xentest.Machine) error{add(hypercall.SpaceGrantTable, 0, first+63)}, grants, ""},
		{"the second frame behind the region", []func(*xentest.Machine) error{add(hypercall.SpaceGrantTable, 1, first+64)}, grants,
			"xen: 600 grants: grant frame 1: already mapped: the previous loader left it: XENMEM_add_to_physmap: EBUSY"},
		{"grant frame far away", []func(*xentest.Machine) error{add(hypercall.SpaceGrantTable, 0, far)}, grants,
			"xen: 600 grants: grant frame 0: already mapped: the previous loader left it: XENMEM_add_to_physmap: EBUSY"},
		{"shared_info at its place", []func(*xentest.Machine) error{add(hypercall.SpaceSharedInfo, 0, first)}, info, ""},
		{"shared_info far away", []func(*xentest.Machine) error{add(hypercall.SpaceSharedInfo, 0, far)}, info,
			"xen: shared_info: already mapped: the previous loader left it: XENMEM_add_to_physmap: EBUSY"},
	} {
		for _, arm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, arm %v", tt.name, arm), func(t *testing.T) {
				m, d := newDomain(t, xentest.Config{Arm: arm})
				for _, left := range tt.left {
					if err := left(m); err != nil {
						t.Fatal(err)
					}
				}
				err := tt.do(d)
				want := ""
				if arm {
					want = tt.arm
				}
				var mapped *xen.MappedError
				switch {
				case want == "" && err != nil:
					t.Error(err)
				case want != "" && (!errors.As(err, &mapped) || mapped.GFN != 0 || !errors.Is(err, hypercall.ErrBusy) || !strings.HasPrefix(err.Error(), want)):
					t.Errorf("%v, want %s", err, want)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
				if left := m.Leaks(); want == "" && len(left) > 0 {
					t.Errorf("left: %q", left)
				}
			})
		}
	}
}

// Where clearing the region is refused, both errors are told.
func TestPreviousLoaderCannotBeUndone(t *testing.T) {
	m, d := newDomain(t, xentest.Config{Arm: true, Call: func(op hypercall.Op, args []hypercall.Arg) (int64, bool) {
		return -int64(hypercall.ErrPerm), op == hypercall.OpMemory && args[0].Val() == hypercall.MemoryOpRemoveFromPhysmap
	}})
	if err := hypercall.MemoryAddToPhysmap(m, hypercall.SpaceGrantTable, 0, first); err != nil {
		t.Fatal(err)
	}
	_, err := d.AllocGrants(0, 1)
	if !errors.Is(err, hypercall.ErrBusy) || !errors.Is(err, hypercall.ErrPerm) || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
}

// Each grant frame must go: one that stays is told by its number, and can be
// removed later.
func TestEachGrantFrameIsChecked(t *testing.T) {
	const frames = 3
	for stuck := range uint64(frames) {
		refuse := true
		m, d := newDomain(t, xentest.Config{Arm: true, Call: func(op hypercall.Op, args []hypercall.Arg) (int64, bool) {
			if !refuse || op != hypercall.OpMemory || args[0].Val() != hypercall.MemoryOpRemoveFromPhysmap {
				return 0, false
			}
			a := (*hypercall.RemoveFromPhysmap)(args[1].Pointer())
			return -int64(hypercall.ErrBusy), a.GPFN == first+stuck
		}})
		if _, err := d.AllocGrants(0, frames*hypercall.GrantsPerFrame-hypercall.GrantReserved); err != nil {
			t.Fatal(err)
		}
		err := d.Close()
		var left *xen.LeftError
		want := fmt.Sprintf("grant frame %d at gfn %#x: XENMEM_remove_from_physmap: EBUSY", stuck, first+stuck)
		if !errors.As(err, &left) || len(left.Left) != 1 || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if leaks := m.Leaks(); len(leaks) != 1 || !strings.HasPrefix(leaks[0], fmt.Sprintf("grant frame %d mapped", stuck)) {
			t.Errorf("leaks: %q", leaks)
		}
		refuse = false
		closeClean(t, m, d)
	}
}

// blind is a machine whose frames the program cannot see for a while.
type blind struct {
	*xentest.Machine
	on bool
}

var errBlind = errors.New("out of page tables")

func (b *blind) MapGFN(gfn uint64, n int) ([]byte, error) {
	if b.on {
		return nil, errBlind
	}
	return b.Machine.MapGFN(gfn, n)
}

// A frame that Xen has mapped and the program cannot see is not forgotten.
func TestFrameThatCannotBeSeen(t *testing.T) {
	for _, again := range []bool{false, true} {
		m := xentest.New(xentest.Config{Arm: true, Pages: 256})
		defer m.Close()
		b := &blind{m, true}
		d, err := xen.New(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.AllocGrants(0, 1); !errors.Is(err, errBlind) {
			t.Errorf("grants: %v", err)
		}
		if _, err := d.MapSharedInfo(); !errors.Is(err, errBlind) {
			t.Errorf("shared_info: %v", err)
		}
		b.on = false
		if again {
			if _, err := d.AllocGrants(0, 1); err != nil {
				t.Errorf("grants once more: %v", err)
			}
			if _, err := d.MapSharedInfo(); err != nil {
				t.Errorf("shared_info once more: %v", err)
			}
		}
		closeClean(t, m, d)
	}
}
