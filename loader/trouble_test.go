package loader

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pvboot/internal/vt"
	"pvboot/loader/image"
	"pvboot/loader/volume"
)

// TestTrouble has what can go wrong before and while an entry runs: each case
// ends in one clear line and in the menu or the command line, where the user
// then does something.
func TestTrouble(t *testing.T) {
	good := entry("Good", "--id good")
	tests := []struct {
		name  string
		cfg   string
		files tree   // added to the configuration's
		line  string // must be told, and nothing panics
		user  []vt.Step
		boots []string
	}{
		{
			name: "no entries", cfg: "set timeout=5\n",
			line:  "error: (xen/xvda,gpt1)/boot/grub/grub.cfg: no menu entries.",
			user:  []vt.Step{{When: "grub>", Keys: "linux /boot/vmlinuz; boot\r"}},
			boots: []string{"(xen/xvda,gpt1)/boot/vmlinuz | BOOT_IMAGE=/boot/vmlinuz"},
		},
		{
			name: "empty file", cfg: "",
			line: "error: (xen/xvda,gpt1)/boot/grub/grub.cfg: no menu entries.",
			user: []vt.Step{{When: "grub>"}},
		},
		{
			name: "syntax error", cfg: "set timeout=5\nif true; then\n  echo x\nfi fi\n" + good,
			line:  "grub.cfg:4:4",
			user:  []vt.Step{{When: "grub.cfg:4:4", Keys: "\r"}},
			boots: []string{booted("Good")},
		},
		{
			name: "unfinished", cfg: good + "if true; then\n",
			line:  "grub.cfg:6:1",
			user:  []vt.Step{{When: "*Good", Keys: "\r"}},
			boots: []string{booted("Good")},
		},
		{
			name: "unknown command", cfg: "frobnicate\nset timeout=3\n" + good,
			line:  "can't find command `frobnicate'",
			boots: []string{booted("Good")},
		},
		{
			name: "endless loop", cfg: good + "while true; do true; done\n",
			line:  "limit",
			user:  []vt.Step{{When: "*Good", Keys: "\r"}},
			boots: []string{booted("Good")},
		},
		{
			name: "missing kernel", cfg: "set timeout=3\nmenuentry Bad { linux /boot/nothing }\n" + good,
			line:  "/boot/nothing",
			user:  []vt.Step{{When: "Press any key to continue...", Keys: " "}, {When: "*Bad", Keys: "v\r"}},
			boots: []string{booted("Good")},
		},
		{
			name: "missing initrd", cfg: "set timeout=3\nset fallback=good\nmenuentry Bad { linux /boot/vmlinuz\ninitrd /boot/nothing }\n" + good,
			line:  "/boot/nothing",
			boots: []string{booted("Good")},
		},
		{
			name: "kernel is a folder", cfg: "set timeout=3\nset fallback=good\nmenuentry Bad { linux /boot/grub }\n" + good,
			line:  "/boot/grub",
			boots: []string{booted("Good")},
		},
		{
			name: "missing device", cfg: "set timeout=3\nset fallback=good\nmenuentry Bad { linux (hd7,gpt3)/boot/vmlinuz }\n" + good,
			line:  "hd7,gpt3",
			boots: []string{booted("Good")},
		},
		{
			name: "no kernel", cfg: "set timeout=3\nset fallback=good\nmenuentry Bad { boot }\n" + good,
			line:  "kernel",
			boots: []string{booted("Good")},
		},
		{
			name: "grubenv of the wrong size", cfg: "set timeout=3\nload_env\nset default=$saved_entry\n" + good,
			files: tree{"boot/grub/grubenv": "# GRUB Environment Block\nsaved_entry=x\n"},
			line:  "grubenv",
			boots: []string{booted("Good")},
		},
		{
			name: "grubenv without a signature", cfg: "set timeout=3\nload_env\n" + good,
			files: tree{"boot/grub/grubenv": strings.Repeat("x", 1024)},
			line:  "grubenv",
			boots: []string{booted("Good")},
		},
		{
			name: "a submenu in itself", cfg: "function again { submenu Again { again; }; }\nagain\nsubmenu Empty { true }\n" + good,
			line:  "*Again",
			user:  []vt.Step{{When: "*Again", Keys: "\r"}, {When: "to return previous menu", Keys: "\x1b"}, {When: "Good", Keys: "vv\r"}},
			boots: []string{booted("Good")},
		},
		{
			name: "locked", cfg: "set superusers=root\nset timeout=3\n" + good + entry("Open", "--unrestricted"),
			line: "access denied",
			user: []vt.Step{
				{When: "Press any key", Keys: " "}, {When: "*Good", Keys: "c"}, {When: "*Good", Wait: 30 * time.Second, Keys: "v\r"},
			},
			boots: []string{booted("Open")},
		},
		{
			name: "locked without entries", cfg: "set superusers=root\n",
			line: "error: access denied: the command line asks for a password, which is not supported.",
			user: []vt.Step{{When: "access denied", Keys: "boot\r"}},
		},
		{
			name: "script interrupted", cfg: "set timeout=0\n" + good + "while true; do echo again; sleep 100; done\n",
			line:  "interrupted",
			user:  []vt.Step{{When: "again", Wait: 250 * time.Second, Keys: "\x03"}},
			boots: []string{booted("Good")},
		},
		{
			name: "entry interrupted", cfg: "set timeout=0\nmenuentry Bad { sleep 100; linux /boot/vmlinuz; }\n" + good,
			line:  "interrupted",
			user:  []vt.Step{{When: "Booting", Keys: "\x03"}, {When: "Press any key", Keys: " "}, {When: "Failed to boot both", Keys: " "}, {When: "*Bad", Keys: "v\r"}},
			boots: []string{booted("Good")},
		},
		{
			name: "command line and back", cfg: "set timeout=5\n" + good,
			line: "can't find command `nonsense'",
			user: []vt.Step{
				{When: menuText, Keys: "c"}, {When: "grub>", Keys: "nonsense\r"},
				{When: "can't find", Keys: "if true\rthen echo 'multi\rline'\rfi\r"},
				{When: "multi\nline", Keys: "\x1b"}, {When: "*Good", Wait: time.Minute, Keys: "\r"},
			},
			boots: []string{booted("Good")},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := withConfig(tt.cfg)
			for name, text := range tt.files {
				files[name] = text
			}
			want := result{Boots: tt.boots}
			if tt.boots == nil {
				want.Err = io.EOF // the user went away
			}
			got := play{files: files, steps: tt.user}.run(t)
			check(t, want, got)
			if !strings.Contains(got.log, tt.line) {
				t.Errorf("%q was not told; screen:\n%s", tt.line, got.last)
			}
			for _, bad := range []string{"internal error", "context canceled"} {
				if strings.Contains(got.log, bad) {
					t.Errorf("%s:\n%s", bad, got.log)
				}
			}
		})
	}
}

// TestNoConfig has disks without a usable configuration.
func TestNoConfig(t *testing.T) {
	broken := errors.New("request at sector 2 failed")
	empty := &memDisk{data: make([]byte, 1<<20)}
	sick := gpt(ext4(t, withConfig(entry("A", ""))))
	sick.bad = func(off, n int64) error { return broken }
	half := gpt(ext4(t, withConfig(entry("A", ""))))
	half.bad = func(off, n int64) error {
		if off >= 1<<20 {
			return broken
		}
		return nil
	}
	table := gpt(ext4(t, tree{"x": ""}))
	table.data[sector+60] ^= 1 // primary and
	table.data[len(table.data)-sector+60] ^= 1
	tests := []struct {
		name  string
		disks []Disk
		want  []string
	}{
		{"no disks", []Disk{}, []string{"error: no grub.cfg found on no disks."}},
		{"empty disk", []Disk{empty.disk("xvda")}, []string{"no grub.cfg found on xen/xvda (unknown filesystem)"}},
		{"no configuration", []Disk{gpt(ext4(t, tree{"etc/fstab": ""})).disk("xvda"), empty.disk("xvdb")},
			[]string{"no grub.cfg found on xen/xvda,gpt1 (ext2), xen/xvdb (unknown filesystem)."}},
		{"a folder", []Disk{gpt(ext4(t, tree{"boot/grub/grub.cfg/": ""})).disk("xvda")},
			[]string{"(xen/xvda,gpt1)/boot/grub/grub.cfg: not a regular file."}},
		{"cannot be opened", []Disk{{Name: "xen/xvda", Open: func() (volume.Device, error) { return nil, broken }}},
			[]string{"error: xen/xvda: request at sector 2 failed."}},
		{"unreadable", []Disk{sick.disk("xvda")}, []string{"xen/xvda: ", "request at sector 2 failed"}},
		{"unreadable partition", []Disk{half.disk("xvda")}, []string{"xen/xvda,gpt1", "request at sector 2 failed"}},
		{"broken table", []Disk{table.disk("xvda")}, []string{"error: xen/xvda: gpt"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := play{disks: tt.disks, steps: []vt.Step{{When: "grub>", Keys: "ls\r"}}}.run(t)
			check(t, result{Err: io.EOF}, got)
			for _, want := range tt.want {
				if !strings.Contains(strings.ReplaceAll(got.log, "\r\n", "\n"), want) {
					t.Errorf("%q was not told; screen:\n%s", want, got.last)
				}
			}
		})
	}
}

// TestReadErrors has disks of which one part cannot be read.
func TestReadErrors(t *testing.T) {
	broken := errors.New("request at sector 4711 failed")
	cfg := "set timeout=3\nset fallback=1\nload_env\n" + strings.ReplaceAll(entry("Bad", ""), "/boot/", "/bad/") + entry("Good", "")
	tests := []struct {
		name, where string // text that stands in the part
		line        string
		boots       []string
	}{
		{"configuration", "set timeout=3", "(xen/xvda,gpt1)/boot/grub/grub.cfg", nil},
		{"environment", "# GRUB Environment Block", "/boot/grub/grubenv", []string{booted("Good")}},
		{"kernel", "the bad kernel", "(xen/xvda,gpt1)/bad/vmlinuz", []string{booted("Good")}},
		{"initrd", "the bad initrd", "(xen/xvda,gpt1)/bad/initrd.img", []string{booted("Good")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := withConfig(cfg)
			files["boot/grub/grubenv"] = "# GRUB Environment Block\n" + strings.Repeat("#", 999)
			files["bad/vmlinuz"] = strings.Repeat("the bad kernel", 100)
			files["bad/initrd.img"] = strings.Repeat("the bad initrd", 100)
			disk := gpt(ext4(t, files))
			at := int64(bytes.Index(disk.data, []byte(tt.where)))
			disk.bad = func(off, n int64) error {
				if off <= at && at < off+n {
					return broken
				}
				return nil
			}
			user := []vt.Step{{When: "grub>"}}
			want := result{Err: io.EOF}
			if tt.boots != nil {
				user, want = nil, result{Boots: tt.boots}
			}
			if tt.name == "environment" {
				user = []vt.Step{{When: menuText, Keys: "v\r"}}
			}
			got := play{disks: []Disk{disk.disk("xvda")}, steps: user}.run(t)
			check(t, want, got)
			text := strings.NewReplacer("\r\n", "").Replace(got.log)
			if !strings.Contains(text, tt.line) || !strings.Contains(text, broken.Error()) {
				t.Errorf("%q and %q were not told; log:\n%s", tt.line, broken, got.log)
			}
		})
	}
}

// TestBug sees that a panic of ours ends neither the loader nor in silence.
func TestBug(t *testing.T) {
	user := vt.NewPlayer(
		vt.Step{When: "Press any key", Keys: " "},
		vt.Step{When: "*A", Wait: time.Minute, Keys: "c"},
		vt.Step{When: "grub>", Keys: "linux /boot/vmlinuz; boot\r"},
		vt.Step{When: "grub>", Keys: "\x1b"},
		vt.Step{When: "*A", Keys: "\r"},
	)
	n := 0
	l := Loader{
		Disks:   []Disk{gpt(ext4(t, withConfig("set timeout=1\nset fallback=0\n"+entry("A", "")))).disk("xvda")},
		Console: user, Now: user.Now,
		Boot: func(context.Context, image.Request) error {
			if n++; n <= 3 {
				var plan *image.Plan
				plan.Kind = "nil dereference"
			}
			return nil
		},
	}
	if err := l.Run(context.Background()); err != nil || n != 4 {
		t.Errorf("Run ended after %d boots with %v", n, err)
	}
	log := user.Log.String()
	if !strings.Contains(log, "error: internal error: runtime error: invalid memory address") || !strings.Contains(log, "TestBug") {
		t.Errorf("no message with a trace; log:\n%s", log)
	}
	if !user.Done() {
		t.Errorf("the user still waits for %q", user.Waiting())
	}
}
