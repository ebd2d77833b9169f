package testdisk

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/cache"
	"pvboot/internal/golden"
)

// config returns the configuration of a disk with a kernel that is none.
func config(t *testing.T) *Config {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"vmlinuz":         strings.Repeat("kernel ", 1000),
		"busybox":         "#!/bin/true\n",
		"unicode.pf2":     "FILE",
		"modules.builtin": "kernel/drivers/block/xen-blkfront.ko\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &Config{
		Cache: cache.Dir(dir), Arch: "amd64", Table: "gpt", Filesystem: "ext4", SectorSize: 512,
		Kernel:  Kernel{Version: "6.1.0-1-amd64", Name: "vmlinuz", Image: filepath.Join(dir, "vmlinuz"), Modules: dir},
		Busybox: filepath.Join(dir, "busybox"), Font: filepath.Join(dir, "unicode.pf2"),
	}
}

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if cmd.Err != nil {
		cmd.Path, cmd.Err = filepath.Join("/usr/sbin", name), nil
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s (scripts/install-host-packages installs it): %v: %s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}

// Each kind of disk is checked by the tools of util-linux and e2fsprogs, and
// holds the files.
func TestMake(t *testing.T) {
	for _, c := range []struct {
		table, fs string
		sector    int
		mkfs      string
		start     int // bytes before the filesystem
		parts     []string
	}{
		{"gpt", "ext4", 512, "", gptRootStart, []string{
			"1 start=8192 type=0FC63DAF-8483-4772-8E79-3D69D8477DE4 name=\"root\"",
			"14 start=2048 type=21686148-6449-6E6F-744E-656564454649 name=\"bios\"",
		}},
		{"mbr", "ext3", 512, "", mbrRootStart, []string{
			"1 start=2048 type=83 bootable", "2 start=133120 type=5", "5 start=135168 type=82",
		}},
		{"none", "ext2", 512, "-b 1024", 0, nil},
		{"gpt", "ext4", 4096, "-O ^has_journal,metadata_csum_seed", gptRootStart, nil},
		{"mbr", "ext4", 4096, "", mbrRootStart, nil},
	} {
		t.Run(fmt.Sprintf("%s-%s-%d", c.table, c.fs, c.sector), func(t *testing.T) {
			cfg := config(t)
			cfg.Table, cfg.Filesystem, cfg.SectorSize, cfg.MkfsArgs = c.table, c.fs, c.sector, strings.Fields(c.mkfs)
			disk := filepath.Join(t.TempDir(), "disk")
			if err := Make(context.Background(), cfg, disk); err != nil {
				t.Fatal(err)
			}
			at := fmt.Sprintf("%s?offset=%d", disk, c.start)
			tool(t, "e2fsck", "-fn", at)
			if got := tool(t, "debugfs", "-R", "cat /boot/vmlinuz-6.1.0-1-amd64", at); !strings.Contains(got, "kernel kernel") {
				t.Errorf("the kernel is not there: %.100s", got)
			}
			if c.parts != nil {
				tool(t, "sfdisk", "--verify", disk)
				if diff := cmp.Diff(c.parts, partitions(tool(t, "sfdisk", "--dump", disk), disk)); diff != "" {
					t.Errorf("partitions (-want +got):\n%s", diff)
				}
			}
			for _, name := range []string{"vmlinuz", "initrd.img", "cmdline"} {
				if info, err := os.Stat(filepath.Join(disk+DirectSuffix, name)); err != nil || info.Size() == 0 {
					t.Errorf("for a direct boot: %s: %v", name, err)
				}
			}
		})
	}
}

// partitions returns what sfdisk says about each partition, sizes and IDs left
// out.
func partitions(dump, disk string) []string {
	space := regexp.MustCompile(`\s+`)
	drop := regexp.MustCompile(`(size|uuid)=[^,]*(, )?`)
	var parts []string
	for line := range strings.Lines(dump) {
		if rest, ok := strings.CutPrefix(line, disk); ok {
			rest = drop.ReplaceAllString(space.ReplaceAllString(rest, " "), "")
			rest = strings.NewReplacer(" : ", " ", "= ", "=", ",", "").Replace(rest)
			parts = append(parts, strings.TrimSpace(rest))
		}
	}
	return parts
}

func TestGrubConfig(t *testing.T) {
	for _, table := range []string{"gpt", "mbr", "none"} {
		cfg := config(t)
		cfg.Table = table
		d := &disk{Config: cfg, uuid: "01234567-89ab-8def-8123-456789abcdef"}
		got := d.grubConfig()
		golden.Check(t, table+".cfg", got)
		tool(t, "grub-script-check", filepath.Join("testdata", table+".cfg"))
	}
}

// Debian's kernels for these architectures are called vmlinux.
func TestGrubConfigVmlinux(t *testing.T) {
	golden.Check(t, "riscv64.cfg", (&disk{Config: vmlinuxConfig(t), uuid: "01234567-89ab-8def-8123-456789abcdef"}).grubConfig())
	tool(t, "grub-script-check", filepath.Join("testdata", "riscv64.cfg"))
}

// vmlinuxConfig returns the configuration of a disk with a kernel for riscv64
// that is none, and without modules.
func vmlinuxConfig(t *testing.T) *Config {
	t.Helper()
	cfg := config(t)
	cfg.Arch = "riscv64"
	cfg.Kernel.Version, cfg.Kernel.Name, cfg.Kernel.Modules = "6.12.1-riscv64", "vmlinux", filepath.Join(t.TempDir(), "none")
	return cfg
}

func TestMakeVmlinux(t *testing.T) {
	disk := filepath.Join(t.TempDir(), "disk")
	if err := Make(context.Background(), vmlinuxConfig(t), disk); err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("%s?offset=%d", disk, gptRootStart)
	for request, want := range map[string]string{
		"cat /boot/vmlinux-6.12.1-riscv64": "kernel kernel",
		"stat /vmlinux":                    `Fast link dest: "boot/vmlinux-6.12.1-riscv64"`,
		"cat /boot/grub/grub.cfg":          "linux\t/boot/vmlinux-6.12.1-riscv64 root=UUID=",
	} {
		if got := tool(t, "debugfs", "-R", request, at); !strings.Contains(got, want) {
			t.Errorf("debugfs %s: %s, want %q", request, got, want)
		}
	}
	// The folder has one name for all.
	if got, err := os.ReadFile(filepath.Join(disk+DirectSuffix, "vmlinuz")); err != nil || !bytes.HasPrefix(got, []byte("kernel ")) {
		t.Errorf("for a direct boot: %.10q, %v", got, err)
	}
	if info, err := os.Stat(disk); err != nil || info.Size() > 32*mib {
		t.Errorf("a disk to be held in memory takes %d MiB, %v", info.Size()/mib, err)
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct{ arch, console, want string }{
		{"amd64", "", "root=UUID=U ro console=hvc0"},
		{"amd64", "ttyS0", "root=UUID=U ro console=ttyS0"},
		{"arm64", "", "root=UUID=U ro console=hvc0"},
		{"riscv64", "", "root=UUID=U ro console=ttyS0,115200 earlycon=sbi"},
		{"riscv64", "hvc0", "root=UUID=U ro console=hvc0 earlycon=sbi"},
		{"ppc64le", "", "root=UUID=U ro console=hvc0"},
	} {
		d := &disk{Config: &Config{Arch: c.arch, Console: c.console}, uuid: "U"}
		if got := d.commandLine(); got != c.want {
			t.Errorf("%s, console %q: %q, want %q", c.arch, c.console, got, c.want)
		}
	}
}

func TestCustomConfig(t *testing.T) {
	cfg := config(t)
	cfg.Codecs = []string{"gzip", "none"}
	golden.Check(t, "custom.cfg", (&disk{Config: cfg, uuid: "01234567-89ab-8def-8123-456789abcdef"}).customConfig())
	tool(t, "grub-script-check", filepath.Join("testdata", "custom.cfg"))
}

// Each packing is a file of its own.
func TestFillCodecs(t *testing.T) {
	cfg := config(t)
	cfg.Arch = "arm64"
	image := make([]byte, 4096)
	binary.LittleEndian.PutUint64(image[16:], uint64(len(image))) // image_size
	copy(image[56:], "ARM\x64")
	if err := os.WriteFile(cfg.Kernel.Image, image, 0o644); err != nil {
		t.Fatal(err)
	}
	cfg.Codecs = []string{"gzip", "zboot-zstd"}
	d := &disk{Config: cfg, root: t.TempDir(), uuid: "01234567-89ab-8def-8123-456789abcdef"}
	if err := os.MkdirAll(filepath.Join(d.root, "boot/grub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.fillCodecs(); err != nil {
		t.Fatal(err)
	}
	for name, magic := range map[string]string{"vmlinuz.gzip": "\x1f\x8b", "vmlinuz.zboot-zstd": "MZ", "grub/custom.cfg": "#"} {
		got, err := os.ReadFile(filepath.Join(d.root, "boot", name))
		if err != nil || !strings.HasPrefix(string(got), magic) {
			t.Errorf("%s: %.4q, %v", name, got, err)
		}
	}
}

func TestGrubEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "grubenv")
	if err := os.WriteFile(file, grubEnvironment(), 0o644); err != nil {
		t.Fatal(err)
	}
	tool(t, "grub-editenv", file, "set", "saved_entry=1")
	if got := tool(t, "grub-editenv", file, "list"); got != "saved_entry=1\n" {
		t.Errorf("grub-editenv list: %q", got)
	}
}

func TestInitrd(t *testing.T) {
	for _, size := range []int{0, 1, 3} {
		cfg := config(t)
		cfg.InitrdMiB = size
		initrd, err := (&disk{Config: cfg}).initrd()
		if err != nil {
			t.Fatal(err)
		}
		if size != 0 && len(initrd) != size*mib {
			t.Errorf("%d MiB: initrd of %d bytes", size, len(initrd))
		}
		// The compressed archive is the end, at a multiple of four.
		if compressedSize(t, cfg)%4 != 0 || len(initrd)%4 != 0 {
			t.Errorf("%d MiB: archives of %d bytes, the last of %d", size, len(initrd), compressedSize(t, cfg))
		}
		main := unzip(t, initrd[len(initrd)-compressedSize(t, cfg):])
		if !bytes.HasPrefix(main, []byte("070701")) || !bytes.Contains(main, initScript) {
			t.Errorf("%d MiB: no init in the compressed archive", size)
		}
		checkPadding(t, initrd)
	}
	cfg := config(t)
	cfg.InitrdMiB = 1
	busybox := make([]byte, 2*mib)
	rand.NewChaCha8([32]byte{}).Read(busybox)
	if err := os.WriteFile(cfg.Busybox, busybox, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := (&disk{Config: cfg}).initrd(); err == nil || !strings.Contains(err.Error(), "is larger than 1 MiB") {
		t.Errorf("an initrd of 2 MiB in 1 MiB: %v", err)
	}
}

// Only where init.sh inserts modules must there be some.
func TestInitrdModules(t *testing.T) {
	if _, err := (&disk{Config: vmlinuxConfig(t)}).initrd(); err != nil {
		t.Errorf("riscv64: %v", err)
	}
	cfg := config(t)
	cfg.Kernel.Modules = filepath.Join(t.TempDir(), "none")
	if _, err := (&disk{Config: cfg}).initrd(); err == nil || !strings.Contains(err.Error(), "modules.builtin") {
		t.Errorf("amd64 without modules: %v", err)
	}
}

func compressedSize(t *testing.T, cfg *Config) int {
	t.Helper()
	main, err := (&disk{Config: cfg}).initrdArchive()
	if err != nil {
		t.Fatal(err)
	}
	return len(main)
}

func unzip(t *testing.T, data []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkPadding checks the padding against the checksum beside it.
func checkPadding(t *testing.T, initrd []byte) {
	t.Helper()
	m := regexp.MustCompile(`([0-9a-f]{64})  /padding\n`).FindSubmatch(initrd)
	if m == nil {
		t.Fatal("no checksum of the padding")
	}
	name := bytes.Index(initrd, []byte("padding\x00"))
	header := initrd[name-110 : name]
	var size int
	if _, err := fmt.Sscanf(string(header[54:62]), "%x", &size); err != nil {
		t.Fatal(err)
	}
	start := (name + len("padding\x00") + 3) &^ 3
	if sum := fmt.Sprintf("%x", sha256.Sum256(initrd[start:start+size])); sum != string(m[1]) {
		t.Errorf("padding of %d bytes has the checksum %s, want %s", size, sum, m[1])
	}
}

func TestTree(t *testing.T) {
	cfg := config(t)
	cfg.Tree = t.TempDir()
	cfg.GrubConfig = filepath.Join(t.TempDir(), "grub.cfg")
	if err := os.WriteFile(cfg.GrubConfig, []byte("set timeout=0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(cfg.Tree, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cfg.Tree, "etc/hostname"), []byte("other\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("boot/vmlinuz-other", filepath.Join(cfg.Tree, "vmlinuz")); err != nil {
		t.Fatal(err)
	}
	sparse, err := os.Create(filepath.Join(cfg.Tree, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sparse.WriteAt([]byte("end"), 1<<30); err != nil {
		t.Fatal(err)
	}
	sparse.Close()
	disk := filepath.Join(t.TempDir(), "disk")
	if err := Make(context.Background(), cfg, disk); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(disk); err != nil || info.Size() > 256*mib {
		t.Errorf("a sparse file of 1 GiB makes a disk of %d MiB, %v", info.Size()/mib, err)
	}
	at := fmt.Sprintf("%s?offset=%d", disk, gptRootStart)
	for request, want := range map[string]string{
		"cat /etc/hostname":       "other\n",
		"cat /boot/grub/grub.cfg": "set timeout=0\n",
		"stat /vmlinuz":           `Fast link dest: "boot/vmlinuz-other"`,
		"stat /sparse":            "Size: 1073741827",
	} {
		if got := tool(t, "debugfs", "-R", request, at); !strings.Contains(got, want) {
			t.Errorf("debugfs %s: %s, want %q", request, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for name, edit := range map[string]func(*Config){
		"arch":          func(c *Config) { c.Arch = "m68k" },
		"table":         func(c *Config) { c.Table = "" },
		"filesystem":    func(c *Config) { c.Filesystem = "xfs" },
		"sector":        func(c *Config) { c.SectorSize = 2048 },
		"codec":         func(c *Config) { c.Codec = "brotli" },
		"riscv64 codec": func(c *Config) { c.Arch, c.Codec = "riscv64", "zboot-gzip" },
		"arm64 codec":   func(c *Config) { c.Codec = "zboot-xz" },
		"codecs":        func(c *Config) { c.Codecs = []string{"xz", "brotli"} },
		"initrd":        func(c *Config) { c.InitrdMiB = 4096 },
	} {
		cfg := config(t)
		if err := cfg.Check(); err != nil {
			t.Fatal(err)
		}
		edit(cfg)
		if err := cfg.Check(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What fails leaves no half of a disk.
func TestMakeFails(t *testing.T) {
	cfg := config(t)
	cfg.MkfsArgs = []string{"-O", "nonsense"}
	dir := t.TempDir()
	if err := Make(context.Background(), cfg, filepath.Join(dir, "disk")); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("error %v, want mke2fs's about nonsense", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
