package xen_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pvboot/hypercall"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

// holder is a resource that notes its closing.
type holder struct {
	name string
	log  *[]string
	err  error
}

func (h *holder) Close() error   { *h.log = append(*h.log, h.name); return h.err }
func (h *holder) String() string { return h.name }

func TestCloseGoesBackwards(t *testing.T) {
	m, d := newDomain(t, xentest.Config{})
	var log []string
	bad := errors.New("stuck")
	a, b, c := &holder{"a", &log, nil}, &holder{"b", &log, bad}, &holder{"c", &log, nil}
	d.Register(a)
	d.Register(b)
	d.Register(c)
	d.Unregister(c)
	d.Register(c)
	d.Unregister(a)
	d.Unregister(a)
	err := d.Close()
	if fmt.Sprint(log) != "[c b]" {
		t.Errorf("closed in the order %v", log)
	}
	if !errors.Is(err, bad) || err.Error() != "xen: left behind: b: stuck" {
		t.Errorf("error %v", err)
	}
	if left := m.Leaks(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestCloseSeesWhatIsLeft holds the negative controls of Close's checks: each
// case leaves one thing behind, and both Close and the machine must say so.
func TestCloseSeesWhatIsLeft(t *testing.T) {
	removeFails := func(ret hypercall.Errno) func(hypercall.Op, []hypercall.Arg) (int64, bool) {
		return func(op hypercall.Op, args []hypercall.Arg) (int64, bool) {
			return -int64(ret), op == hypercall.OpMemory && args[0].Val() == hypercall.MemoryOpRemoveFromPhysmap
		}
	}
	grant := func(t *testing.T, m *xentest.Machine, d *xen.Domain) *xen.Grants {
		frames, err := m.AllocFrames(6)
		if err != nil {
			t.Fatal(err)
		}
		g, err := d.GrantPages(0, frames, false)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	shared := func(forget bool) func(t *testing.T, m *xentest.Machine, d *xen.Domain) {
		return func(t *testing.T, m *xentest.Machine, d *xen.Domain) {
			i, err := d.MapSharedInfo()
			if err != nil {
				t.Fatal(err)
			}
			if forget {
				d.Unregister(i)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		config xentest.Config
		leave  func(t *testing.T, m *xentest.Machine, d *xen.Domain)
		want   []string // in Close's error
		leak   string   // in the machine's list
	}{
		{"grants that nobody ends", xentest.Config{}, func(t *testing.T, m *xentest.Machine, d *xen.Domain) {
			d.Unregister(grant(t, m, d))
		}, []string{"to domain 0 still live", "2 more grants still live"}, "flags 0x1"},
		{"a grant that the backend maps", xentest.Config{}, func(t *testing.T, m *xentest.Machine, d *xen.Domain) {
			if _, err := m.Map(grant(t, m, d).Ref(2), false); err != nil {
				t.Fatal(err)
			}
		}, []string{"6 grants to domain 0", "still in use by the other domain", "still live"}, "1 mappings in domain 0"},
		{"a port", xentest.Config{}, func(t *testing.T, m *xentest.Machine, d *xen.Domain) {
			c, err := d.AllocUnbound(0)
			if err != nil {
				t.Fatal(err)
			}
			d.Unregister(c)
		}, []string{"port 3 to domain 0 still open"}, "port 3 to domain 0"},
		{"a grant frame, removal refused", xentest.Config{Call: removeFails(hypercall.ErrBusy)},
			func(t *testing.T, m *xentest.Machine, d *xen.Domain) { grant(t, m, d) },
			[]string{"grant frame 0 at gfn", "EBUSY"}, "grant frame 0 mapped"},
		{"a grant frame, removal without effect", xentest.Config{Call: removeFails(0)},
			func(t *testing.T, m *xentest.Machine, d *xen.Domain) { grant(t, m, d) },
			[]string{"still mapped after removal"}, "grant frame 0 mapped"},
		{"shared_info that nobody unmaps", xentest.Config{Arm: true}, shared(true),
			[]string{"shared_info at gfn 0xf0000 still mapped"}, "shared_info mapped at gfn 0xf0000"},
		{"shared_info that nobody unmaps, x86", xentest.Config{}, shared(true),
			[]string{"shared_info at gfn 0xf0000 still mapped"}, "shared_info mapped at gfn 0xf0000"},
		{"shared_info, removal refused", xentest.Config{Arm: true, Call: removeFails(hypercall.ErrBusy)}, shared(false),
			[]string{"shared_info at gfn 0xf0000: xen: shared_info: XENMEM_remove_from_physmap: EBUSY", "shared_info at gfn 0xf0000 still mapped"}, "shared_info mapped"},
		{"shared_info, removal without effect", xentest.Config{Arm: true, Call: removeFails(0)}, shared(false),
			[]string{"shared_info: still mapped after removal"}, "shared_info mapped"},
		{"a xenstore request", xentest.Config{NoReconnect: true}, func(t *testing.T, m *xentest.Machine, d *xen.Domain) {
			s, err := d.Store()
			if err != nil {
				t.Fatal(err)
			}
			m.Store().Hold(true)
			if _, err := s.Read("name"); !errors.Is(err, xen.ErrTimeout) {
				t.Fatal(err)
			}
		}, []string{"xenstore: close", "timed out"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.Pages = 256
			m := xentest.New(tt.config)
			defer m.Close()
			d, err := xen.NewLimits(m, xen.Limits{Store: 50 * time.Millisecond, Grant: 10 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			tt.leave(t, m, d)
			err = d.Close()
			var left *xen.LeftError
			if !errors.As(err, &left) {
				t.Fatalf("close: %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("close: %v, want %s", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %q", err)
			}
			if leaks := strings.Join(m.Leaks(), "; "); tt.leak != "" && !strings.Contains(leaks, tt.leak) {
				t.Errorf("leaks: %s, want %s", leaks, tt.leak)
			}
		})
	}
}

// What was in use at the first Close and is not any more passes the second.
func TestCloseTriesAgain(t *testing.T) {
	m, d := newDomain(t, xentest.Config{})
	frames, _ := m.AllocFrames(1)
	g, err := d.GrantPages(0, frames, true)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Map(g.Ref(0), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); !errors.Is(err, xen.ErrGrantInUse) {
		t.Errorf("close: %v", err)
	}
	p.Unmap()
	closeClean(t, m, d)
}

// A domain on Arm must unmap its grant frames, or the next kernel cannot map
// them: the machine plays that kernel.
func TestNextKernelMapsGrants(t *testing.T) {
	m, d := newDomain(t, xentest.Config{Arm: true})
	if _, err := d.AllocGrants(0, 600); err != nil {
		t.Fatal(err)
	}
	if err := hypercall.MemoryAddToPhysmap(m, hypercall.SpaceGrantTable, 0, 0xf7fff); !errors.Is(err, hypercall.ErrBusy) {
		t.Errorf("second mapping: %v", err)
	}
	closeClean(t, m, d)
	for i := range uint64(2) {
		if err := hypercall.MemoryAddToPhysmap(m, hypercall.SpaceGrantTable, i, 0xf7ff0+i); err != nil {
			t.Errorf("next kernel: frame %d: %v", i, err)
		}
	}
}

// A second domain on the same ground finds everything as the first one did: so
// does a loader that was refused a boot, and so does the next kernel.
func TestDomainAfterDomain(t *testing.T) {
	for _, arm := range []bool{false, true} {
		m := xentest.New(xentest.Config{Pages: 256, StoreIndex: 0xffffffc0, Arm: arm, PV: pv && !arm})
		defer m.Close()
		for range 10 {
			useAll(t, m)
		}
	}
}

// useAll begins a domain, acquires something of each kind and closes it.
func useAll(t *testing.T, m *xentest.Machine) {
	t.Helper()
	d, err := xen.New(m)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Store()
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.Read("name"); v != "guest" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	if _, err := s.Watch("data"); err != nil {
		t.Error(err)
	}
	frames, err := m.AllocFrames(3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.GrantPages(0, frames, false); err != nil {
		t.Error(err)
	}
	if _, err := d.AllocGrants(0, hypercall.GrantsPerFrame); err != nil {
		t.Error(err)
	}
	if _, err := d.AllocUnbound(0); err != nil {
		t.Error(err)
	}
	if _, err := d.MapSharedInfo(); err != nil {
		t.Error(err)
	}
	closeClean(t, m, d)
	m.FreeFrames(frames)
}
