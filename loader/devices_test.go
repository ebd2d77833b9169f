package loader

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/loader/grub"
	"pvboot/loader/volume"
)

// counted counts how often a disk is opened.
func counted(d Disk, n *int) Disk {
	open := d.Open
	d.Open = func() (volume.Device, error) { *n++; return open() }
	return d
}

func testDevices(warn *[]string) (*devices, *[3]int) {
	blank := make([]byte, 1<<20)
	var opened [3]int
	cd := (&memDisk{data: blank}).disk("xvdc")
	cd.CDROM = true
	d := newDevices([]Disk{
		counted(gpt(blank, blank).disk("xvda"), &opened[0]),
		counted(cd, &opened[1]),
		counted(gpt(blank).disk("xvdb"), &opened[2]),
		{Name: "xen/xvdd", Open: func() (volume.Device, error) { return nil, errors.New("backend is gone") }},
	}, func(format string, args ...any) { *warn = append(*warn, fmt.Sprintf(format, args...)) })
	return d, &opened
}

func TestDeviceList(t *testing.T) {
	var warnings []string
	d, opened := testDevices(&warnings)
	var got []string
	for range 2 {
		got = nil
		for _, dev := range d.all() {
			got = append(got, fmt.Sprintf("%s = %s ro=%v map=%s", dev.Name, strings.Join(dev.Aliases, " "), dev.ReadOnly, dev.PartMap))
		}
	}
	want := []string{
		"xen/xvda = hd0 ro=false map=",
		"xen/xvda,gpt1 = hd0,gpt1 xen/xvda,1 hd0,1 ro=false map=gpt",
		"xen/xvda,gpt2 = hd0,gpt2 xen/xvda,2 hd0,2 ro=false map=gpt",
		"xen/xvdc = cd0 ro=true map=",
		"xen/xvdb = hd1 ro=false map=",
		"xen/xvdb,gpt1 = hd1,gpt1 xen/xvdb,1 hd1,1 ro=false map=gpt",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
	if *opened != [3]int{1, 1, 1} {
		t.Errorf("disks were opened %v times", *opened)
	}
	if diff := cmp.Diff([]string{"error: xen/xvdd: backend is gone."}, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestLookup(t *testing.T) {
	var warnings []string
	d, opened := testDevices(&warnings)
	tests := []struct{ name, want, err string }{
		{"xen/xvdb,gpt1", "xen/xvdb,gpt1", ""},
		{"hd1,gpt1", "xen/xvdb,gpt1", ""},
		{"hd1,1", "xen/xvdb,gpt1", ""},
		{"xen/xvdb", "xen/xvdb", ""},
		{"hd1", "xen/xvdb", ""},
		{"hd1,gpt2", "", "xen/xvdb: no partition `gpt2': no such device"},
		{"hd1,msdos1", "", "xen/xvdb: no partition `msdos1': no such device"},
		{"hd1,", "", "xen/xvdb: no partition `': no such device"},
		{"hd1,gpt", "", "xen/xvdb: no partition `gpt': no such device"},
		{"hd1,gpt1,bsd1", "", "xen/xvdb: no partition `gpt1,bsd1': no such device"},
		{"hd3", "", "disk `hd3' not found: no such device"},
		{"xvda", "", "disk `xvda' not found: no such device"},
		{"", "", "disk `' not found: no such device"},
	}
	for _, tt := range tests {
		dev, err := d.lookup(tt.name)
		if err == nil && dev.Name != tt.want || errorText(err) != tt.err {
			t.Errorf("lookup(%q) = %v, %v, want %q, %q", tt.name, dev, err, tt.want, tt.err)
		}
		if err != nil && !errors.Is(err, grub.ErrNoDevice) {
			t.Errorf("lookup(%q): %v is not ErrNoDevice", tt.name, err)
		}
	}
	if *opened != [3]int{0, 0, 1} {
		t.Errorf("looking at one disk opened the disks %v times", *opened)
	}
	if _, err := d.lookup("xen/xvdd,1"); err == nil || errors.Is(err, grub.ErrNoDevice) {
		t.Errorf("a disk that cannot be opened gave %v", err)
	}
}

// TestReadOnly sees that nothing below a CD-ROM or read-only disk can be
// written.
func TestReadOnly(t *testing.T) {
	for _, how := range []string{"cd", "ro", "rw"} {
		disk := gpt(make([]byte, 1<<20)).disk("xvda")
		disk.CDROM, disk.ReadOnly = how == "cd", how == "ro"
		d := newDevices([]Disk{disk}, t.Logf)
		for _, dev := range d.all() {
			w, ok := dev.vol.(volume.WriterDevice)
			var err error
			if ok {
				_, err = w.WriteAt(make([]byte, 512), 0)
			}
			if writable := ok && err == nil; writable != (how == "rw") || dev.ReadOnly == writable {
				t.Errorf("%s %s: writable %v, read-only %v", how, dev.Name, writable, dev.ReadOnly)
			}
		}
	}
}
