package command_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"pvboot/loader/grub"
	"pvboot/loader/grub/grubtest"
)

// treeHost is host on arm64 with device trees.
func treeHost(t *testing.T) (*grubtest.Host, string) {
	t.Helper()
	b, err := os.ReadFile("../../../internal/fdt/testdata/xenvm.dtb")
	if err != nil {
		t.Fatal(err)
	}
	h := host()
	h.GOARCH = "arm64"
	h.Disks[2].FS = grubtest.Files("aaaa-1111", "root", map[string]string{
		"vmlinuz": "one", "initrd": "two", "empty.dtb": "",
		"a.dtb": string(b), "b.dtb": string(b[:12]) + string(b[12:]) + "padding",
		"cut.dtb": string(b[:len(b)-1]), "text.dtb": strings.Repeat("text\n", 20),
		"huge.dtb": string(b) + strings.Repeat("\x00", 2<<20),
	})
	return h, string(b)
}

// TestDevicetree: which tree a boot gets.
func TestDevicetree(t *testing.T) {
	for _, c := range []struct{ src, want, out string }{
		{"linux /vmlinuz; initrd /initrd; boot", "", ""},
		{"linux /vmlinuz; initrd /initrd; devicetree /a.dtb; boot", "/a.dtb", ""},
		{"devicetree /a.dtb; linux /vmlinuz; initrd /initrd; boot", "/a.dtb", ""},
		{"linux /vmlinuz; devicetree /a.dtb; initrd /initrd; boot", "/a.dtb", ""},
		{"devicetree /a.dtb; linux /vmlinuz; initrd /initrd; devicetree (hd0,2)/b.dtb; boot", "/b.dtb", ""},
		{"devicetree /a.dtb /none; linux /vmlinuz; initrd /initrd; boot", "/a.dtb", ""},
		{"devicetree /a.dtb; linux /vmlinuz; initrd /initrd; devicetree; boot", "", ""},
		{"devicetree /a.dtb; linux /vmlinuz; initrd /initrd; devicetree $nothing; boot", "", ""},
		{"devicetree /none; devicetree; linux /vmlinuz; initrd /initrd; boot", "", "error: file `/none' not found.\n"},
		{"devicetree /none; devicetree /a.dtb; linux /vmlinuz; initrd /initrd; boot", "/a.dtb", "error: file `/none' not found.\n"},
		{"devicetree /a.dtb; linux /none; linux /vmlinuz; initrd /initrd; boot", "/a.dtb", "error: file `/none' not found.\n"},
	} {
		h, content := treeHost(t)
		newInterp(h).RunLine(context.Background(), c.src)
		if c.want == "" {
			content = ""
		} else {
			c.want = "(xen/xvda,gpt2)" + c.want
		}
		if h.Out.String() != c.out || len(h.Booted) != 1 {
			t.Fatalf("%s: %d boots, printed %q", c.src, len(h.Booted), h.Out.String())
		}
		if b := h.Booted[0]; b.DeviceTree != c.want || b.Tree != content || len(b.Initrd) != 1 {
			t.Errorf("%s: booted %s with %s, %d bytes of tree", c.src, b.Kernel, b.DeviceTree, len(b.Tree))
		}
	}
}

// TestDevicetreeErrors: one line, and no boot with another tree.
func TestDevicetreeErrors(t *testing.T) {
	for name, want := range map[string]string{
		"/none":      "file `/none' not found",
		"/":          "`/' is not a regular file",
		"none":       "invalid file name `none'",
		"(hd1)/x":    "disk `xen/xvdb': input/output error",
		"''":         "invalid file name `'",
		"/empty.dtb": "`(xen/xvda,gpt2)/empty.dtb': device tree: offset 0x0: too short for a header",
		"/text.dtb":  "`(xen/xvda,gpt2)/text.dtb': device tree: offset 0x0: not a device tree",
		"/cut.dtb":   "`(xen/xvda,gpt2)/cut.dtb': device tree: offset 0x70d: truncated",
		"/huge.dtb":  "file `(xen/xvda,gpt2)/huge.dtb' of 2098958 bytes is longer than 2097152",
	} {
		for _, src := range []string{
			"linux /vmlinuz; initrd /initrd; devicetree NAME; boot",
			"devicetree NAME; linux /vmlinuz; initrd /initrd; boot",
			"devicetree /a.dtb; linux /vmlinuz; devicetree NAME; boot",
		} {
			h, _ := treeHost(t)
			newInterp(h).RunLine(context.Background(), strings.Replace(src, "NAME", name, 1))
			refused := "error: " + want + ".\nerror: device tree `" + strings.Trim(name, "'") + "' is not loaded.\n"
			if h.Out.String() != refused || len(h.Booted) != 0 {
				t.Errorf("%s of %s: %d boots, printed %q", src, name, len(h.Booted), h.Out.String())
			}
		}
	}
	h, _ := treeHost(t)
	newInterp(h).RunLine(context.Background(), "devicetree /text.dtb; echo $?; devicetree /none; echo $?")
	if !strings.Contains(h.Out.String(), "\n21\n") || !strings.HasSuffix(h.Out.String(), "\n5\n") {
		t.Errorf("statuses: %q", h.Out.String())
	}
}

// TestDevicetreeOfEntries: a tree that the configuration loads holds for all
// entries, an entry's own for that entry only.
func TestDevicetreeOfEntries(t *testing.T) {
	const entries = `
menuentry none { linux /vmlinuz }
menuentry own { devicetree /b.dtb; linux /vmlinuz }
menuentry bad { devicetree /cut.dtb; linux /vmlinuz }
submenu more { devicetree /b.dtb; menuentry inner { linux /vmlinuz } }
`
	for _, c := range []struct{ before, entries, want string }{
		{"", "none", "-"},
		{"", "none own none", "- b -"},
		{"devicetree /a.dtb", "none own none", "a b a"},
		{"devicetree /a.dtb", "bad own none", "b a"},
		{"devicetree /none", "none own bad", "- b"},
		{"devicetree /a.dtb", "more none more", "b a b"},
		{"linux /vmlinuz", "bad", ""},
	} {
		h, _ := treeHost(t)
		h.BootErr = errors.New("no")
		in := newInterp(h)
		in.Run(context.Background(), "cfg", []byte(c.before+entries))
		run := func(m *grub.Menu, name string) {
			for _, e := range m.Entries {
				if e.Title == name {
					in.RunEntry(context.Background(), e, false)
				}
			}
		}
		h.OnMenu = func(_ context.Context, m *grub.Menu, _ bool) error {
			run(m, "inner")
			return nil
		}
		for name := range strings.FieldsSeq(c.entries) {
			run(in.Menu(), name)
		}
		var got []string
		for _, b := range h.Booted {
			name := strings.TrimSuffix(strings.TrimPrefix(b.DeviceTree, "(xen/xvda,gpt2)/"), ".dtb")
			if name == "" {
				name = "-"
			}
			got = append(got, name)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q, then %s: booted with %s, want %s\n%s", c.before, c.entries, got, c.want, h.Out.String())
		}
	}
}
