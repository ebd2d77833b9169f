package loader

import (
	"strings"
	"testing"
	"time"

	"pvboot/internal/golden"
	"pvboot/internal/vt"
)

func TestFind(t *testing.T) {
	cfg := "set timeout=0\n" + strings.ReplaceAll(entry("A", ""), "root=A", "from=$prefix,$root")
	at := func(paths ...string) []byte {
		files := tree{"boot/vmlinuz": "a kernel", "boot/initrd.img": "an initrd"}
		for _, p := range paths {
			files[p] = cfg
		}
		return ext4(t, files)
	}
	whole := func(fs []byte) *memDisk { return &memDisk{data: fs} }
	tests := []struct {
		name  string
		disks []*memDisk
		want  string // prefix,root
	}{
		{"grub", []*memDisk{gpt(at("boot/grub/grub.cfg", "grub/grub.cfg"))}, "(xen/xvda,gpt1)/boot/grub,xen/xvda,gpt1"},
		{"boot partition", []*memDisk{gpt(at("grub/grub.cfg", "boot/grub2/grub.cfg"))}, "(xen/xvda,gpt1)/grub,xen/xvda,gpt1"},
		{"grub2", []*memDisk{gpt(at("boot/grub2/grub.cfg", "grub2/grub.cfg"))}, "(xen/xvda,gpt1)/boot/grub2,xen/xvda,gpt1"},
		{"grub2 boot partition", []*memDisk{gpt(at("grub2/grub.cfg"))}, "(xen/xvda,gpt1)/grub2,xen/xvda,gpt1"},
		{"efi", []*memDisk{gpt(at("EFI/BOOT/grub.cfg", "EFI/debian/grub.cfg"))}, "(xen/xvda,gpt1)/EFI/debian,xen/xvda,gpt1"},
		{"efi fallback folder", []*memDisk{gpt(at("EFI/BOOT/grub.cfg"))}, "(xen/xvda,gpt1)/EFI/BOOT,xen/xvda,gpt1"},
		{"efi comes last", []*memDisk{gpt(at("EFI/debian/grub.cfg"), at(), at("boot/grub/grub.cfg"))}, "(xen/xvda,gpt3)/boot/grub,xen/xvda,gpt3"},
		{"no table", []*memDisk{whole(at("boot/grub/grub.cfg"))}, "(xen/xvda)/boot/grub,xen/xvda"},
		{"second disk", []*memDisk{gpt(at()), whole(at("grub/grub.cfg"))}, "(xen/xvdb)/grub,xen/xvdb"},
		{"first disk wins", []*memDisk{gpt(at("grub2/grub.cfg")), gpt(at("boot/grub/grub.cfg"))}, "(xen/xvda,gpt1)/grub2,xen/xvda,gpt1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var disks []Disk
			for i, d := range tt.disks {
				disks = append(disks, d.disk("xvd"+string(rune('a'+i))))
			}
			prefix, root, _ := strings.Cut(tt.want, ",xen/")
			root = "xen/" + root
			got := play{disks: disks}.run(t)
			check(t, result{Boots: []string{"(" + root + ")/boot/vmlinuz | BOOT_IMAGE=/boot/vmlinuz from=" + tt.want + " ro | an initrd"}}, got)
			if line := "reading " + prefix + "/grub.cfg"; !strings.Contains(got.log, line) {
				t.Errorf("%q was not told", line)
			}
		})
	}
}

// TestSession compares every screen that a user sees on the way into a
// submenu, to the command line, and to a failing and a working entry.
func TestSession(t *testing.T) {
	var screens strings.Builder
	snap := func(name string) func(*vt.Screen) {
		return func(s *vt.Screen) { screens.WriteString("-- " + name + " --\n" + s.String()) }
	}
	cfg := "set timeout=5\ninsmod part_gpt\n" + entry("Debian GNU/Linux", "--class debian") +
		"submenu 'Advanced options for Debian GNU/Linux' {\n" +
		"menuentry 'Old kernel' { echo 'Loading Linux ...'\nlinux /boot/vmlinuz.old }\n" + entry("Recovery", "") + "}\n"
	got := play{files: withConfig(cfg), steps: []vt.Step{
		{When: "in 5s", Do: snap("menu")},
		{When: "in 4s", Do: snap("countdown"), Keys: "v"},
		{Do: snap("stopped"), Keys: "\r"},
		{When: "*Old kernel", Do: snap("submenu"), Keys: "\r"},
		{When: "Press any key", Do: snap("failure"), Keys: " "},
		{When: "*Old kernel", Wait: time.Second, Keys: "c"},
		{When: "grub>", Do: snap("command line"), Keys: "echo $root $prefix\r"},
		{When: "boot/grub\n", Do: snap("command"), Keys: "\x1b"},
		{When: "*Old kernel", Wait: time.Second, Keys: "v\r"},
	}}.run(t)
	check(t, result{Boots: []string{booted("Recovery")}}, got)
	screens.WriteString("-- boot --\n" + got.last)
	golden.Check(t, "session.screens", screens.String())
}
