package blkfront_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pvboot/blkfront"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

func TestDevices(t *testing.T) {
	m := xentest.New(xentest.Config{})
	defer m.Close()
	add := func(id int, virtual, kind, mode string) {
		front := map[string]string{"virtual-device": virtual, "device-type": kind}
		back := map[string]string{"mode": mode}
		if virtual == "" {
			front = map[string]string{"virtual-device-ext": fmt.Sprint(id)}
			back = nil
		}
		m.AddDevice("vbd", id, front, back)
	}
	add(51728, "51728", "disk", "w")
	add(51712, "51712", "disk", "r")
	add(51714, "51714", "disk", "w")
	add(51760, "51760", "cdrom", "r")
	add(268439552, "", "", "") // xvdq by virtual-device-ext
	add(2048, "2048", "disk", "w")
	add(5632, "5632", "cdrom", "w")
	add(999, "999", "disk", "w")
	add(51744, "-3", "disk", "w")
	add(51776, "0x300", "disk", "w")
	m.AddDevice("vbd", 51792, map[string]string{"virtual-device": "51792", "backend": "nowhere"}, nil)
	m.AddDevice("vif", 0, nil, nil)
	d, err := xen.New(m)
	if err != nil {
		t.Fatal(err)
	}
	devs, errs := blkfront.Devices(d)
	var got, lines []string
	for _, i := range devs {
		got = append(got, fmt.Sprintf("%s cdrom=%v readonly=%v", i.Name(), i.CDROM, i.ReadOnly))
	}
	for _, err := range errs {
		lines = append(lines, err.Error())
	}
	want := []string{
		"sda cdrom=false readonly=false",
		"xvda cdrom=false readonly=true",
		"xvda2 cdrom=false readonly=false",
		"xvdb cdrom=false readonly=false",
		"hdc cdrom=true readonly=false",
		"xvdd cdrom=true readonly=true",
		"xvdq cdrom=false readonly=false",
		"vbd-999 cdrom=false readonly=false",
	}
	wantLines := []string{
		`xenbus: device/vbd/51792: backend "nowhere" is not an absolute path`,
		`blkfront: vbd/51744: virtual-device "-3" is not a number`,
		`blkfront: vbd/51776: virtual-device "0x300" is not a number`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("devices: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(wantLines, lines); diff != "" {
		t.Errorf("errors: -want +got\n%s", diff)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if left := m.Leaks(); len(left) > 0 {
		t.Error("left behind:", left)
	}
}

func TestSeveralDisks(t *testing.T) {
	m := xentest.New(xentest.Config{MaxGrantFrames: 10, PV: pv})
	defer m.Close()
	disk := newDisk(4 << 20)
	for i := range 4 {
		m.AddDisk(xentest.BlkConfig{ID: 51712 + 16*i, Disk: disk, Size: disk.size, MaxIndirect: 256, MaxRingOrder: 4})
	}
	d, err := xen.New(m)
	if err != nil {
		t.Fatal(err)
	}
	devs, errs := blkfront.Devices(d)
	if len(devs) != 4 || len(errs) > 0 {
		t.Fatal(devs, errs)
	}
	// The grant table is too small for all of them at full depth.
	var depth []int64
	for i, info := range devs {
		dev, err := blkfront.Open(info, quick)
		if err != nil {
			t.Fatalf("disk %d: %v", i, err)
		}
		p := make([]byte, 2<<20)
		if _, err := dev.ReadAt(p, 100); err != nil || !bytes.Equal(p, disk.want(t, 100, len(p))) {
			t.Errorf("disk %d: %v, or wrong bytes", i, err)
		}
		depth = append(depth, dev.Stats().MaxBytesInFlight>>10)
	}
	if diff := cmp.Diff([]int64{2048, 2048, 1024, 176}, depth); diff != "" {
		t.Errorf("KiB in flight: -want +got\n%s", diff)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if left := m.Leaks(); len(left) > 0 {
		t.Error("left behind:", left)
	}
}

// Without a xenstore there are no disks, and one line says so.
func TestDevicesWithoutStore(t *testing.T) {
	for _, tt := range []struct {
		config xentest.Config
		want   string
	}{
		{xentest.Config{NoStore: true}, "xen: HVM_PARAM_STORE_PFN is 0xffffffffffffffff: not provided by the toolstack"},
		{xentest.Config{Dom0less: true}, "xen: HVM_PARAM_STORE_PFN is 0xffffffffffffffff: not provided by the toolstack so far: timed out after 5ms"},
	} {
		tt.config.Pages = 256
		m := xentest.New(tt.config)
		d, err := xen.NewLimits(m, xen.Limits{StoreReady: 5 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		devs, errs := blkfront.Devices(d)
		if len(devs) != 0 || len(errs) != 1 || errs[0].Error() != tt.want {
			t.Errorf("%v, %v, want %s", devs, errs, tt.want)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		m.Close()
	}
}

// A domain on Arm that Xen itself has started reads its disk as soon as there
// is a xenstore, again and again, and each time nothing is left for the next.
func TestDiskOfALateStore(t *testing.T) {
	m := xentest.New(xentest.Config{Pages: 3584, Arm: true, Dom0less: true})
	defer m.Close()
	disk := newDisk(4 << 20)
	back := m.AddDisk(xentest.BlkConfig{Disk: disk, Size: disk.size, MaxIndirect: 256, MaxRingOrder: 4})
	m.Go(func(stop <-chan struct{}) {
		time.Sleep(2 * time.Millisecond)
		m.ProvideStore()
		time.Sleep(2 * time.Millisecond)
		m.IntroduceStore()
	})
	for range 3 {
		d, err := xen.New(m)
		if err != nil {
			t.Fatal(err)
		}
		devs, errs := blkfront.Devices(d)
		if len(devs) != 1 || len(errs) > 0 {
			t.Fatal(devs, errs)
		}
		dev, err := blkfront.Open(devs[0], quick)
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 1<<20)
		if _, err := dev.ReadAt(p, 100); err != nil || !bytes.Equal(p, disk.want(t, 100, len(p))) {
			t.Errorf("%v, or wrong bytes", err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if left := m.Leaks(); len(left) > 0 {
			t.Error("left behind:", left)
		}
	}
	if wrong := back.Wrong(); len(wrong) > 0 {
		t.Error("backend complains:", wrong)
	}
}
