package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"pvboot/internal/cache"
	"pvboot/internal/deb"
	"pvboot/internal/testdisk"
	"pvboot/internal/xenhost"
)

// makeDisk is the command "rig disk".
func makeDisk(ctx context.Context, args []string, stderr io.Writer) error {
	f := flag.NewFlagSet("rig disk", flag.ContinueOnError)
	cfg := testdisk.Config{}
	f.StringVar(&cfg.Arch, "arch", "amd64", "`architecture` of the kernel: amd64 or arm64")
	release := f.String("suite", xenhost.KernelSuite, "`release` of Debian whose kernel it is: bookworm or trixie")
	f.StringVar(&cfg.Table, "table", "gpt", "partition table: gpt, mbr or none")
	f.StringVar(&cfg.Filesystem, "fs", "ext4", "filesystem: ext2, ext3 or ext4")
	mkfs := f.String("mkfs", "", "more `options` for mke2fs, separated by spaces")
	f.StringVar(&cfg.Codec, "codec", "", codecHelp())
	codecs := f.String("codecs", "", "put the kernel in these packings, separated by commas, or in all of them onto the disk too, as /boot/vmlinuz.CODEC; entries of /boot/grub/custom.cfg, with the keys 1, 2, ... or the domain's command line xen_grub_env_default=CODEC, boot them")
	f.IntVar(&cfg.InitrdMiB, "initrd-mib", 0, "pad the initrd to `n` MiB with data that cannot be compressed")
	f.IntVar(&cfg.SectorSize, "sector", 512, "sector size of the disk in `bytes`: 512 or 4096")
	f.StringVar(&cfg.Console, "console", "hvc0", "`name` of the kernel's console: hvc0 in a Xen domain; ttyS0 (amd64) or ttyAMA0 (arm64) for rig boot -mode qemu")
	f.StringVar(&cfg.GrubConfig, "grub-cfg", "", "`file` to use as /boot/grub/grub.cfg")
	f.StringVar(&cfg.Tree, "tree", "", "`folder` of more files for the filesystem")
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "usage: rig disk [options] OUT\n")
		f.PrintDefaults()
	}
	if err := parse(f, args, stderr); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return usagef("want one file to write, have %d", f.NArg())
	}
	if *release != "bookworm" && *release != "trixie" {
		return usagef("-suite %s: want bookworm or trixie", *release)
	}
	switch *codecs {
	case "":
	case "all":
		cfg.Codecs = testdisk.Codecs(cfg.Arch)
	default:
		cfg.Codecs = strings.Split(*codecs, ",")
	}
	cfg.MkfsArgs = strings.Fields(*mkfs)
	if err := cfg.Check(); err != nil {
		return usageError{err}
	}
	dir, err := cache.Find()
	if err != nil {
		return err
	}
	kernel, err := (&deb.Suite{Cache: dir, Name: *release, Arch: cfg.Arch, Progress: stderr}).Kernel(ctx, deb.KernelPackage(cfg.Arch))
	if err != nil {
		return err
	}
	suite := &deb.Suite{Cache: dir, Name: xenhost.KernelSuite, Arch: cfg.Arch, Progress: stderr}
	pkgs, err := suite.Unpack(ctx, "busybox-static", "grub-common")
	if err != nil {
		return err
	}
	cfg.Cache = dir
	cfg.Kernel = testdisk.Kernel{Version: kernel.Version, Image: kernel.Image, Modules: kernel.Modules}
	cfg.Busybox = filepath.Join(pkgs.Root, "usr/bin/busybox")
	cfg.Font = filepath.Join(pkgs.Root, "usr/share/grub/unicode.pf2")
	return testdisk.Make(ctx, &cfg, f.Arg(0))
}

// codecHelp says what -codec takes.
func codecHelp() string {
	return "packing of the kernel, by default as Debian has it; amd64: " + strings.Join(testdisk.Codecs("amd64"), ", ") +
		" (another than Debian's boots in PV domains only); arm64: " + strings.Join(testdisk.Codecs("arm64"), ", ") +
		" (zboot-...: an EFI zboot image, which xl itself does not boot)"
}
