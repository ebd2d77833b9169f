package grub_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pvboot/internal/golden"
	"pvboot/loader/fs"
	"pvboot/loader/grub"
	"pvboot/loader/grub/grubenv"
	"pvboot/loader/grub/grubtest"
)

// partition is a device "xen/xvda,NAME" with files in memory, whose grubenv
// stands at byte 4096 of its volume.
func partition(name, table, uuid string, files map[string]string) grubtest.Disk {
	ram := grubtest.NewRAM(64<<10, 512)
	fsys := grubtest.Files(uuid, "", files)
	fsys.Volume = ram
	fsys.Extents = map[string][]fs.Extent{}
	for file, data := range files {
		if strings.HasSuffix(file, "grubenv") {
			copy(ram.Data[4096:], data)
			fsys.Extents[file] = []fs.Extent{{Offset: 0, Length: int64(len(data)), Physical: 4096}}
		}
	}
	return grubtest.Disk{
		Device: grub.Device{
			Name: "xen/xvda," + name, Disk: "xen/xvda", Aliases: []string{"hd0," + name},
			PartMap: table, Size: ram.Size(),
		},
		FS: fsys, Volume: ram,
	}
}

func disk(parts ...grubtest.Disk) []grubtest.Disk {
	whole := grubtest.Disk{Device: grub.Device{Name: "xen/xvda", Disk: "xen/xvda", Aliases: []string{"hd0"}, Size: 1 << 20}}
	return append([]grubtest.Disk{whole}, parts...)
}

// env is an environment block.
func env(vars ...string) string {
	b := grubenv.New()
	for i := 0; i < len(vars); i += 2 {
		b.Set(vars[i], vars[i+1])
	}
	raw, err := b.Bytes()
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// boots are files whose contents are their names.
func boots(extra map[string]string, names ...string) map[string]string {
	files := map[string]string{}
	for _, n := range names {
		files[n] = "<" + n + ">"
	}
	for n, data := range extra {
		files[n] = data
	}
	return files
}

// machines are the disks of the configurations in testdata/config.
var machines = map[string]struct {
	root, prefix string
	disks        func() []grubtest.Disk
}{
	"debian-12": {"xen/xvda,gpt1", "/boot/grub", func() []grubtest.Disk {
		return disk(partition("gpt1", "gpt", "11111111-2222-3333-4444-555555555555", boots(
			map[string]string{"boot/grub/grubenv": env("saved_entry", "x", "next_entry", "gnulinux-advanced-1>1")},
			"boot/vmlinuz-6.1.0-18-amd64", "boot/initrd.img-6.1.0-18-amd64", "boot/vmlinuz-5.10.0-1-amd64")))
	}},
	"debian-8-msdos": {"xen/xvda,msdos1", "/grub", func() []grubtest.Disk {
		return disk(
			partition("msdos1", "msdos", "bbbbbbbb-0000-0000-0000-000000000001", boots(
				map[string]string{"grub/grubenv": env("saved_entry", "Debian GNU/Linux")},
				"vmlinuz-3.16.0-4-amd64", "initrd.img-3.16.0-4-amd64", "memtest86+.bin")),
			partition("msdos2", "msdos", "1234", nil),
			partition("msdos5", "msdos", "bbbbbbbb-0000-0000-0000-000000000005", boots(nil, "boot/vmlinuz", "boot/initrd.img")))
	}},
	"ubuntu-22.04": {"xen/xvda,gpt2", "/boot/grub", func() []grubtest.Disk {
		return disk(
			partition("gpt1", "gpt", "ABCD-EF01", nil),
			partition("gpt2", "gpt", "cccccccc-0000-0000-0000-000000000002", boots(
				map[string]string{"boot/grub/grubenv": env("recordfail", "0"), "boot/grub/custom.cfg": "menuentry custom {\n nosuch\n}\n"},
				"boot/vmlinuz-5.15.0-91-generic", "boot/initrd.img-5.15.0-91-generic", "boot/microcode.cpio", "boot/grub/gfxblacklist.txt")))
	}},
	"bad-input": {"xen/xvda,gpt1", "/boot/grub", func() []grubtest.Disk {
		return disk(partition("gpt1", "gpt", "1", boots(map[string]string{"boot/empty": ""}, "boot/vmlinuz", "boot/initrd.img")))
	}},
	"menus": {"xen/xvda,gpt1", "/boot/grub", func() []grubtest.Disk {
		return disk(partition("gpt1", "gpt", "1", boots(
			map[string]string{"boot/grub/more.cfg": "echo \"$config_file $config_directory\"\nmenuentry more { linux /boot/vmlinuz more; }\nnosuch\n"},
			"boot/vmlinuz")))
	}},
}

// TestConfigs runs whole configurations and every entry of their menus, and
// compares all that happens with golden files.
func TestConfigs(t *testing.T) {
	for name, m := range machines {
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(filepath.Join("testdata/config", name+".cfg"))
			if err != nil {
				t.Fatal(err)
			}
			s := session{Host: &grubtest.Host{Disks: m.disks()}}
			s.BootErr = grub.Errorf(grub.IOError, "the test boots nothing")
			s.in = newInterp(s.Host)
			s.OnMenu = s.menu
			s.in.Env().Set("root", m.root)
			s.in.Env().Set("prefix", "("+m.root+")"+m.prefix)
			s.note("run", s.in.Run(context.Background(), name+".cfg", src))
			s.vars("default", "fallback", "timeout", "timeout_style", "root", "linux_gfx_mode", "saved_entry")
			fmt.Fprintf(&s.log, "default entry: %d\n", s.in.Menu().Default(s.in.Env()))
			s.menu(context.Background(), s.in.Menu(), true)
			s.volumes()
			golden.Check(t, "config/"+name+".out", s.log.String())
		})
	}
}

// session writes down what happens.
type session struct {
	*grubtest.Host
	in    *grub.Interp
	log   strings.Builder
	depth int
}

// note writes what was printed and booted since the last time.
func (s *session) note(what string, err error) {
	in := strings.Repeat("  ", s.depth)
	fmt.Fprintf(&s.log, "%s%s: %v\n", in, what, err)
	for _, line := range strings.Split(strings.TrimSuffix(s.Out.String(), "\n"), "\n") {
		if line != "" {
			fmt.Fprintf(&s.log, "%s  | %s\n", in, line)
		}
	}
	s.Out.Reset()
	for _, b := range s.Booted {
		fmt.Fprintf(&s.log, "%s  boot %s [%s] initrd %s\n", in, b.Kernel, b.CmdLine, b.Initrd)
		for _, data := range b.Bytes {
			fmt.Fprintf(&s.log, "%s    %s\n", in, data)
		}
	}
	s.Booted = nil
	if s.Paused > 0 {
		fmt.Fprintf(&s.log, "%s  paused %d times\n", in, s.Paused)
		s.Paused = 0
	}
}

func (s *session) vars(names ...string) {
	for _, n := range names {
		if v, ok := s.in.Env().Lookup(n); ok {
			fmt.Fprintf(&s.log, "%s=%s\n", n, v)
		}
	}
}

// menu runs every entry of a menu.
func (s *session) menu(ctx context.Context, m *grub.Menu, auto bool) error {
	s.note("menu", nil)
	s.depth++
	defer func() { s.depth-- }()
	for _, e := range m.Entries {
		fmt.Fprintf(&s.log, "%sentry %q id %q args %q classes %q hotkey %q restricted %t submenu %t at %s:%s\n", strings.Repeat("  ", s.depth),
			e.Title, e.ID, e.Args[1:], e.Classes, e.Hotkey, e.Restricted, e.Submenu, e.Name, e.At)
		s.note("ran", s.in.RunEntry(ctx, e, auto))
	}
	return nil
}

// volumes shows the environment blocks that were written.
func (s *session) volumes() {
	for _, d := range s.Disks {
		if ram, ok := d.Volume.(*grubtest.RAM); ok && ram.Writes > 0 {
			b, err := grubenv.Parse(ram.Data[4096 : 4096+grubenv.Size])
			if err != nil {
				fmt.Fprintln(&s.log, err)
				continue
			}
			fmt.Fprintf(&s.log, "grubenv on %s, %d writes: %q\n", d.Name, ram.Writes, b.Vars())
		}
	}
}
