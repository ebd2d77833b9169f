package xen_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"pvboot/hypercall"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

func TestGrantAccess(t *testing.T) {
	m, d := newDomain(t, xentest.Config{})
	frames, err := m.AllocFrames(2)
	if err != nil {
		t.Fatal(err)
	}
	gfn, _ := m.GFN(frames)
	g, err := d.AllocGrants(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Map(g.Ref(0), false); !errors.Is(err, hypercall.GrantBadRef) {
		t.Errorf("map before permit: %v", err)
	}
	for _, readOnly := range []bool{true, false} {
		if err := g.Permit(0, gfn, readOnly); err != nil {
			t.Fatal(err)
		}
		if err := g.Permit(0, gfn+1, readOnly); err == nil {
			t.Error("permit of an entry in use")
		}
		err := m.CopyTo(g.Ref(0), 4090, []byte("abcdef"))
		if readOnly && !errors.Is(err, hypercall.GrantGeneralError) || !readOnly && err != nil {
			t.Errorf("write, read-only %v: %v", readOnly, err)
		}
		p, err := m.Map(g.Ref(0), true)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.End(0); !errors.Is(err, xen.ErrGrantInUse) {
			t.Errorf("end while mapped: %v", err)
		}
		if err := g.Close(); !errors.Is(err, xen.ErrGrantInUse) || !errors.Is(err, xen.ErrTimeout) {
			t.Errorf("close while mapped: %v", err)
		}
		p.Unmap()
		if err := errors.Join(g.End(0), g.End(0)); err != nil {
			t.Errorf("end: %v", err)
		}
	}
	if string(frames[4090:4096]) != "abcdef" {
		t.Errorf("page ends with %q", frames[4090:4096])
	}
	if err := m.CopyFrom(g.Ref(0), 0, make([]byte, 1)); !errors.Is(err, hypercall.GrantBadRef) {
		t.Errorf("copy after end: %v", err)
	}
	if err := g.Permit(0, 1<<32, false); err == nil || !strings.Contains(err.Error(), "does not fit") {
		t.Errorf("frame of 33 bits: %v", err)
	}
	closeClean(t, m, d)
}

func TestGrantToOtherDomain(t *testing.T) {
	m, d := newDomain(t, xentest.Config{})
	frames, _ := m.AllocFrames(1)
	g, err := d.GrantPages(5, frames, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Map(g.Ref(0), false); !errors.Is(err, hypercall.GrantBadRef) {
		t.Errorf("domain 0 mapped a page for domain 5: %v", err)
	}
	closeClean(t, m, d)
}

func TestGrantPagesRefusesOtherMemory(t *testing.T) {
	m, d := newDomain(t, xentest.Config{})
	if _, err := d.GrantPages(0, make([]byte, 2*xen.PageSize), false); err == nil || !strings.Contains(err.Error(), "cannot be granted") {
		t.Error(err)
	}
	closeClean(t, m, d)
}

// TestGrantTableGrows takes all references that the table may hold, on both
// kinds of machine.
func TestGrantTableGrows(t *testing.T) {
	for _, arm := range []bool{false, true} {
		m, d := newDomain(t, xentest.Config{MaxGrantFrames: 3, Arm: arm})
		seen := map[xen.Ref]bool{}
		var sets []*xen.Grants
		for n := 0; n < 3*hypercall.GrantsPerFrame-hypercall.GrantReserved; {
			take := min(100, 3*hypercall.GrantsPerFrame-hypercall.GrantReserved-n)
			g, err := d.AllocGrants(0, take)
			if err != nil {
				t.Fatal(err)
			}
			for i := range take {
				ref := g.Ref(i)
				if ref < hypercall.GrantReserved || seen[ref] {
					t.Fatalf("reference %d", ref)
				}
				seen[ref] = true
			}
			n += take
			sets = append(sets, g)
		}
		if _, err := d.AllocGrants(0, 1); err == nil || !strings.Contains(err.Error(), "grant table is full: 3 frames") {
			t.Errorf("one too many: %v", err)
		}
		if err := sets[0].Close(); err != nil {
			t.Error(err)
		}
		if _, err := d.AllocGrants(0, 1); err != nil {
			t.Errorf("after a close: %v", err)
		}
		closeClean(t, m, d)
		if _, err := d.AllocGrants(0, 1); !errors.Is(err, xen.ErrClosed) {
			t.Errorf("grant after close: %v", err)
		}
	}
}

func TestAllocGrantsCounts(t *testing.T) {
	_, d := newDomain(t, xentest.Config{})
	for _, n := range []int{-1, 0, 1 << 30} {
		if _, err := d.AllocGrants(0, n); !errors.Is(err, hypercall.ErrInvalid) {
			t.Errorf("%d grants: %v", n, err)
		}
	}
}

// Grants of several goroutines do not get in each other's way, nor in a
// backend's that maps and unmaps meanwhile.
func TestGrantsAtOnce(t *testing.T) {
	m, d := newDomain(t, xentest.Config{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			frames, err := m.AllocFrames(8)
			if err != nil {
				t.Error(err)
				return
			}
			g, err := d.AllocGrants(0, 8)
			if err != nil {
				t.Error(err)
				return
			}
			for round := range 50 {
				for i := range 8 {
					gfn, _ := m.GFN(frames[i*xen.PageSize:])
					if err := g.Permit(i, gfn, false); err != nil {
						t.Error(err)
					}
					p, err := m.Map(g.Ref(i), false)
					if err != nil {
						t.Error(err)
						return
					}
					p.Page[0] = byte(round)
					p.Unmap()
					if frames[i*xen.PageSize] != byte(round) {
						t.Errorf("page %d is another one", i)
					}
					if err := g.End(i); err != nil {
						t.Error(err)
					}
				}
			}
			if err := g.Close(); err != nil {
				t.Error(err)
			}
			m.FreeFrames(frames)
		})
	}
	wg.Wait()
	closeClean(t, m, d)
}

func TestGrantTableRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		call func(op hypercall.Op, cmd uintptr) (int64, bool)
		want error
	}{
		{"no version", func(op hypercall.Op, cmd uintptr) (int64, bool) {
			return -int64(hypercall.ErrPerm), op == hypercall.OpGrantTable && cmd == hypercall.GnttabOpGetVersion
		}, hypercall.ErrPerm},
		{"no size", func(op hypercall.Op, cmd uintptr) (int64, bool) {
			return -int64(hypercall.ErrPerm), op == hypercall.OpGrantTable && cmd == hypercall.GnttabOpQuerySize
		}, hypercall.ErrPerm},
		{"frame mapped already", func(op hypercall.Op, cmd uintptr) (int64, bool) {
			return -int64(hypercall.ErrBusy), op == hypercall.OpMemory && cmd == hypercall.MemoryOpAddToPhysmap ||
				op == hypercall.OpGrantTable && cmd == hypercall.GnttabOpSetupTable
		}, hypercall.ErrBusy},
	} {
		m, d := newDomain(t, xentest.Config{Call: func(op hypercall.Op, args []hypercall.Arg) (int64, bool) {
			return tt.call(op, args[0].Val())
		}})
		if _, err := d.AllocGrants(0, 1); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		closeClean(t, m, d)
	}
}

func BenchmarkPermitEnd(b *testing.B) {
	m := xentest.New(xentest.Config{})
	defer m.Close()
	d, err := xen.New(m)
	if err != nil {
		b.Fatal(err)
	}
	g, err := d.AllocGrants(0, 1024)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i = (i + 1) % g.Len() {
		if err := g.Permit(i, 0x100, false); err != nil {
			b.Fatal(err)
		}
		if err := g.End(i); err != nil {
			b.Fatal(err)
		}
	}
}
