package loader

import (
	"os"
	"strings"
	"testing"
	"time"

	"pvboot/internal/vt"
)

// distribution is a disk with a configuration of testdata, an empty grubenv
// and kernels of some versions.
func distribution(t *testing.T, cfg string, versions ...string) []Disk {
	t.Helper()
	text, err := os.ReadFile("testdata/" + cfg)
	if err != nil {
		t.Fatal(err)
	}
	head := "# GRUB Environment Block\n"
	files := tree{"boot/grub/grub.cfg": string(text), "boot/grub/grubenv": head + strings.Repeat("#", 1024-len(head))}
	for _, v := range versions {
		files["boot/vmlinuz-"+v] = "kernel " + v
		files["boot/initrd.img-"+v] = "initrd " + v
	}
	return []Disk{gpt(ext4(t, files)).disk("xvda")}
}

// linux is what those configurations boot.
func linux(version, options string) string {
	return "(xen/xvda,gpt1)/boot/vmlinuz-" + version + " | BOOT_IMAGE=/boot/vmlinuz-" + version +
		" root=UUID=" + fsUUID + " ro " + options + " | initrd " + version
}

func quiet(t *testing.T, r result) {
	t.Helper()
	for _, word := range []string{"error", "warning"} {
		if strings.Contains(r.log, word) {
			t.Errorf("trouble with a good configuration:\n%s", r.log)
		}
	}
}

// TestSavedDefault chooses an entry of the submenu, which the next boot then
// takes by itself.
func TestSavedDefault(t *testing.T) {
	disks := distribution(t, "saved.cfg", "6.1.0-32-amd64", "6.1.0-31-amd64")
	steps := [][]vt.Step{
		nil,
		{{When: menuText, Keys: "\x1b[B\r"}, {When: "*Debian GNU/Linux, with Linux 6.1.0-32", Keys: "\x1b[B\r"}},
		nil,
		{{When: "*Advanced options", Keys: "\x1b[A\r"}},
		nil,
	}
	for i, version := range []string{"32", "31", "31", "32", "32"} {
		got := play{disks: disks, steps: steps[i]}.run(t)
		check(t, result{Boots: []string{linux("6.1.0-"+version+"-amd64", "quiet")}}, got)
		quiet(t, got)
	}
}

// TestRecordfail boots at once, and after a boot that failed with a menu.
func TestRecordfail(t *testing.T) {
	disks := distribution(t, "recordfail.cfg", "6.8.0-57-generic")
	got := play{disks: disks}.run(t)
	check(t, result{Boots: []string{linux("6.8.0-57-generic", "quiet splash vt.handoff=7")}}, got)
	if strings.Contains(got.log, "Booting") || strings.Contains(got.log, menuText) {
		t.Errorf("the menu is not hidden:\n%s", got.log)
	}
	quiet(t, got)
	got = play{disks: disks}.run(t)
	check(t, result{Boots: []string{linux("6.8.0-57-generic", "quiet splash")}, Took: 30 * time.Second}, got)
	quiet(t, got)
}

// TestArchitecture runs one configuration on two architectures.
func TestArchitecture(t *testing.T) {
	cfg := `set timeout=0
if [ $grub_cpu = arm64 ]; then
	menuentry arm { linux /boot/vmlinuz; initrd /boot/initrd.img; devicetree /boot/dtb; }
elif [ $grub_cpu = x86_64 ]; then
	menuentry x86 { linux /boot/vmlinuz; initrd /boot/initrd.img; cpuid -l; }
fi
`
	tree, err := os.ReadFile("../internal/fdt/testdata/virt.dtb")
	if err != nil {
		t.Fatal(err)
	}
	for arch, more := range map[string]string{"amd64": "", "arm64": " | (xen/xvda,gpt1)/boot/dtb"} {
		files := withConfig(cfg)
		files["boot/dtb"] = string(tree)
		got := play{files: files, arch: arch}.run(t)
		check(t, result{Boots: []string{"(xen/xvda,gpt1)/boot/vmlinuz | BOOT_IMAGE=/boot/vmlinuz | an initrd" + more}}, got)
		quiet(t, got)
	}
}
