package loader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/vt"
	"pvboot/loader/image"
)

// play is a Loader run against a scripted user.
type play struct {
	files   tree   // on the only partition of the only disk
	disks   []Disk // instead of it
	cmdLine string // of the loader
	arch    string
	steps   []vt.Step
	fail    int   // how many boots fail before one succeeds
	err     error // with which they fail
}

// result is what came of it.
type result struct {
	Boots []string // "kernel | command line | initrd contents"
	Err   error
	Took  time.Duration
	log   string
	last  string // screen
}

// run plays a session to its end. The user gives up after two minutes.
func (p play) run(t *testing.T) result {
	t.Helper()
	if p.disks == nil {
		p.disks = []Disk{gpt(ext4(t, p.files)).disk("xvda")}
	}
	user := vt.NewPlayer(p.steps...)
	var r result
	l := Loader{
		Version: "1.0", Disks: p.disks, Console: user, CmdLine: p.cmdLine, Arch: p.arch, Now: user.Now,
		GuestLoader: "pvboot-x86_64.elf",
		Boot: func(_ context.Context, req image.Request) error {
			text, err := describe(req)
			if err != nil {
				return err
			}
			r.Boots = append(r.Boots, text)
			if len(r.Boots) <= p.fail {
				if p.err != nil {
					return p.err
				}
				return errors.New("bzImage: no boot header at 0x202")
			}
			return nil
		},
		Halt:   func() error { r.Boots = append(r.Boots, "halt"); return nil },
		Reboot: func() error { r.Boots = append(r.Boots, "reboot"); return nil },
	}
	start := user.Now()
	r.Err = l.Run(context.Background())
	r.Took, r.log, r.last = user.Now().Sub(start), user.Log.String(), user.String()
	if !user.Done() {
		t.Errorf("the user still waits for %q; screen:\n%s", user.Waiting(), r.last)
	}
	if user.Unknown != nil {
		t.Errorf("unknown sequences %v", user.Unknown)
	}
	return r
}

// describe reads everything that a boot would read.
func describe(req image.Request) (string, error) {
	parts := []string{req.Name, req.CmdLine}
	if _, err := io.ReadAll(io.NewSectionReader(req.Kernel, 0, req.Kernel.Size())); err != nil {
		return "", fmt.Errorf("%s: %w", req.Name, err)
	}
	for _, rd := range req.Initrd {
		b, err := io.ReadAll(io.NewSectionReader(rd.Data, 0, rd.Data.Size()))
		if err != nil {
			return "", fmt.Errorf("%s: %w", rd.Name, err)
		}
		parts = append(parts, string(b))
	}
	if req.DeviceTree != nil {
		parts = append(parts, req.DeviceTree.Name)
	}
	return strings.Join(parts, " | "), nil
}

// check compares a result, the error by errors.Is.
func check(t *testing.T, want, got result) {
	t.Helper()
	if diff := cmp.Diff(want.Boots, got.Boots); diff != "" {
		t.Errorf("boots (-want +got):\n%s\nscreen:\n%s", diff, got.last)
	}
	if !errors.Is(got.Err, want.Err) {
		t.Errorf("error %v, want %v", got.Err, want.Err)
	}
	if want.Took != 0 && got.Took != want.Took {
		t.Errorf("took %v, want %v", got.Took, want.Took)
	}
}

// entry is a menuentry that boots a kernel of its own.
func entry(title, options string) string {
	return fmt.Sprintf("menuentry '%s' %s {\n\tlinux /boot/vmlinuz root=%s ro\n\tinitrd /boot/initrd.img\n}\n", title, options, title)
}

// booted is what that entry hands over.
func booted(title string) string {
	return "(xen/xvda,gpt1)/boot/vmlinuz | BOOT_IMAGE=/boot/vmlinuz root=" + title + " ro | an initrd"
}

// withConfig is a disk's files with a configuration.
func withConfig(cfg string) tree {
	return tree{"boot/grub/grub.cfg": cfg, "boot/vmlinuz": "a kernel", "boot/initrd.img": "an initrd"}
}

const menuText = "The highlighted entry will be executed automatically in"

func TestChoosing(t *testing.T) {
	three := entry("A", "--id aa") + entry("B", "--id bb --hotkey=x") +
		"submenu 'More' --id more {\n" + entry("C", "--id c") + entry("D", "--id d") + "}\n"
	tests := []struct {
		name  string
		cfg   string // before the entries
		user  []vt.Step
		fail  int
		boots []string
		took  time.Duration
	}{
		{name: "time over", cfg: "set timeout=5", boots: []string{"A"}, took: 5 * time.Second},
		{name: "no time", cfg: "set timeout=0", boots: []string{"A"}},
		{name: "hidden", cfg: "set timeout=3 timeout_style=hidden\nset timeout=3\nset timeout_style=hidden", boots: []string{"A"}, took: 3 * time.Second},
		{name: "countdown", cfg: "set timeout=3\nset timeout_style=countdown", boots: []string{"A"}, took: 3 * time.Second},
		{name: "hexadecimal time", cfg: "set timeout=0x10", boots: []string{"A"}, took: 16 * time.Second},
		{name: "number", cfg: "set timeout=1\nset default=1", boots: []string{"B"}},
		{name: "title", cfg: "set timeout=1\nset default=B", boots: []string{"B"}},
		{name: "id", cfg: "set timeout=1\nset default=bb", boots: []string{"B"}},
		{name: "submenu by number", cfg: "set timeout=1\nset default='2>1'", boots: []string{"D"}, took: time.Second},
		{name: "submenu by title", cfg: "set timeout=1\nset default='More>C'", boots: []string{"C"}},
		{name: "submenu by id", cfg: "set timeout=0\nset default='more>d'", boots: []string{"D"}},
		{name: "no such default", cfg: "set timeout=1\nset default=nothing", boots: []string{"A"}},
		{name: "enter", cfg: "set timeout=5", user: []vt.Step{{When: menuText, Keys: "\r"}}, boots: []string{"A"}},
		{name: "down and enter", cfg: "set timeout=5", user: []vt.Step{{When: menuText, Keys: "\x1b[B\r"}}, boots: []string{"B"}},
		{name: "any key stops", cfg: "set timeout=5", user: []vt.Step{{When: menuText, Keys: "?"}, {Wait: 50 * time.Second, Keys: "v\r"}}, boots: []string{"B"}, took: 50 * time.Second},
		{name: "no timeout", user: []vt.Step{{When: "*A", Wait: 90 * time.Second, Keys: "\r"}}, boots: []string{"A"}, took: 90 * time.Second},
		{name: "timeout for ever", cfg: "set timeout=-1", user: []vt.Step{{When: "*A", Wait: 90 * time.Second, Keys: "\r"}}, boots: []string{"A"}},
		{name: "bad timeout", cfg: "set timeout=soon", user: []vt.Step{{When: "*A", Wait: 90 * time.Second, Keys: "\r"}}, boots: []string{"A"}},
		{name: "hotkey", cfg: "set timeout=5", user: []vt.Step{{When: menuText, Keys: "x"}}, boots: []string{"B"}},
		{name: "submenu by keys", cfg: "set timeout=5", user: []vt.Step{{When: menuText, Keys: "vv\r"}, {When: "*C", Keys: "v\r"}}, boots: []string{"D"}},
		{name: "into a submenu and back", cfg: "set timeout=5", user: []vt.Step{
			{When: menuText, Keys: "vv\r"}, {When: "*C", Keys: "\x1b"}, {When: "*A", Wait: time.Minute, Keys: "v\r"},
		}, boots: []string{"B"}},
		{name: "fallback", cfg: "set timeout=1\nset fallback='1 2>1'", fail: 1, boots: []string{"A", "B"}},
		{name: "second fallback", cfg: "set timeout=1\nset fallback='1 0'", fail: 2, boots: []string{"A", "B", "A"}},
		{name: "fallback from a submenu", cfg: "set timeout=1\nset default='2>0'\nset fallback=1", fail: 1, boots: []string{"C", "B"}},
		{name: "fallback out of range", cfg: "set timeout=1\nset fallback=7", fail: 1,
			user: []vt.Step{{When: "Failed to boot both", Keys: " "}, {When: "*A", Keys: "\r"}}, boots: []string{"A", "A"}},
		{name: "no fallback for what a user chose", cfg: "set timeout=5\nset fallback=1", fail: 1,
			user: []vt.Step{{When: menuText, Keys: "\r"}, {When: "Press any key", Keys: " "}, {When: "*A", Keys: "\r"}}, boots: []string{"A", "A"}},
		{name: "menu after failures", cfg: "set timeout=1", fail: 1,
			user: []vt.Step{{When: "no boot header at 0x202"}, {When: "*A", Wait: 40 * time.Second, Keys: "v\r"}}, boots: []string{"A", "B"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var want result
			for _, title := range tt.boots {
				want.Boots = append(want.Boots, booted(title))
			}
			want.Took = tt.took
			got := play{files: withConfig(tt.cfg + "\n" + three), steps: tt.user, fail: tt.fail}.run(t)
			check(t, want, got)
		})
	}
}

func TestSavedEntry(t *testing.T) {
	grubenv := "# GRUB Environment Block\nsaved_entry=b\n"
	grubenv += strings.Repeat("#", 1024-len(grubenv))
	files := withConfig("if [ -s $prefix/grubenv ]; then\n  load_env\nfi\nset default=\"${saved_entry}\"\nset timeout=1\n" + entry("A", "--id a") + entry("B", "--id b"))
	files["boot/grub/grubenv"] = grubenv
	check(t, result{Boots: []string{booted("B")}}, play{files: files}.run(t))
}

// TestSaveEnv sees that what one boot saves the next one reads.
func TestSaveEnv(t *testing.T) {
	files := withConfig("load_env\nset timeout=0\nset default=$next\n" +
		"menuentry A --id a { set next=b\nsave_env next\nlinux /boot/vmlinuz A }\n" +
		"menuentry B --id b { linux /boot/vmlinuz B }\n")
	head := "# GRUB Environment Block\n"
	files["boot/grub/grubenv"] = head + strings.Repeat("#", 1024-len(head))
	disks := []Disk{gpt(ext4(t, files)).disk("xvda")}
	for _, want := range []string{"A", "B"} {
		got := play{disks: disks}.run(t)
		check(t, result{Boots: []string{"(xen/xvda,gpt1)/boot/vmlinuz | BOOT_IMAGE=/boot/vmlinuz " + want}}, got)
	}
}

func TestVariables(t *testing.T) {
	files := withConfig("set timeout=0\nmenuentry A {\n linux /boot/vmlinuz root=$root prefix=$prefix mode=$xen_grub_env_mode \"args=$xen_grub_env_args\" other=$other }\n")
	got := play{files: files, cmdLine: `other=x xen_grub_env_mode=rescue xen_grub_env_args="a b"`}.run(t)
	check(t, result{Boots: []string{
		`(xen/xvda,gpt1)/boot/vmlinuz | BOOT_IMAGE=/boot/vmlinuz root=xen/xvda,gpt1 prefix=(xen/xvda,gpt1)/boot/grub mode=rescue "args=a b" other=`,
	}}, got)
}

func TestHaltAndReboot(t *testing.T) {
	for _, what := range []string{"halt", "reboot"} {
		got := play{files: withConfig("set timeout=0\nmenuentry X { " + what + " }\n")}.run(t)
		check(t, result{Boots: []string{what}}, got)
	}
}

func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	user := vt.NewPlayer(vt.Step{When: "in 3s", Do: func(*vt.Screen) { cancel() }})
	l := Loader{
		Disks:   []Disk{gpt(ext4(t, withConfig("set timeout=5\n"+entry("A", "")))).disk("xvda")},
		Console: user, Now: user.Now,
		Boot: func(context.Context, image.Request) error { t.Error("booted"); return nil },
	}
	if err := l.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	if err := (&Loader{}).Run(ctx); err == nil {
		t.Error("a Loader without anything runs")
	}
}
