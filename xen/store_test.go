package xen_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pvboot/hypercall"
	"pvboot/internal/shm"
	"pvboot/xen"
	"pvboot/xen/xenbus"
	"pvboot/xen/xentest"
)

// newLate makes a domain that Xen started without a toolstack.
func newLate(t *testing.T, c xentest.Config, l xen.Limits) (*xentest.Machine, *xen.Domain) {
	t.Helper()
	c.Dom0less, c.Arm, c.Pages = true, true, 256
	m := xentest.New(c)
	t.Cleanup(m.Close)
	d, err := xen.NewLimits(m, l)
	if err != nil {
		t.Fatal(err)
	}
	return m, d
}

// A domain's xenstore comes late, in one of the ways that Xen's versions have,
// and the domain waits for it.
func TestStoreComesLate(t *testing.T) {
	for _, tt := range []struct {
		name            string
		page, introduce time.Duration // negative: before the guest begins
	}{
		{"page, then daemon", 5 * time.Millisecond, 10 * time.Millisecond},
		{"page and daemon at once", 5 * time.Millisecond, 0},
		{"page from the start", -1, 10 * time.Millisecond},
		{"daemon comes first of all", -1, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, d := newLate(t, xentest.Config{StoreIndex: 0xfffffff0}, xen.Limits{})
			if tt.page < 0 {
				m.ProvideStore()
			}
			if tt.introduce < 0 {
				m.IntroduceStore()
				m.Sleep(0) // it was a while ago
			}
			toolstack := make(chan struct{})
			go func() {
				defer close(toolstack)
				if tt.page >= 0 {
					time.Sleep(tt.page)
					m.ProvideStore()
				}
				if tt.introduce >= 0 {
					time.Sleep(tt.introduce)
					m.IntroduceStore()
				}
			}()
			s, err := d.Store()
			<-toolstack
			if err != nil {
				t.Fatal(err)
			}
			if v, err := s.Read("name"); v != "guest" || err != nil {
				t.Errorf("name %q, %v", v, err)
			}
			if _, err := s.Watch("data"); err != nil {
				t.Error(err)
			}
			if _, err := d.Console(); !xen.IsAbsent(err) {
				t.Errorf("console: %v", err)
			}
			closeClean(t, m, d)
		})
	}
}

// What never comes is waited for once, and told by one line.
func TestStoreNeverComes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		page   bool
		absent bool
		want   string
	}{
		{"no page", false, true, "HVM_PARAM_STORE_PFN is 0xffffffffffffffff: not provided by the toolstack so far: timed out after 20ms"},
		{"no daemon", true, false, "xenstore: nobody serves the ring: connection state 1: timed out after"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, d := newLate(t, xentest.Config{}, xen.Limits{StoreReady: 20 * time.Millisecond})
			if tt.page {
				m.ProvideStore()
			}
			_, err := d.Store()
			if !errors.Is(err, xen.ErrTimeout) || xen.IsAbsent(err) != tt.absent || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
			if _, errs := xenbus.Devices(d, "vbd"); len(errs) != 1 || !strings.Contains(errs[0].Error(), tt.want[:30]) {
				t.Errorf("devices: %v", errs)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %q", err)
			}
			closeClean(t, m, d)
			if tt.page && shm.Load(m.StorePage(), 2068) != 1 {
				t.Error("the connection state is not the next kernel's to find any more")
			}
		})
	}
}

// After a wait in vain a call looks without waiting, and finds what has come.
func TestStoreAfterAll(t *testing.T) {
	m, _ := newLate(t, xentest.Config{}, xen.Limits{})
	d, err := xen.NewLimits(&sleeper{Machine: m}, xen.Limits{StoreReady: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	p := d.Platform().(*sleeper)
	if _, err := d.Store(); !errors.Is(err, xen.ErrTimeout) || !strings.HasSuffix(err.Error(), "after 5ms") {
		t.Fatal(err)
	}
	sleeps := p.naps
	if _, err := d.Store(); !errors.Is(err, xen.ErrTimeout) || p.naps != sleeps || !strings.HasSuffix(err.Error(), "after 0s") {
		t.Errorf("%v after %d sleeps more", err, p.naps-sleeps)
	}
	m.ProvideStore()
	m.IntroduceStore()
	s, err := d.Store()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read("name"); err != nil {
		t.Error(err)
	}
	closeClean(t, m, d)
}

// A domain that ends while its store is awaited does not wait on.
func TestCloseEndsTheWaitForTheStore(t *testing.T) {
	_, d := newLate(t, xentest.Config{}, xen.Limits{StoreReady: time.Hour})
	result := make(chan error)
	go func() {
		_, err := d.Store()
		result <- err
	}()
	time.Sleep(2 * time.Millisecond)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-result; err == nil {
		t.Error("a store after Close")
	}
}

// A page number of all ones without a port is no promise of a store, and one
// that turns into nonsense is refused.
func TestStoreIsNotPromised(t *testing.T) {
	for _, tt := range []struct {
		name string
		pfn  []uint64 // the parameter's values, the last one for good
		port uint64
		want string
	}{
		{"no port", []uint64{^uint64(0)}, 0, "HVM_PARAM_STORE_PFN is 0xffffffffffffffff: not provided by the toolstack"},
		{"port of all ones", []uint64{^uint64(0)}, ^uint64(0), "HVM_PARAM_STORE_PFN is 0xffffffffffffffff: not provided"},
		{"port out of range", []uint64{^uint64(0)}, 5000, "HVM_PARAM_STORE_PFN is 0xffffffffffffffff: not provided"},
		{"neither", []uint64{0}, 0, "HVM_PARAM_STORE_PFN is 0x0: not provided"},
		{"taken back", []uint64{^uint64(0), ^uint64(0), 0}, 1, "HVM_PARAM_STORE_PFN is 0x0: not provided"},
		{"page nowhere", []uint64{^uint64(0), ^uint64(0), 0x12345678}, 1, "nothing at gfn 0x12345678"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			_, d := newLate(t, xentest.Config{Call: func(op hypercall.Op, args []hypercall.Arg) (int64, bool) {
				if op != hypercall.OpHVM {
					return 0, false
				}
				switch a := xentest.HVMParam(args); a.Index {
				case hypercall.ParamStorePFN:
					a.Value = tt.pfn[min(asked, len(tt.pfn)-1)]
					asked++
				case hypercall.ParamStoreEvtchn:
					a.Value = tt.port
				}
				return 0, true
			}}, xen.Limits{StoreReady: time.Hour})
			if _, err := d.Store(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}
