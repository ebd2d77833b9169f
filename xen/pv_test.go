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

// pvMachine is a PV domain that can be told other things by its start_info, and
// whose page tables fail.
type pvMachine struct {
	*xentest.Machine
	start *xen.StartInfo
	blind bool
	stuck int // unmappings that fail
	tries int // attempts so far
}

func newPV(t *testing.T, c xentest.Config) *pvMachine {
	t.Helper()
	c.PV, c.Pages = true, 256
	m := xentest.New(c)
	t.Cleanup(m.Close)
	return &pvMachine{Machine: m, start: m.StartInfo()}
}

func (m *pvMachine) domain(t *testing.T) *xen.Domain {
	t.Helper()
	d, err := xen.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var errTables = errors.New("page tables are full")

func (m *pvMachine) StartInfo() *xen.StartInfo { return m.start }

func (m *pvMachine) MapGFN(gfn uint64, n int) ([]byte, error) {
	if m.blind {
		return nil, errTables
	}
	return m.Machine.MapGFN(gfn, n)
}

func (m *pvMachine) UnmapGFN(frames []byte) error {
	if m.tries++; m.tries <= m.stuck {
		return errTables
	}
	return m.Machine.UnmapGFN(frames)
}

// What start_info does not have, or has wrong, is told by the field's name.
func TestStartInfo(t *testing.T) {
	console := func(d *xen.Domain) error { _, err := d.Console(); return err }
	store := func(d *xen.Domain) error { _, err := d.Store(); return err }
	info := func(d *xen.Domain) error { _, err := d.MapSharedInfo(); return err }
	for _, tt := range []struct {
		name   string
		change func(s *xen.StartInfo)
		do     func(d *xen.Domain) error
		absent bool
		want   string
	}{
		{"no console", func(s *xen.StartInfo) { s.Console = xen.RingInfo{} }, console, true,
			"xen: start_info: console.domU.mfn is 0x0: not provided by the toolstack"},
		{"no console port", func(s *xen.StartInfo) { s.Console.Port = 0 }, console, true,
			"xen: start_info: console.domU.evtchn is 0x0: not provided by the toolstack"},
		{"no store", func(s *xen.StartInfo) { s.Store = xen.RingInfo{} }, store, true,
			"xen: start_info: store_mfn is 0x0: not provided by the toolstack"},
		{"store of all ones", func(s *xen.StartInfo) { s.Store.MFN = ^uint64(0) }, store, true,
			"xen: start_info: store_mfn is 0xffffffffffffffff: not provided by the toolstack"},
		{"port too large", func(s *xen.StartInfo) { s.Store.Port = 4096 }, store, false,
			"xen: start_info: store_evtchn is 0x1000: not a port"},
		{"store nowhere", func(s *xen.StartInfo) { s.Store.MFN = 0x1234 }, store, false,
			"xen: start_info: store_mfn 0x1234: xentest: nothing at gfn 0x1234"},
		{"no shared_info", func(s *xen.StartInfo) { s.SharedInfo = 0 }, info, false,
			"xen: start_info: shared_info at machine address 0x0: no page"},
		{"shared_info amid a page", func(s *xen.StartInfo) { s.SharedInfo += 8 }, info, false,
			"xen: start_info: shared_info at machine address 0x1c0003008: no page"},
		{"shared_info nowhere", func(s *xen.StartInfo) { s.SharedInfo = 0x5000 }, info, false,
			"xen: shared_info: xentest: nothing at gfn 0x5"},
	} {
		m := newPV(t, xentest.Config{})
		tt.change(m.start)
		d := m.domain(t)
		if err := tt.do(d); err == nil || err.Error() != tt.want || xen.IsAbsent(err) != tt.absent {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
		closeClean(t, m.Machine, d)
	}
	m := newPV(t, xentest.Config{})
	if _, err := m.domain(t).Param(hypercall.ParamCallbackIRQ); !errors.Is(err, hypercall.ErrInvalid) || !strings.Contains(err.Error(), "HVM_PARAM_CALLBACK_IRQ") {
		t.Errorf("a parameter that start_info has no field for: %v", err)
	}
}

// What stays mapped in a PV domain is told, by name, until it is unmapped.
func TestPVCloseSeesWhatIsMapped(t *testing.T) {
	for stuck := range 5 {
		m := newPV(t, xentest.Config{})
		d := m.domain(t)
		if _, err := d.AllocGrants(0, 3*hypercall.GrantsPerFrame-hypercall.GrantReserved); err != nil {
			t.Fatal(err)
		}
		if _, err := d.MapSharedInfo(); err != nil {
			t.Fatal(err)
		}
		m.stuck = stuck
		var left *xen.LeftError
		if err := d.Close(); errors.As(err, &left) != (stuck > 0) {
			t.Errorf("%d stuck: close: %v", stuck, err)
		}
		leaks := strings.Join(m.Leaks(), "; ")
		for i, name := range []string{"shared_info", "grant frame 2", "grant frame 1", "grant frame 0"} {
			wanted := i < stuck
			if told := left != nil && strings.Contains(left.Error(), name+" at gfn"); told != wanted {
				t.Errorf("%d stuck: %s told of: %v: %v", stuck, name, told, left)
			}
			if strings.Contains(leaks, name+" mapped") != wanted {
				t.Errorf("%d stuck: leaks: %s", stuck, leaks)
			}
		}
		m.stuck = 0
		closeClean(t, m.Machine, d)
	}
	m := newPV(t, xentest.Config{})
	d := m.domain(t)
	i, err := d.MapSharedInfo()
	if err != nil {
		t.Fatal(err)
	}
	d.Unregister(i)
	if err := d.Close(); err == nil || err.Error() != "xen: left behind: shared_info at gfn 0x1c0003 still mapped" {
		t.Errorf("shared_info that nobody unmaps: %v", err)
	}
	if leaks := fmt.Sprint(m.Leaks()); leaks != "[shared_info mapped at gfn 0x1c0003]" {
		t.Errorf("leaks: %s", leaks)
	}
}

// Frames that the page tables cannot hold are no loss.
func TestPVFrameThatCannotBeSeen(t *testing.T) {
	for _, again := range []bool{false, true} {
		m := newPV(t, xentest.Config{})
		m.blind = true
		d := m.domain(t)
		if _, err := d.AllocGrants(0, 1); !errors.Is(err, errTables) {
			t.Errorf("grants: %v", err)
		}
		if _, err := d.MapSharedInfo(); !errors.Is(err, errTables) {
			t.Errorf("shared_info: %v", err)
		}
		m.blind = false
		if again {
			if _, err := d.AllocGrants(0, 1); err != nil {
				t.Errorf("grants once more: %v", err)
			}
			if _, err := d.MapSharedInfo(); err != nil {
				t.Errorf("shared_info once more: %v", err)
			}
		}
		closeClean(t, m.Machine, d)
	}
}

// Xen within Xen (pvshim) knows no versions of the grant table.
func TestPVShim(t *testing.T) {
	m := newPV(t, xentest.Config{Call: func(op hypercall.Op, args []hypercall.Arg) (int64, bool) {
		if op != hypercall.OpGrantTable {
			return 0, false
		}
		cmd := args[0].Val()
		return -int64(hypercall.ErrNotSupported), cmd != hypercall.GnttabOpSetupTable && cmd != hypercall.GnttabOpQuerySize
	}})
	d := m.domain(t)
	frames, err := m.AllocFrames(2)
	if err != nil {
		t.Fatal(err)
	}
	g, err := d.GrantPages(0, frames, false)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Map(g.Ref(1), false)
	if err != nil {
		t.Fatal(err)
	}
	p.Page[5] = 3
	p.Unmap()
	if frames[xen.PageSize+5] != 3 {
		t.Error("another page granted")
	}
	closeClean(t, m.Machine, d)
}

// References outlive the table without harm.
func TestGrantsAfterClose(t *testing.T) {
	m, d := newDomain(t, xentest.Config{})
	g, err := d.AllocGrants(0, 2)
	if err != nil {
		t.Fatal(err)
	}
	d.Unregister(g)
	closeClean(t, m, d)
	if err := g.Permit(1, 0x100, false); !errors.Is(err, xen.ErrClosed) {
		t.Errorf("permit: %v", err)
	}
	if err := errors.Join(g.End(1), g.Close()); err != nil {
		t.Error(err)
	}
}

// The shared page holds a vcpu_info that can be left again.
func TestSharedVCPUInfo(t *testing.T) {
	m, d := newDomain(t, xentest.Config{})
	i, err := d.MapSharedInfo()
	if err != nil {
		t.Fatal(err)
	}
	for vcpu := range uint32(hypercall.LegacyMaxVCPUs) {
		b := i.VCPUInfo(vcpu)
		shm.Store(i.Page, int(vcpu)*hypercall.VCPUInfoSize+hypercall.VCPUInfoPendingSel, 7+vcpu)
		if len(b) != hypercall.VCPUInfoSize || shm.Load(b, hypercall.VCPUInfoPendingSel) != 7+vcpu {
			t.Errorf("vcpu %d: %d bytes", vcpu, len(b))
		}
	}
	for _, vcpu := range []uint32{hypercall.LegacyMaxVCPUs, 1 << 31, ^uint32(0)} {
		if b := i.VCPUInfo(vcpu); b != nil {
			t.Errorf("vcpu %d: %d bytes", vcpu, len(b))
		}
	}
	closeClean(t, m, d)
}
