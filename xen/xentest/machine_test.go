package xentest_test

import (
	"testing"

	"pvboot/xen"
	"pvboot/xen/xenbus"
	"pvboot/xen/xentest"
)

func TestMachineLifecycle(t *testing.T) {
	m := xentest.New(xentest.Config{})
	defer m.Close()
	m.AddDevice("vbd", 51712, nil, nil)
	d, err := xen.New(m)
	if err != nil {
		t.Fatal(err)
	}
	devs, errs := xenbus.Devices(d, "vbd")
	if len(errs) > 0 || len(devs) != 1 {
		t.Fatal(devs, errs)
	}
	f, err := m.AllocFrames(2)
	if err != nil {
		t.Fatal(err)
	}
	g, err := d.GrantPages(0, f, false)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Map(g.Ref(1), false)
	if err != nil {
		t.Fatal(err)
	}
	p.Page[3] = 7
	p.Unmap()
	if f[4096+3] != 7 {
		t.Error("mapping is not the guest's page")
	}
	if _, err := d.AllocUnbound(0); err != nil {
		t.Fatal(err)
	}
	if l := m.Leaks(); len(l) == 0 {
		t.Error("nothing left while all is in use")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if l := m.Leaks(); len(l) > 0 {
		t.Error(l)
	}
}
