// Package testdisk makes the disks that the rig boots: a partition table, a
// filesystem made by mke2fs, a stock Debian kernel, a grub.cfg as Debian's
// grub-mkconfig writes it, and an initrd that says what the kernel sees and
// powers off. No root is needed.
package testdisk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"pvboot/internal/cache"
)

// Config is what a disk is made of.
type Config struct {
	Cache      cache.Dir
	Arch       string   // of the kernel, one of Architectures
	Table      string   // gpt, mbr or none
	Filesystem string   // ext2, ext3 or ext4
	MkfsArgs   []string // more arguments for mke2fs
	SectorSize int      // 512 or 4096 bytes
	Codec      string   // how the kernel is packed, one of Codecs; "" leaves it as it is
	Codecs     []string // the kernel in more packings, each /boot/vmlinuz.CODEC with an entry in custom.cfg
	InitrdMiB  int      // size of the initrd; 0 means no padding
	Console    string   // the kernel's console; "" means that of a Xen guest, hvc0, and on riscv64 ttyS0
	GrubConfig string   // file of a grub.cfg to use; "" writes Debian's
	Tree       string   // folder of more files; "" means none
	Kernel     Kernel
	Busybox    string // file of a static busybox
	Font       string // file of GRUB's unicode.pf2
}

// Kernel is the Debian kernel to put onto a disk.
type Kernel struct {
	Version string // 6.1.0-50-amd64
	Name    string // what Debian calls its file, in front of the version: vmlinuz or vmlinux
	Image   string // that file
	Modules string // folder lib/modules/VERSION
}

// DirectSuffix is added to a disk's name for the folder that holds what it
// boots: vmlinuz, initrd.img and cmdline, for xl to load without a loader.
const DirectSuffix = ".direct"

const mib = 1 << 20

// Make writes a disk to the file out, and its kernel and initrd beside it.
func Make(ctx context.Context, cfg *Config, out string) error {
	if err := cfg.Check(); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(out), ".disk-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	d := &disk{Config: cfg, root: filepath.Join(tmp, "root"), uuid: newUUID(filepath.Base(out), cfg.Table, cfg.Filesystem, strings.Join(cfg.MkfsArgs, " "), cfg.Kernel.Version)}
	if err := d.fill(); err != nil {
		return err
	}
	fsImage := filepath.Join(tmp, "fs")
	size, err := d.mkfs(ctx, fsImage)
	if err != nil {
		return err
	}
	image := filepath.Join(tmp, "disk")
	if err := d.assemble(image, fsImage, size); err != nil {
		return err
	}
	direct := filepath.Join(tmp, "direct")
	if err := d.writeDirect(direct); err != nil {
		return err
	}
	if err := os.RemoveAll(out + DirectSuffix); err != nil {
		return err
	}
	if err := os.Rename(direct, out+DirectSuffix); err != nil {
		return err
	}
	return os.Rename(image, out)
}

// Check says what is wrong with a configuration.
func (c *Config) Check() error {
	switch {
	case !slices.Contains(Architectures(), c.Arch):
		return fmt.Errorf("architecture %q: want one of %v", c.Arch, Architectures())
	case c.Table != "gpt" && c.Table != "mbr" && c.Table != "none":
		return fmt.Errorf("table %q: want gpt, mbr or none", c.Table)
	case c.Filesystem != "ext2" && c.Filesystem != "ext3" && c.Filesystem != "ext4":
		return fmt.Errorf("filesystem %q: want ext2, ext3 or ext4", c.Filesystem)
	case c.SectorSize != 512 && c.SectorSize != 4096:
		return fmt.Errorf("sector size %d: want 512 or 4096", c.SectorSize)
	case c.Codec != "" && !slices.Contains(Codecs(c.Arch), c.Codec):
		return fmt.Errorf("codec %q: want one of %v", c.Codec, Codecs(c.Arch))
	case slices.ContainsFunc(c.Codecs, func(s string) bool { return !slices.Contains(Codecs(c.Arch), s) }):
		return fmt.Errorf("codecs %v: want of %v", c.Codecs, Codecs(c.Arch))
	case strings.ContainsFunc(c.Console, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"'$\\`, r) }):
		return fmt.Errorf("console %q: want a name such as ttyS0", c.Console)
	case c.InitrdMiB < 0 || c.InitrdMiB > 3072:
		return fmt.Errorf("initrd of %d MiB: want 0..3072", c.InitrdMiB)
	}
	return nil
}

// disk is a disk that is being made.
type disk struct {
	*Config
	root string // folder with the files of the filesystem
	uuid string // of the filesystem
}

// kernelFile returns the kernel's file in the filesystem.
func (d *disk) kernelFile() string { return "boot/" + d.Kernel.Name + "-" + d.Kernel.Version }

// fill puts the filesystem's files together.
func (d *disk) fill() error {
	for _, dir := range []string{"boot/grub/fonts", "etc", "root", "proc", "sys", "dev", "tmp"} {
		if err := os.MkdirAll(filepath.Join(d.root, dir), 0o755); err != nil {
			return err
		}
	}
	kernel, err := d.kernelImage(d.Codec)
	if err != nil {
		return err
	}
	initrd, err := d.initrd()
	if err != nil {
		return err
	}
	grub := []byte(d.grubConfig())
	if d.GrubConfig != "" {
		if grub, err = os.ReadFile(d.GrubConfig); err != nil {
			return err
		}
	}
	for name, content := range map[string][]byte{
		d.kernelFile():                        kernel,
		"boot/initrd.img-" + d.Kernel.Version: initrd,
		"boot/grub/grub.cfg":                  grub,
		"boot/grub/grubenv":                   grubEnvironment(),
		"etc/hostname":                        []byte("debian\n"),
		"etc/debian_version":                  []byte("12\n"),
		"etc/fstab":                           fmt.Appendf(nil, "UUID=%s / %s errors=remount-ro 0 1\n", d.uuid, d.Filesystem),
	} {
		if err := os.WriteFile(filepath.Join(d.root, name), content, 0o644); err != nil {
			return err
		}
	}
	if err := d.fillCodecs(); err != nil {
		return err
	}
	for link, target := range map[string]string{
		d.Kernel.Name: d.kernelFile(),
		"initrd.img":  "boot/initrd.img-" + d.Kernel.Version,
	} {
		if err := os.Symlink(target, filepath.Join(d.root, link)); err != nil {
			return err
		}
	}
	if err := copySparse(filepath.Join(d.root, "boot/grub/fonts/unicode.pf2"), d.Font); err != nil {
		return err
	}
	if d.Tree != "" {
		return copyTree(d.root, d.Tree)
	}
	return nil
}

// fillCodecs adds the kernel in more packings.
func (d *disk) fillCodecs() error {
	for _, codec := range d.Codecs {
		kernel, err := d.kernelImage(codec)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(d.root, "boot/vmlinuz."+codec), kernel, 0o644); err != nil {
			return err
		}
	}
	if len(d.Codecs) == 0 {
		return nil
	}
	return os.WriteFile(filepath.Join(d.root, "boot/grub/custom.cfg"), []byte(d.customConfig()), 0o644)
}

// mkfs makes the filesystem in a file of its own, so that the user's options
// need not mix with ours, and returns its size in bytes.
func (d *disk) mkfs(ctx context.Context, image string) (int64, error) {
	used, err := diskUsage(d.root)
	if err != nil {
		return 0, err
	}
	size := (used + used/4 + architectures[d.Arch].slack) / mib * mib
	args := []string{"-q", "-F", "-t", d.Filesystem, "-U", d.uuid, "-L", "debian", "-d", d.root, "-E", "root_owner=0:0,hash_seed=" + d.uuid}
	if d.SectorSize > 1024 {
		args = append(args, "-b", "4096")
	}
	args = append(args, d.MkfsArgs...)
	args = append(args, image, fmt.Sprintf("%dk", size/1024))
	cmd := exec.CommandContext(ctx, "mke2fs", args...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "E2FSPROGS_FAKE_TIME=1700000000")
	if cmd.Err != nil {
		// exec looked along our own PATH, on which users have no sbin.
		for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
			if _, err := os.Stat(dir + "mke2fs"); err == nil {
				cmd.Path, cmd.Err = dir+"mke2fs", nil
				break
			}
		}
	}
	if msg, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("mke2fs: %w: %s", err, bytes.TrimSpace(msg))
	}
	return size, nil
}

// writeDirect writes what xl needs to boot the same kernel without a loader.
func (d *disk) writeDirect(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	boot := filepath.Join(d.root, "boot")
	if err := cache.CopyFile(filepath.Join(dir, "vmlinuz"), filepath.Join(d.root, d.kernelFile())); err != nil {
		return err
	}
	if err := cache.CopyFile(filepath.Join(dir, "initrd.img"), filepath.Join(boot, "initrd.img-"+d.Kernel.Version)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "cmdline"), []byte(d.commandLine()+"\n"), 0o644)
}

// newUUID returns a UUID (version 8, made from a hash) for the given parts.
func newUUID(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// diskUsage returns the bytes that the files below a folder take.
func diskUsage(dir string) (int64, error) {
	var total int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		total += 4096
		if st, ok := info.Sys().(*syscall.Stat_t); ok && info.Mode().IsRegular() {
			total += max(st.Blocks*512, 0)
		}
		return nil
	})
	return total, err
}

// copyTree copies a folder's files over another's: they replace what is there.
func copyTree(dst, src string) error {
	return filepath.WalkDir(src, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, file)
		if err != nil {
			return err
		}
		target := filepath.Join(dst, rel)
		switch {
		case e.IsDir():
			return os.MkdirAll(target, 0o755)
		case e.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(file)
			if err != nil {
				return err
			}
			if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return os.Symlink(link, target)
		case e.Type().IsRegular():
			return copySparse(target, file)
		}
		return fmt.Errorf("%s: neither file, folder nor symbolic link", file)
	})
}
