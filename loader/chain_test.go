package loader

import (
	"fmt"
	"strings"
	"testing"

	"pvboot/loader/image"
)

func TestGuestLoader(t *testing.T) {
	const boot, slash = "boot/xen/pvboot-x86_64.elf", "xen/pvboot-x86_64.elf"
	config := "set timeout=0\n" + entry("A", "")
	with := func(cfg string, paths ...string) tree {
		files := tree{"boot/vmlinuz": "a kernel", "boot/initrd.img": "an initrd"}
		if cfg != "" {
			files["boot/grub/grub.cfg"] = cfg
		}
		for _, p := range paths {
			files[p] = "a loader"
		}
		return files
	}
	chained := func(part int, file, line string) string {
		return fmt.Sprintf("(xen/xvda,gpt%d)/%s | %s", part, file, line)
	}
	tests := []struct {
		name    string
		parts   []tree
		cmdLine string
		fail    int
		err     error
		boots   []string
		line    string // must be told
		not     string // must not be told
	}{
		{name: "boot", parts: []tree{with(config, boot, slash)}, boots: []string{chained(1, boot, "pvboot.chained")},
			line: "starting (xen/xvda,gpt1)/boot/xen/pvboot-x86_64.elf"},
		{name: "boot partition", parts: []tree{with(config, slash)}, boots: []string{chained(1, slash, "pvboot.chained")}},
		{name: "without a configuration", parts: []tree{with("", boot)}, boots: []string{chained(1, boot, "pvboot.chained")}},
		{name: "before a later configuration", parts: []tree{with("", slash), with(config)}, boots: []string{chained(1, slash, "pvboot.chained")}},
		{name: "after an earlier configuration", parts: []tree{with(config), with("", boot)}, boots: []string{booted("A")}},
		{name: "command line", parts: []tree{with(config, boot)}, cmdLine: "xen_grub_env_a='b c' x",
			boots: []string{chained(1, boot, "pvboot.chained xen_grub_env_a='b c' x")}},
		{name: "started by another loader", parts: []tree{with(config, boot)}, cmdLine: "pvboot.chained xen_grub_env_a=b",
			boots: []string{booted("A")}, not: "starting"},
		{name: "turned off by the host", parts: []tree{with(config, boot)}, cmdLine: "xen_grub_env_a=b pvboot.chained", boots: []string{booted("A")}},
		{name: "a full command line", parts: []tree{with(strings.ReplaceAll(config, "root=A", "n=$xen_grub_env_n"), boot)},
			cmdLine: "pvboot.chained xen_grub_env_n=7 " + strings.Repeat("x", 1024-17),
			boots:   []string{strings.ReplaceAll(booted("A"), "root=A", "n=7")}},
		{name: "fails", parts: []tree{with(config, boot)}, fail: 1,
			boots: []string{chained(1, boot, "pvboot.chained"), booted("A")}, line: "error: bzImage: no boot header at 0x202."},
		{name: "both fail", parts: []tree{with(config, boot, slash)}, fail: 2,
			boots: []string{chained(1, boot, "pvboot.chained"), chained(1, slash, "pvboot.chained"), booted("A")}},
		{name: "for PV domains", parts: []tree{with(config, boot)}, fail: 1, err: fmt.Errorf("(xen/xvda,gpt1)/%s: ELF: %w", boot, image.ErrNotPVH),
			boots: []string{chained(1, boot, "pvboot.chained"), booted("A")},
			line:  "(xen/xvda,gpt1)/boot/xen/pvboot-x86_64.elf: ELF: no PHYS32_ENTRY note: not a PVH kernel: not used.", not: "error:"},
		{name: "for PVH domains", parts: []tree{with(config, boot)}, fail: 1, err: fmt.Errorf("(xen/xvda,gpt1)/%s: ELF: %w", boot, image.ErrNotPV),
			boots: []string{chained(1, boot, "pvboot.chained"), booted("A")},
			line:  "(xen/xvda,gpt1)/boot/xen/pvboot-x86_64.elf: ELF: not a PV kernel: not used.", not: "error:"},
		{name: "a folder", parts: []tree{with(config, boot+"/file")}, boots: []string{booted("A")},
			line: "error: (xen/xvda,gpt1)/boot/xen/pvboot-x86_64.elf: not a regular file."},
		{name: "of another width", parts: []tree{with(config, "boot/xen/pvboot-i386.elf")}, boots: []string{booted("A")}, not: "starting"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var parts [][]byte
			for _, files := range tt.parts {
				parts = append(parts, ext4(t, files))
			}
			got := play{disks: []Disk{gpt(parts...).disk("xvda")}, cmdLine: tt.cmdLine, fail: tt.fail, err: tt.err}.run(t)
			check(t, result{Boots: tt.boots}, got)
			if !strings.Contains(strings.ReplaceAll(got.log, "\r", ""), tt.line) {
				t.Errorf("%q was not told:\n%s", tt.line, got.log)
			}
			if tt.not != "" && strings.Contains(got.log, tt.not) {
				t.Errorf("%q was told:\n%s", tt.not, got.log)
			}
		})
	}
}
