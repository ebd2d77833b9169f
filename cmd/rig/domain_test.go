package main

import (
	"os"
	"path/filepath"
	"testing"

	"pvboot/internal/golden"
)

func TestXLConfig(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.img", "b.img", "c,ro.img"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	disk := func(arg string, index int) domainDisk {
		d, err := parseDisk(filepath.Join(dir, arg), index)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for name, c := range map[string]struct {
		options options
		loader  *loader
		each    string
	}{
		"pvh": {
			options{mode: "pvh", memory: 512, disks: []domainDisk{disk("a.img", 0), disk("c,ro.img", 1)}},
			kernelLoader("image"), "",
		},
		"direct": {
			options{mode: "pv", memory: 64, extra: `a="b c"`, disks: []domainDisk{disk("a.img", 0), disk("b.img,ro", 1)}},
			&loader{lines: []string{`kernel = "/files/kernel"`, `ramdisk = "/files/initrd"`}, cmdline: "root=/dev/xvda1 ro"}, `c="d  e" f`,
		},
		"pvshim": {
			options{mode: "pvshim", memory: 64, xl: []string{"vcpus = 2", `on_crash = "preserve"`},
				disks: []domainDisk{disk("a.img,cdrom,vdev=hdc", 0), disk("b.img,sector=4096", 1)}},
			&loader{pygrub: true, lines: []string{`bootloader = "pygrub"`}}, "single",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := xlConfig(&c.options, c.loader, variant{c.options.memory, c.each})
			golden.Check(t, "xl/"+name+".cfg", got)
		})
	}
}
