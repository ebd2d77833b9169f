package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/xenhost"
	"pvboot/internal/xenhost/wire"
	"pvboot/xen/xentest/hypervisor/bundle"
)

// TestGuestConsole feeds a machine's output in pieces of every size.
func TestGuestConsole(t *testing.T) {
	const firmware = "OpenSBI v1.1\r\nhypervisor\r\nhypervisor: 64 MiB for a kernel\r\n"
	const domain = "pvboot\r\nhandover: clean\r\nx hypervisor: no\r\nhypervisor: the domain ended: poweroff\r\n"
	for size := 1; size < len(firmware+domain); size++ {
		var c guestConsole
		var first, rest []byte
		begun := 0
		for text := []byte(firmware + domain); len(text) > 0; {
			n := min(size, len(text))
			f, send := c.take(xenhost.Event{Kind: wire.Output, Data: text[:n]})
			text = text[n:]
			first = append(first, f...)
			for _, e := range send {
				switch {
				case e.Kind == wire.Unpause:
					begun++
				case begun == 0:
					t.Errorf("%d: %q before the domain began", size, e.Data)
				}
				rest = append(rest, e.Data...)
			}
		}
		if string(first) != firmware || string(rest) != domain || begun != 1 {
			t.Errorf("%d: %q, %q, begun %d times", size, first, rest, begun)
		}
		for qemu, want := range map[string]string{
			"QEMU: exit status 32": "poweroff", "QEMU: exit status 33": "poweroff", "QEMU: exit status 1": "QEMU: exit status 1", "destroyed": "destroyed",
			"reboot": "reboot",
		} {
			if got := c.reason(qemu); got != want {
				t.Errorf("%q became %q", qemu, got)
			}
		}
	}
}

func TestGuestFailure(t *testing.T) {
	var c guestConsole
	c.take(xenhost.Event{Data: []byte("hypervisor: handover: port 3\n" + strings.Repeat("x", 2*maxLine) + "\n")})
	if got := c.reason("QEMU: exit status 33"); got != "handover: port 3" {
		t.Error(got)
	}
	c = guestConsole{}
	if got := c.reason("QEMU: exit status 33"); got != "QEMU: exit status 33" {
		t.Error(got)
	}
}

func TestWriteBundle(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	g := &guests{
		options: &options{extra: "b", disks: []domainDisk{
			{Disk: xenhost.Disk{File: file("a.img", strings.Repeat("a", 512))}, vdev: "xvda", readOnly: true},
			{Disk: xenhost.Disk{File: file("b.img", strings.Repeat("b", 4096)), SectorSize: 4096}, vdev: "xvdc", cdrom: true},
		}},
		loader: &loader{cmdline: "a", files: map[string]string{kernelFile: file("k", "kernel"), initrdFile: file("i", "initrd")}},
	}
	out := filepath.Join(dir, "bundle")
	size, err := g.writeBundle(out, variant{memory: 64, each: "c"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil || int64(len(text)) != size {
		t.Fatalf("%d bytes, want %d, %v", len(text), size, err)
	}
	u, err := bundle.Open(text)
	if err != nil {
		t.Fatal(err)
	}
	want := &bundle.Bundle{
		Spec: bundle.Spec{Memory: 64 << 20, CmdLine: "a b c", Kernel: 6, Initrd: 6, Disks: []bundle.Disk{
			{ID: 51712, Size: 512, ReadOnly: true}, {ID: 51744, Size: 4096, SectorSize: 4096, CDROM: true},
		}},
		Image: []byte("kernel"), Ramdisk: []byte("initrd"),
		Contents: [][]byte{bytes.Repeat([]byte("a"), 512), bytes.Repeat([]byte("b"), 4096)},
	}
	if diff := cmp.Diff(want, u); diff != "" {
		t.Error(diff)
	}
	g.loader.files[kernelFile] = filepath.Join(dir, "none")
	if _, err := g.writeBundle(out, variant{}); err == nil {
		t.Error("no error without a kernel")
	}
}

func TestDiskNumbers(t *testing.T) {
	for name, want := range map[string]int{"xvda": 51712, "xvdb": 51728, "xvdp": 51952, "xvdq": 0, "xvd": 0, "hda": 0, "xvda1": 0} {
		if n, err := (domainDisk{vdev: name}).number(); n != want || (err == nil) != (want != 0) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}
