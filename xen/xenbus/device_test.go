package xenbus_test

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"strings"
	"testing"
	"time"

	"pvboot/xen"
	"pvboot/xen/xenbus"
	"pvboot/xen/xentest"
)

const patient = 30 * time.Second

func newDomain(t *testing.T) (*xentest.Machine, *xen.Domain) {
	t.Helper()
	m := xentest.New(xentest.Config{Pages: 256, PV: pv})
	t.Cleanup(m.Close)
	d, err := xen.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return m, d
}

// backend answers each state of the frontend's with one of its own, as long as
// answers has one.
func backend(m *xentest.Machine, p xentest.Paths, start xenbus.State, answers map[string]xenbus.State) {
	set := func(s xenbus.State) { m.Store().Write(p.Backend+"/state", fmt.Sprint(int(s))) }
	set(start)
	w := m.Store().Watch(p.Frontend + "/state")
	m.Go(func(stop <-chan struct{}) {
		defer w.Close()
		last := ""
		for {
			select {
			case <-stop:
				return
			case <-w.Events():
			}
			now, _ := m.Store().Read(p.Frontend + "/state")
			if s, ok := answers[now]; ok && now != last {
				set(s)
			}
			last = now
		}
	})
}

// polite are the answers of a backend such as Linux's blkback.
var polite = map[string]xenbus.State{
	"3": xenbus.Connected, "5": xenbus.Closing, "6": xenbus.Closed,
}

func TestLife(t *testing.T) {
	m, d := newDomain(t)
	p := m.AddDevice("vbd", 51712, map[string]string{"device-type": "disk"}, map[string]string{"sectors": "1234"})
	answers := map[string]xenbus.State{"1": xenbus.InitWait}
	for k, v := range polite {
		answers[k] = v
	}
	backend(m, p, xenbus.InitWait, answers)
	m.Baseline()

	devs, errs := xenbus.Devices(d, "vbd")
	if len(devs) != 1 || len(errs) != 0 {
		t.Fatal(devs, errs)
	}
	dev := devs[0]
	if dev.String() != "vbd/51712" || dev.Backend != p.Backend || dev.Remote != 0 || dev.Domain() != d {
		t.Errorf("%+v", dev)
	}
	if v, err := dev.FrontendKey("device-type"); v != "disk" || err != nil {
		t.Errorf("device-type %q, %v", v, err)
	}
	if v, err := dev.BackendUint("sectors", 64); v != 1234 || err != nil {
		t.Errorf("sectors %d, %v", v, err)
	}
	if keys, err := dev.BackendKeys("sectors", "none", "online"); len(keys) != 2 || keys["sectors"] != "1234" || err != nil {
		t.Errorf("keys %v, %v", keys, err)
	}
	if v, err := dev.BackendUintOr("feature-none", 1, 7); v != 7 || err != nil {
		t.Errorf("missing key %d, %v", v, err)
	}
	var sectors, none uint64
	if err := dev.BackendUints(
		xenbus.Number{Key: "sectors", Bits: 64, Needed: true, Value: &sectors},
		xenbus.Number{Key: "feature-none", Bits: 1, Missing: 7, Value: &none},
	); sectors != 1234 || none != 7 || err != nil {
		t.Errorf("numbers %d and %d, %v", sectors, none, err)
	}
	if err := dev.BackendUints(xenbus.Number{Key: "none", Bits: 64, Needed: true, Value: &none}); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("missing number: %v", err)
	}
	const narrow = `xenbus: vbd/51712: /local/domain/0/backend/vbd/1/51712/sectors: "1234" is not a number of 8 bits`
	if err := dev.BackendUints(xenbus.Number{Key: "sectors", Bits: 8, Value: &none}); err == nil || err.Error() != narrow {
		t.Errorf("error %v, want %s", err, narrow)
	}
	if _, err := dev.BackendKey("none"); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("missing key: %v", err)
	}
	for range 2 { // the second time plays the next kernel
		if s, err := dev.WaitBackend(patient, xenbus.InitWait); s != xenbus.InitWait || err != nil {
			t.Fatal(s, err)
		}
		err := dev.Publish(xenbus.Initialised, xenbus.Pair{Key: "ring-ref", Value: "8"}, xenbus.Pair{Key: "event-channel", Value: "3"})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := dev.WaitBackend(patient, xenbus.Connected); err != nil {
			t.Fatal(s, err)
		}
		if err := dev.SetState(xenbus.Connected); err != nil {
			t.Fatal(err)
		}
		if s, err := dev.State(); s != xenbus.Connected || err != nil {
			t.Errorf("own state %v, %v", s, err)
		}
		if err := dev.Disconnect(patient); err != nil {
			t.Fatal(err)
		}
		if err := dev.Reset(patient, "ring-ref", "event-channel", "never-written"); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if left := m.Leaks(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestDevicesLooksAtAll(t *testing.T) {
	m, d := newDomain(t)
	if devs, errs := xenbus.Devices(d, "vbd"); len(devs) != 0 || len(errs) != 0 {
		t.Errorf("none: %v, %v", devs, errs)
	}
	for _, id := range []int{51728, 768, 51712, 268435456} {
		m.AddDevice("vbd", id, nil, nil)
	}
	m.AddDevice("vif", 0, nil, nil)
	home := "/local/domain/1/device/vbd/"
	m.AddDevice("vbd", 1, map[string]string{"backend-id": "70000"}, nil)
	m.AddDevice("vbd", 2, map[string]string{"backend": "somewhere"}, nil)
	m.AddDevice("vbd", 3, map[string]string{"backend-id": "x"}, nil)
	for _, err := range []error{
		m.Store().Mkdir(home + "notanumber"),
		m.Store().Mkdir(home + "-5"),
		m.Store().Mkdir(home + "99999999999"),
		m.Store().Mkdir(home + "4"), // no keys
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	devs, errs := xenbus.Devices(d, "vbd")
	if got := fmt.Sprint(devs); got != "[vbd/768 vbd/51712 vbd/51728 vbd/268435456]" {
		t.Errorf("devices %s", got)
	}
	if len(errs) != 7 {
		t.Errorf("%d errors: %v", len(errs), errs)
	}
	all := fmt.Sprint(errs)
	for _, want := range []string{`"70000" is not a number of 16 bits`, `backend "somewhere" is not an absolute path`,
		"device/vbd/notanumber: not a device number", "device/vbd/-5: not", "device/vbd/99999999999: not", "device/vbd/4: "} {
		if !strings.Contains(all, want) {
			t.Errorf("errors %v, want %s", errs, want)
		}
	}
}

func TestNoStore(t *testing.T) {
	m := xentest.New(xentest.Config{NoStore: true, PV: pv})
	defer m.Close()
	d, err := xen.New(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, errs := xenbus.Devices(d, "vbd"); len(errs) != 1 || !xen.IsAbsent(errs[0]) {
		t.Error(errs)
	}
}

// TestOddBackends waits for backends that do not do as they should.
func TestOddBackends(t *testing.T) {
	for _, tt := range []struct {
		name    string
		start   xenbus.State
		answers map[string]xenbus.State
		limit   time.Duration
		want    error
		text    string
	}{
		{"never answers", xenbus.InitWait, nil, 20 * time.Millisecond, xen.ErrTimeout,
			"xenbus: vbd/1: backend is InitWait, waiting for [Connected]"},
		{"closes instead", xenbus.InitWait, map[string]xenbus.State{"3": xenbus.Closing}, patient, xenbus.ErrBackendGone,
			"backend is Closing"},
		{"closes at once", xenbus.InitWait, map[string]xenbus.State{"3": xenbus.Closed}, 20 * time.Millisecond, nil,
			"backend is Closed"},
		{"unheard-of state", xenbus.InitWait, map[string]xenbus.State{"3": 77}, 20 * time.Millisecond, xen.ErrTimeout,
			"backend is state 77"},
		{"state too large", xenbus.InitWait, map[string]xenbus.State{"3": 1000}, patient, nil,
			`"1000" is not a number of 8 bits`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, d := newDomain(t)
			p := m.AddDevice("vbd", 1, nil, nil)
			backend(m, p, tt.start, tt.answers)
			devs, errs := xenbus.Devices(d, "vbd")
			if len(devs) != 1 {
				t.Fatal(errs)
			}
			if err := devs[0].Publish(xenbus.Initialised); err != nil {
				t.Fatal(err)
			}
			_, err := devs[0].WaitBackend(tt.limit, xenbus.Connected)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v, want %s", err, tt.text)
			}
			var se *xenbus.StateError
			if tt.want != nil && !errors.As(err, &se) {
				t.Errorf("%T", err)
			}
			if err := d.Close(); err != nil { // no watch is left
				t.Error(err)
			}
		})
	}
}

// A backend whose directory goes away while it is waited for ends the wait.
func TestBackendRemoved(t *testing.T) {
	m, d := newDomain(t)
	p := m.AddDevice("vbd", 1, nil, nil)
	backend(m, p, xenbus.InitWait, nil)
	devs, _ := xenbus.Devices(d, "vbd")
	if len(devs) != 1 {
		t.Fatal(devs)
	}
	time.AfterFunc(10*time.Millisecond, func() { m.Store().Rm(p.Backend) })
	if _, err := devs[0].WaitBackend(patient, xenbus.Connected); !errors.Is(err, xenbus.ErrBackendGone) && !errors.Is(err, iofs.ErrPermission) {
		t.Error(err)
	}
}

func TestReset(t *testing.T) {
	m, d := newDomain(t)
	p := m.AddDevice("vbd", 1, nil, nil)
	backend(m, p, xenbus.Connected, polite) // never goes back to InitWait
	devs, _ := xenbus.Devices(d, "vbd")
	if len(devs) != 1 {
		t.Fatal(devs)
	}
	if err := devs[0].Disconnect(patient); err != nil {
		t.Fatal(err)
	}
	if err := devs[0].Reset(20 * time.Millisecond); !errors.Is(err, xen.ErrTimeout) {
		t.Error(err)
	}
}
