package command_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/golden"
	"pvboot/loader/fs"
	"pvboot/loader/grub"
	"pvboot/loader/grub/command"
	"pvboot/loader/grub/grubenv"
	"pvboot/loader/grub/grubtest"
)

// host has two disks: one with partitions, one that holds a filesystem
// itself and cannot be read.
func host() *grubtest.Host {
	dev := func(name, disk, table, uuid string, aliases ...string) grub.Device {
		return grub.Device{Name: name, Disk: disk, PartMap: table, PartUUID: uuid, Aliases: aliases, Size: 1 << 20}
	}
	root := grubtest.Files("aaaa-1111", "root", map[string]string{
		"boot/grub/grub.cfg": "echo hi\n", "boot/vmlinuz-1": "one", "boot/vmlinuz-2": "two", "boot/same-1": "one",
		"boot/.hidden": "h", "etc/hostname": "name\x01\r\n", "empty": "",
	})
	root.MapFS["boot/vmlinuz-1"].ModTime = time.Unix(1000, 0)
	root.MapFS["boot/vmlinuz-2"].ModTime = time.Unix(2000, 0)
	return &grubtest.Host{Disks: []grubtest.Disk{
		{Device: dev("xen/xvda", "xen/xvda", "", "", "hd0")},
		{Device: dev("xen/xvda,gpt1", "xen/xvda", "gpt", "01234567-89ab", "hd0,gpt1", "hd0,1"),
			FS: grubtest.Files("ABCD-EF01", "EFI", map[string]string{"EFI/debian/grub.cfg": ""})},
		{Device: dev("xen/xvda,gpt2", "xen/xvda", "gpt", "", "hd0,gpt2", "hd0,2"), FS: root},
		{Device: dev("xen/xvdb", "xen/xvdb", "", "", "hd1"), Err: grubtest.ErrIO},
		{Device: dev("xen/xvdc", "xen/xvdc", "", "", "hd2"), FS: grubtest.Files("aaaa-1111", "copy", nil)},
	}}
}

func newInterp(h *grubtest.Host) *grub.Interp {
	in := grub.New(h, command.All(), grub.Limits{})
	in.Env().Set("root", "xen/xvda,gpt2")
	in.Env().Set("prefix", "(xen/xvda,gpt2)/boot/grub")
	return in
}

// TestCommands: what scripts print.
func TestCommands(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"search --no-floppy --fs-uuid --set=root abcd-ef01; echo $root", "xen/xvda,gpt1\n"},
		{"search --fs-uuid --set=root --hint-bios=hd0,gpt9 --hint='xen/xvdc' aaaa-1111; echo $root", "xen/xvdc\n"},
		{"search --fs-uuid --set=root --hint-efi=hd0,gpt2 AAAA-1111; echo $root", "xen/xvda,gpt2\n"},
		{"search --fs-uuid --set=root --hint hd0, aaaa-1111; echo $root", "xen/xvda,gpt2\n"},
		{"search --fs-uuid --set=x --hint-future=hd0 aaaa-1111; echo $x", "xen/xvda,gpt2\n"},
		{"search --fs-uuid aaaa-1111", " xen/xvda,gpt2 xen/xvdc\n"},
		{"search -l root -s; echo $root", "xen/xvda,gpt2\n"},
		{"search --label --set root; echo $root", "xen/xvda,gpt2\n"},
		{"search --label --set=a EFI; echo $a", "xen/xvda,gpt1\n"},
		{"search --file --set=a /EFI/debian/grub.cfg; echo $a", "xen/xvda,gpt1\n"},
		{"search -f /nosuch --set=a; echo $? $a $root", "error: no such device: /nosuch.\n5 xen/xvda,gpt2\n"},
		{"search --efidisk-only -u -s a abcd-ef01; echo $?", "error: no such device: abcd-ef01.\n5\n"},
		{"search -u", "error: one argument expected.\n"},
		{"search.fs_uuid ABCD-ef01 a hd1 hd0,1; echo $a", "xen/xvda,gpt1\n"},
		{"search.fs_label copy", " xen/xvdc\n"},
		{"search.file /boot/vmlinuz-1 root; echo $root", "xen/xvda,gpt2\n"},
		{"search.file", "error: one argument expected.\n"},

		{"ls", "(xen/xvda) (xen/xvda,gpt1) (xen/xvda,gpt2) (xen/xvdb) (xen/xvdc) \n"},
		{"ls -l", "Device xen/xvda: No known filesystem detected - Total size 2048 sectors\n" +
			"Partition xen/xvda,gpt1: Filesystem type ext2 - Label `EFI', UUID ABCD-EF01 - Total size 2048 sectors\n" +
			"Partition xen/xvda,gpt2: Filesystem type ext2 - Label `root', UUID aaaa-1111 - Total size 2048 sectors\n" +
			"Device xen/xvdb: No known filesystem detected - Total size 2048 sectors\n" +
			"Device xen/xvdc: Filesystem type ext2 - Label `copy', UUID aaaa-1111 - Total size 2048 sectors\n\n"},
		{"ls (hd0,1)", "Partition xen/xvda,gpt1: Filesystem type ext2 - Label `EFI', UUID ABCD-EF01 - Total size 2048 sectors\n"},
		{"ls /", "boot/ empty etc/ \n"},
		{"ls (hd0,2)/boot", "grub/ same-1 vmlinuz-1 vmlinuz-2 \n"},
		{"ls -a /boot", ".hidden grub/ same-1 vmlinuz-1 vmlinuz-2 \n"},
		{"ls -l /boot", "DIR         grub/\n3           same-1\n3            19700101001640 vmlinuz-1\n3            19700101003320 vmlinuz-2\n\n"},
		{"ls -lh /etc/hostname", "7B          hostname\n\n"},
		{"ls /nosuch", "error: file `/nosuch' not found.\n"},
		{"ls (hd1)/", "error: disk `xen/xvdb': input/output error.\n"},
		{"echo /boot/v* (hd0,*)/E* (*z) *", "/boot/vmlinuz-1 /boot/vmlinuz-2 (hd0,*)/E* (*z) (xen/xvda) (xen/xvdb) (xen/xvdc)\n"},
		{"echo (xen/xvda,*)/E* (*b*) '/boot/v*' /boot/v\\*", "(xen/xvda,gpt1)/EFI (xen/xvdb) /boot/v* /boot/v*\n"},
		{"echo /*/grub/grub.cfg /*/nosuch /boot/?mlinuz-1 boot/*", "/boot/grub/grub.cfg /*/nosuch /boot/vmlinuz-1 boot/*\n"},
		{"echo (xen/*)/boot/grub */EFI (*,gpt?)/boot", "(xen/xvda,gpt2)/boot/grub */EFI (xen/xvda,gpt2)/boot\n"},
		{"for k in /boot/vmlinuz-*; do echo -n [$k]; done", "[/boot/vmlinuz-1][/boot/vmlinuz-2]"},

		{"cat /etc/hostname", "name<1><d>\n\n"},
		{"cat --dos /etc/hostname", "name<1>\n\n"},
		{"cat", "error: filename expected.\n"},
		{"cat /boot", "error: `/boot' is not a regular file.\n"},
		{"cmp -v /boot/vmlinuz-1 /boot/same-1; echo $?", "The files are identical.\n0\n"},
		{"cmp -v /boot/vmlinuz-1 /boot/vmlinuz-2; echo $?", "Files differ at the offset 0: 0x6f [/boot/vmlinuz-1], 0x74 [/boot/vmlinuz-2]\n1\n"},
		{"cmp -v /empty /boot/vmlinuz-2; echo $?", "Files differ in size: 0 [/empty], 3 [/boot/vmlinuz-2]\n1\n"},
		{"cmp /empty", "error: two arguments expected.\n"},

		{"probe -u (hd0,gpt1); probe --set=l -l hd0,gpt2; echo; echo $l", "ABCD-EF01\nroot\n"},
		{"probe -p hd0; echo; probe -p hd0,1; echo; probe --part-uuid hd0,1; echo; probe -d hd0", "none\ngpt\n01234567-89ab\nxen"},
		{"probe -f hd0,1; echo; probe -f hd0; probe; probe hd0,1", "ext2\nerror: disk `xen/xvda': unknown filesystem.\nerror: device name required.\nerror: unrecognised target.\n"},

		{"[ -e /boot ]; echo $?; [ -d /boot ]; echo $?; [ -f /boot ]; echo $?; [ -s /boot ]; echo $?", "0\n0\n1\n1\n"},
		{"[ -e /empty ]; echo $?; [ -f /empty ]; echo $?; [ -s /empty ]; echo $?; [ -s /boot/same-1 ]; echo $?", "0\n0\n1\n0\n"},
		{"[ -d / -a -d (hd0,1) -a -d (hd0,1)/ ]; echo $?; [ -e (hd1)/x ]; echo $?; [ -e ]; echo $?", "0\n1\n0\n"},
		{"cd=/boot; [ $cd/vmlinuz-2 -nt $cd/vmlinuz-1 ]; echo $?; [ $cd/vmlinuz-2 -ot $cd/vmlinuz-1 ]; echo $?", "0\n1\n"},
		{"cd=/boot; [ $cd/vmlinuz-1 -nt1001 $cd/vmlinuz-2 ]; echo $?; [ $cd/vmlinuz-1 -nt /nosuch ]; echo $?", "0\n0\n"},
		{"[ 99999999999999999999999 -gt 1 ]; echo $?; [ x -eq 0 ]; echo $?; [ --1 -eq -1 ]; echo $?", "0\n0\n0\n"},

		{"if loadfont unicode; then terminal_output gfxterm; insmod x; rmmod tpm; fi; background_image x; play 1 2 3; echo $?", "0\n"},
		{"cpuid -l && echo", "error: syntax error at 1:10: unexpected \"&&\".\n"},
		{"cpuid -l; echo $?; keystatus --shift; echo $?; fwsetup --is-supported; echo $?", "0\n1\n1\n"},
		{"fwsetup", "error: reboot to firmware setup is not supported by the current firmware.\n"},
		{"sleep 2; sleep --verbose 1; echo", "\r1    \r0    \n"},
		{"read a; read -s b; echo $a $b; read c; echo $?", "first\nfirst second\n1\n"},
		{"regexp '(a+)(b*)' xaab", ""},
		{"source /boot/grub/grub.cfg; . /boot/grub/grub.cfg; source /nosuch", "hi\nhi\nerror: file `/nosuch' not found.\n"},
		{"set x=1; set | true", "error: syntax error at 1:14: unexpected \"|\".\n"},
		{"help sleep", "Usage: sleep NUMBER_OF_SECONDS\nWait for a specified number of seconds.\n\n" +
			"-v, --verbose           Verbose countdown.\n-i, --interruptible     Allow to interrupt with ESC.\n" +
			"-h, --help              Display this help and exit.\n-u, --usage             Display the usage of this command and exit.\n"},
		{"sleep --usage; sleep -h x; echo $?", "Usage: sleep NUMBER_OF_SECONDS\nUsage: sleep NUMBER_OF_SECONDS\nWait for a specified number of seconds.\n\n" +
			"-v, --verbose           Verbose countdown.\n-i, --interruptible     Allow to interrupt with ESC.\n" +
			"-h, --help              Display this help and exit.\n-u, --usage             Display the usage of this command and exit.\n0\n"},
		{"export a b; echo $?; lsmod", "0\nName\tRef Count\tDependencies\n"},
	} {
		h := host()
		h.Input = []string{"first", "second"}
		newInterp(h).Run(context.Background(), "", []byte(c.src))
		if d := cmp.Diff(c.want, h.Out.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.src, d)
		}
	}
}

// TestHelp keeps every command's manual in a golden file.
func TestHelp(t *testing.T) {
	h := host()
	in := newInterp(h)
	in.RunLine(context.Background(), "help")
	for _, c := range in.Commands() {
		if c.Name == "" || c.Help == "" || c.Run == nil {
			t.Errorf("command %q is not complete", c.Name)
		}
		h.Out.WriteString("\n" + c.Manual())
	}
	golden.Check(t, "help.txt", h.Out.String())
}

// TestHelpArm64 keeps the list there, and the manuals of what only some
// architectures have.
func TestHelpArm64(t *testing.T) {
	h := host()
	h.GOARCH = "arm64"
	in := newInterp(h)
	in.RunLine(context.Background(), "help")
	for _, c := range in.Commands() {
		if c.Archs != nil {
			h.Out.WriteString("\n" + c.Manual())
		}
	}
	golden.Check(t, "help_arm64.txt", h.Out.String())
}

// TestArchitecture: what scripts learn of the processor, and which commands
// it has.
func TestArchitecture(t *testing.T) {
	for arch, want := range map[string]string{
		"amd64":   "x86_64 xen 0\nerror: can't find command `devicetree'.\n",
		"arm64":   "error: can't find command `cpuid'.\narm64 xen 0\nerror: can't find command `drivemap'.\n",
		"riscv64": "error: can't find command `cpuid'.\nriscv64 xen 0\nerror: can't find command `drivemap'.\n",
		"ppc64le": "error: can't find command `cpuid'.\npowerpc xen 0\nerror: can't find command `devicetree'.\nerror: can't find command `drivemap'.\n",
	} {
		h := host()
		h.GOARCH = arch
		src := "cpuid -l; echo $grub_cpu $grub_platform $?; devicetree"
		if arch != "amd64" {
			src += "; drivemap"
		}
		newInterp(h).RunLine(context.Background(), src)
		if d := cmp.Diff(want, h.Out.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", arch, d)
		}
	}
}

// TestHost: what scripts do to the host.
func TestHost(t *testing.T) {
	h := host()
	in := newInterp(h)
	in.RunLine(context.Background(), "halt; exit; reboot; clear; sleep 3; sleep --interruptible 2")
	if h.Halted != 2 || h.Reset != 1 || h.Cleared != 1 || h.Slept != 5*time.Second {
		t.Errorf("%d halts, %d reboots, %d clears, slept %v", h.Halted, h.Reset, h.Cleared, h.Slept)
	}
	h.Escape = true
	in.RunLine(context.Background(), "if sleep --interruptible 5; then echo slept; else echo escape; fi")
	if h.Out.String() != "escape\n" {
		t.Errorf("printed %q", h.Out.String())
	}
}

// TestCommandLine: the kernel's command line, quoted as GRUB does.
func TestCommandLine(t *testing.T) {
	for args, want := range map[string]string{
		``:                           ``,
		` root=/dev/xvda1 ro  quiet`: ` root=/dev/xvda1 ro quiet`,
		` "a b" 'c d'=e`:             ` "a b" "c d=e"`,
		` 'a"b' "c'd" e\\f`:          ` a\"b c\'d e\\f`,
		` "x \" y"`:                  ` "x \" y"`,
		` "" ''`:                     `  `,
		` "tab	in"`:                  ` tab	in`,
		` $nosuch $root`:             ` xen/xvda,gpt2`,
		` --- 'a;b' {`:               ``,
	} {
		h := host()
		in := newInterp(h)
		in.RunLine(context.Background(), "linux /boot/vmlinuz-1"+args+"; initrd /boot/vmlinuz-2 (hd0,1)/EFI/debian/grub.cfg; boot")
		if strings.Contains(args, "{") {
			if len(h.Booted) != 0 {
				t.Errorf("%q: booted", args)
			}
			continue
		}
		want := []grubtest.Boot{{
			Kernel: "(xen/xvda,gpt2)/boot/vmlinuz-1", CmdLine: "BOOT_IMAGE=/boot/vmlinuz-1" + want,
			Initrd: []string{"(xen/xvda,gpt2)/boot/vmlinuz-2", "(xen/xvda,gpt1)/EFI/debian/grub.cfg"},
			Bytes:  []string{"one", "two", ""},
		}}
		if d := cmp.Diff(want, h.Booted); d != "" {
			t.Errorf("%q: %s\n%s", args, h.Out.String(), d)
		}
	}
}

// TestNothingElseBoots: a kernel or initrd that fails leaves nothing to boot,
// not what was loaded before.
func TestNothingElseBoots(t *testing.T) {
	for _, src := range []string{
		"linux /boot/vmlinuz-1; linux /nosuch; boot",
		"linux /boot/vmlinuz-1; linux; boot",
		"linux /boot/vmlinuz-1; initrd /boot/vmlinuz-2 /nosuch; boot",
		"linux /boot/vmlinuz-1; chainloader +1; boot",
		"linux /boot/vmlinuz-1; initrd (hd1)/x; boot",
		"linux /empty; boot",
		"boot",
	} {
		h := host()
		newInterp(h).RunLine(context.Background(), src)
		if len(h.Booted) != 0 || !strings.Contains(h.Out.String(), "you need to load the kernel first") {
			t.Errorf("%s: booted %v\n%s", src, h.Booted, h.Out.String())
		}
	}
	h := host()
	newInterp(h).RunLine(context.Background(), "linux /boot/vmlinuz-1; initrd /boot/same-1; initrd /boot/vmlinuz-2; boot")
	if len(h.Booted) != 1 || len(h.Booted[0].Initrd) != 1 || h.Booted[0].Bytes[1] != "two" {
		t.Errorf("the last initrd command does not count: %v", h.Booted)
	}
}

// block is an environment block's bytes.
func block(t *testing.T, vars ...string) string {
	b := grubenv.New()
	for i := 0; i < len(vars); i += 2 {
		b.Set(vars[i], vars[i+1])
	}
	raw, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// envHost has a grubenv in two pieces, in the middle of 4 KiB sectors where
// other bytes stand around.
func envHost(content string, change func(*grubtest.RAM, *grubtest.FS)) (*grubtest.Host, *grubtest.RAM) {
	ram := grubtest.NewRAM(1<<16, 4096)
	for i := range ram.Data {
		ram.Data[i] = byte(i)
	}
	half := min(600, len(content))
	copy(ram.Data[5000:], content[:half])
	copy(ram.Data[20000:], content[half:])
	fsys := grubtest.Files("1", "", map[string]string{"g/grubenv": content})
	fsys.Volume = ram
	fsys.Extents = map[string][]fs.Extent{"g/grubenv": {
		{Offset: 0, Length: int64(half), Physical: 5000},
		{Offset: int64(half), Length: int64(len(content) - half), Physical: 20000},
	}}
	if change != nil {
		change(ram, &fsys)
	}
	return &grubtest.Host{Disks: []grubtest.Disk{{
		Device: grub.Device{Name: "xen/xvda", Disk: "xen/xvda"}, FS: fsys, Volume: ram,
	}}}, ram
}

func TestEnvFiles(t *testing.T) {
	h, ram := envHost(block(t, "saved_entry", "old", "other", "x\ny"), nil)
	before := string(ram.Data)
	in := newInterp(h)
	in.Env().Set("prefix", "(xen/xvda)/g")
	in.RunLine(context.Background(), "list_env; load_env saved_entry; echo $saved_entry,$other; load_env; echo \"$other\"\n"+
		"saved_entry='new>1'; unset other; save_env saved_entry other; save_env saved_entry; list_env -f (xen/xvda)/g/grubenv")
	if d := cmp.Diff("saved_entry=old\nother=x\ny\nold,\nx\ny\nsaved_entry=new>1\n", h.Out.String()); d != "" {
		t.Error(d)
	}
	want := block(t, "saved_entry", "new>1")
	if got := string(ram.Data[5000:5600]) + string(ram.Data[20000:20424]); got != want {
		t.Errorf("on disk: %q", got)
	}
	for _, r := range [][2]int{{0, 5000}, {5600, 20000}, {20424, 1 << 16}} {
		if string(ram.Data[r[0]:r[1]]) != before[r[0]:r[1]] {
			t.Errorf("bytes %d to %d changed", r[0], r[1])
		}
	}
	// The second half is padding before and after.
	if ram.Writes != 1 {
		t.Errorf("%d writes, want 1: nothing is written that does not change", ram.Writes)
	}
}

// TestSaveEnvRefuses: one line, and not a byte changed.
func TestSaveEnvRefuses(t *testing.T) {
	good := block(t, "a", "1")
	extents := func(e ...fs.Extent) func(*grubtest.RAM, *grubtest.FS) {
		return func(_ *grubtest.RAM, f *grubtest.FS) { f.Extents["g/grubenv"], f.Volume = e, nil }
	}
	for name, c := range map[string]struct {
		content string
		change  func(*grubtest.RAM, *grubtest.FS)
		want    string
	}{
		"short":     {good[:1000], nil, "`(xen/xvda)/g/grubenv': invalid environment block: 1000 bytes instead of 1024"},
		"long":      {good + good, nil, "`(xen/xvda)/g/grubenv': invalid environment block: 2048 bytes instead of 1024"},
		"huge":      {strings.Repeat("x", 70000), func(_ *grubtest.RAM, f *grubtest.FS) { delete(f.Extents, "g/grubenv") }, "file `(xen/xvda)/g/grubenv' of 70000 bytes is longer than 65536"},
		"signature": {strings.Repeat("#", 1024), nil, "`(xen/xvda)/g/grubenv': invalid environment block: no signature"},
		"full":      {block(t, "x", strings.Repeat("y", 995)), nil, "`(xen/xvda)/g/grubenv': environment block too small"},
		"hole":      {good, extents(fs.Extent{Length: 600, Physical: 5000}, fs.Extent{Offset: 600, Length: 424, Physical: fs.Hole}), "sparse file not allowed"},
		"part":      {good, extents(fs.Extent{Length: 600, Physical: 5000}), "extents hold 600 bytes of 1024"},
		"gap":       {good, extents(fs.Extent{Length: 600, Physical: 5000}, fs.Extent{Offset: 700, Length: 324, Physical: 20000}), "extent 1 is not a part of the file"},
		"beyond":    {good, extents(fs.Extent{Length: 1024, Physical: 1<<16 - 1000}), "extent 0 is not a part of the file"},
		"far":       {good, extents(fs.Extent{Length: 1024, Physical: 1<<63 - 10}), "extent 0 is not a part of the file"},
		"negative":  {good, extents(fs.Extent{Length: 1024, Physical: -2}), "extent 0 is not a part of the file"},
		"overlap":   {good, extents(fs.Extent{Length: 600, Physical: 5000}, fs.Extent{Offset: 600, Length: 424, Physical: 5100}), "extents 0 and 1 overlap"},
		"elsewhere": {good, extents(fs.Extent{Length: 1024, Physical: 5001}), "invalid blocklist: other bytes stand at offset 5001 of the disk"},
		"inline":    {good, func(_ *grubtest.RAM, f *grubtest.FS) { delete(f.Extents, "g/grubenv") }, "filesystem cannot be written"},
		"io error":  {good, func(r *grubtest.RAM, f *grubtest.FS) { r.FailAt, f.Volume = 5001, nil }, "reading at offset 4096 of the disk: input/output error"},
	} {
		t.Run(name, func(t *testing.T) {
			h, ram := envHost(c.content, c.change)
			before := string(ram.Data)
			in := newInterp(h)
			in.RunLine(context.Background(), "a=2; b=1; save_env -f (xen/xvda)/g/grubenv a b; echo $?")
			if !regexp.MustCompile(`^error: [^\n]*` + regexp.QuoteMeta(c.want) + `\.\n[1-9]\d*\n$`).MatchString(h.Out.String()) {
				t.Errorf("printed %q, want %q", h.Out.String(), c.want)
			}
			if string(ram.Data) != before {
				t.Error("the disk changed")
			}
		})
	}
}

// TestSaveEnvVerifies: a disk that does not keep what is written is noticed.
func TestSaveEnvVerifies(t *testing.T) {
	h, ram := envHost(block(t, "a", "1"), nil)
	ram.Forget = true
	newInterp(h).RunLine(context.Background(), "a=2; save_env -f (xen/xvda)/g/grubenv a")
	if want := "error: `(xen/xvda)/g/grubenv': the disk does not hold what was written at offset 4096.\n"; h.Out.String() != want {
		t.Errorf("printed %q", h.Out.String())
	}
	h, _ = envHost(block(t, "a", "1"), nil)
	h.Disks[0].Volume = readOnly{ram}
	newInterp(h).RunLine(context.Background(), "a=2; save_env -f (xen/xvda)/g/grubenv a; save_env")
	if want := "error: `(xen/xvda)/g/grubenv': disk is read-only.\nerror: no variable is specified.\n"; h.Out.String() != want {
		t.Errorf("printed %q", h.Out.String())
	}
}

// readOnly is a disk without WriteAt.
type readOnly struct{ ram *grubtest.RAM }

func (r readOnly) ReadAt(p []byte, off int64) (int, error) { return r.ram.ReadAt(p, off) }
func (r readOnly) Size() int64                             { return r.ram.Size() }
func (r readOnly) SectorSize() int                         { return r.ram.SectorSize() }
