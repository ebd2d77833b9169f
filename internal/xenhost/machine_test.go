package xenhost

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pvboot/internal/golden"
	"pvboot/internal/qemu"
)

func TestArguments(t *testing.T) {
	disks := []Disk{{File: "/disks/a.img"}, {File: "/disks/b,c.img", Write: true, SectorSize: 4096}}
	for name, cfg := range map[string]*Config{
		"amd64":      {Arch: "amd64", Memory: 512, Disks: disks},
		"amd64-cpu":  {Arch: "amd64", Memory: 512, CPU: "max,-smap,-rdtscp"},
		"arm64":      {Arch: "arm64", Memory: 512, Disks: disks},
		"arm64-gic2": {Arch: "arm64", Memory: 5000, GIC: 2, CPU: "max"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := findMachine(cfg.Arch)
			if err != nil {
				t.Fatal(err)
			}
			q := &qemu.Command{}
			m.addHost(q, cfg, bootFiles{xen: "/cache/xen", kernel: "/cache/a kernel", initramfs: "/tmp/x,y/initramfs", dom0: 400})
			golden.Check(t, name+".args", strings.Join(q.Args, "\n")+"\n")
		})
	}
}

func TestUnknownMachine(t *testing.T) {
	if _, err := Start(t.Context(), &Config{Arch: "m68k"}); err == nil || err.Error() != "xen on m68k: want amd64 or arm64" {
		t.Errorf("%v", err)
	}
}

func TestWantImage(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"image": {strings.Repeat("x", imageMagicOffset) + imageMagic, ""},
		"short": {"MZ", "no arm64 Image: magic 00 00 00 00 at 56"},
		"other": {strings.Repeat("x", 100), "no arm64 Image: magic 78 78 78 78 at 56"},
	} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := wantImage(file)
		if c.want == "" && (err != nil || got != file) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
