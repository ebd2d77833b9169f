package command_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/loader/grub/grubtest"
)

// TestMultiboot: what reaches Boot, and what does not.
func TestMultiboot(t *testing.T) {
	const kernel = "(xen/xvda,gpt2)/boot/vmlinuz-1"
	boot := func(how, cmdLine string, modules ...string) []grubtest.Boot {
		return []grubtest.Boot{{Kernel: kernel, CmdLine: cmdLine, Bytes: []string{"one"}, Multiboot: how, Modules: modules}}
	}
	linux := []grubtest.Boot{{Kernel: kernel, CmdLine: "BOOT_IMAGE=/boot/vmlinuz-1", Bytes: []string{"one"}}}
	const none = "error: you need to load the kernel first.\n"
	for _, c := range []struct {
		src  string
		want []grubtest.Boot
		out  string
	}{
		{"multiboot /boot/vmlinuz-1 a 'b c'; module /boot/vmlinuz-2 x y; module --nounzip /boot/same-1; boot",
			boot("1 ELF false behind false", `a "b c"`, "(xen/xvda,gpt2)/boot/vmlinuz-2 x y: two as it is false", "(xen/xvda,gpt2)/boot/same-1 : one as it is true"), ""},
		{"multiboot2 /boot/vmlinuz-1; module2 /empty z; boot", boot("2 ELF false behind false", "", "(xen/xvda,gpt2)/empty z:  as it is false"), ""},
		{"multiboot --quirk-modules-after-kernel --quirk-bad-kludge /boot/vmlinuz-1 --x; boot", boot("1 ELF true behind true", "--x"), ""},
		{"multiboot2 --quirk-bad-kludge /boot/vmlinuz-1; boot", nil, "error: invalid file name `--quirk-bad-kludge'.\n" + none},
		{"multiboot; multiboot2; module; module2; module --nounzip", nil, "error: filename expected.\nerror: filename expected.\n" +
			"error: filename expected.\nerror: filename expected.\nerror: filename expected.\n"},
		{"multiboot /empty; boot", nil, "error: `(xen/xvda,gpt2)/empty' is empty.\n" + none},
		{"module /boot/vmlinuz-2; boot", nil, none + none},
		// A kernel never starts without what stands beside it.
		{"multiboot /boot/vmlinuz-1; module /nosuch; boot", nil, "error: file `/nosuch' not found.\n" + none},
		{"multiboot /boot/vmlinuz-1; module2 /boot/vmlinuz-2; boot", nil, none + none},
		{"multiboot2 /boot/vmlinuz-1; module /boot/vmlinuz-2; boot", nil, none + none},
		{"multiboot /boot/vmlinuz-1; initrd /boot/vmlinuz-2; boot", nil, none + none},
		{"linux /boot/vmlinuz-1; module /boot/vmlinuz-2; boot", nil, none + none},
		{"linux /boot/vmlinuz-2; multiboot /nosuch; boot", nil, "error: file `/nosuch' not found.\n" + none},
		{"multiboot /boot/vmlinuz-2; module /boot/same-1; linux /boot/vmlinuz-1; boot", linux, ""},
		{"linux /boot/vmlinuz-2; initrd /boot/same-1; multiboot /boot/vmlinuz-1; boot", boot("1 ELF false behind false", ""), ""},
	} {
		h := host()
		newInterp(h).Run(context.Background(), "", []byte(c.src))
		if d := cmp.Diff(c.want, h.Booted); d != "" {
			t.Errorf("%s: booted (-want +got):\n%s", c.src, d)
		}
		if d := cmp.Diff(c.out, h.Out.String()); d != "" {
			t.Errorf("%s: said (-want +got):\n%s", c.src, d)
		}
	}
}

// GRUB has the commands on PCs only.
func TestMultibootArm64(t *testing.T) {
	h := host()
	h.GOARCH = "arm64"
	newInterp(h).Run(context.Background(), "", []byte("multiboot2 /boot/vmlinuz-1"))
	if got := h.Out.String(); got != "error: can't find command `multiboot2'.\n" {
		t.Errorf("said %q", got)
	}
}
