package xen_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pvboot/hypercall"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

func newDomain(t *testing.T, c xentest.Config) (*xentest.Machine, *xen.Domain) {
	t.Helper()
	if c.Pages == 0 {
		c.Pages = 256 // small, for bare metal
	}
	c.PV = pv && !c.Arm
	m := xentest.New(c)
	t.Cleanup(m.Close)
	d, err := xen.NewLimits(m, xen.Limits{Grant: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return m, d
}

func closeClean(t *testing.T, m *xentest.Machine, d *xen.Domain) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if left := m.Leaks(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestDiscovery(t *testing.T) {
	m, d := newDomain(t, xentest.Config{Major: 4, Minor: 20, Extra: ".1"})
	if v := d.Version(); v.String() != "4.20.1" || v.Minor != 20 {
		t.Errorf("version %v", v)
	}
	if d.HasFeature(hypercall.FeatureAutoTranslatedPhysmap) == pv || d.HasFeature(hypercall.FeatureDom0) || d.HasFeature(99) {
		t.Error("wrong features")
	}
	c, err := d.Console()
	if err != nil {
		t.Fatal(err)
	}
	if c.Port != m.ConsolePort() || &c.Page[0] != &m.ConsolePage()[0] {
		t.Errorf("console port %d", c.Port)
	}
	b, err := m.Bind(c.Port)
	if err != nil {
		t.Fatal(err)
	}
	<-b.Events() // from the binding
	if err := c.Notify(); err != nil {
		t.Error(err)
	}
	<-b.Events()
	closeClean(t, m, d)
}

func TestAbsentParameters(t *testing.T) {
	_, d := newDomain(t, xentest.Config{NoConsole: true, NoStore: true})
	_, err := d.Console()
	if !xen.IsAbsent(err) || !strings.Contains(err.Error(), "HVM_PARAM_CONSOLE_PFN is 0x0") {
		t.Errorf("console: %v", err)
	}
	_, err = d.Store()
	if !xen.IsAbsent(err) || !strings.Contains(err.Error(), "HVM_PARAM_STORE_PFN is 0xffffffffffffffff") {
		t.Errorf("store: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestBadParameters gives parameters that lead nowhere.
func TestBadParameters(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  map[hypercall.Param]uint64
		errs map[hypercall.Param]hypercall.Errno
		want string
	}{
		{"port too large", map[hypercall.Param]uint64{hypercall.ParamConsoleEvtchn: 4096}, nil, "0x1000: not a port"},
		{"port absent", map[hypercall.Param]uint64{hypercall.ParamConsoleEvtchn: 0}, nil, "HVM_PARAM_CONSOLE_EVTCHN is 0x0"},
		{"page nowhere", map[hypercall.Param]uint64{hypercall.ParamConsolePFN: 0x12345678}, nil, "nothing at gfn 0x12345678"},
		{"no such parameter", nil, map[hypercall.Param]hypercall.Errno{hypercall.ParamConsolePFN: hypercall.ErrInvalid}, "EINVAL"},
	} {
		_, d := newDomain(t, xentest.Config{Call: func(op hypercall.Op, args []hypercall.Arg) (int64, bool) {
			if op != hypercall.OpHVM {
				return 0, false
			}
			a := xentest.HVMParam(args)
			if e, ok := tt.errs[a.Index]; ok {
				return -int64(e), true
			}
			v, ok := tt.set[a.Index]
			if ok {
				a.Value = v
			}
			return 0, ok
		}})
		if _, err := d.Console(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestNoXen(t *testing.T) {
	m := xentest.New(xentest.Config{Call: func(hypercall.Op, []hypercall.Arg) (int64, bool) {
		return -int64(hypercall.ErrNoSys), true
	}})
	defer m.Close()
	if _, err := xen.New(m); !errors.Is(err, hypercall.ErrNoSys) || !strings.Contains(err.Error(), "no Xen below this program") {
		t.Error(err)
	}
}

func TestEventChannel(t *testing.T) {
	m, d := newDomain(t, xentest.Config{})
	c, err := d.AllocUnbound(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Notify(); err != nil { // nobody listens yet
		t.Error(err)
	}
	b, err := m.Bind(c.Port())
	if err != nil {
		t.Fatal(err)
	}
	<-b.Events()
	if err := c.Notify(); err != nil {
		t.Error(err)
	}
	<-b.Events()
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	if err := c.Notify(); !errors.Is(err, hypercall.ErrInvalid) {
		t.Errorf("notify after close: %v", err)
	}
	other, err := d.AllocUnbound(7)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Bind(other.Port()); !errors.Is(err, hypercall.ErrInvalid) {
		t.Errorf("domain 0 bound a port for domain 7: %v", err)
	}
	closeClean(t, m, d)
	if _, err := d.AllocUnbound(0); !errors.Is(err, xen.ErrClosed) {
		t.Errorf("port after close: %v", err)
	}
}

func TestEventChannelsRunOut(t *testing.T) {
	m, d := newDomain(t, xentest.Config{})
	var err error
	n := 0
	for ; err == nil; n++ {
		_, err = d.AllocUnbound(0)
	}
	if !errors.Is(err, hypercall.ErrNoSpace) || n != 4094 {
		t.Errorf("port %d: %v", n, err)
	}
	closeClean(t, m, d)
}

func TestShutdown(t *testing.T) {
	m, d := newDomain(t, xentest.Config{})
	if err := d.Shutdown(hypercall.ShutdownReboot); err != nil {
		t.Error(err)
	}
	if r, ok := m.ShutdownReason(); !ok || r != hypercall.ShutdownReboot {
		t.Errorf("reason %v, %v", r, ok)
	}
}
