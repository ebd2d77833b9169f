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
)

// makeDisk is the command "rig disk".
func makeDisk(ctx context.Context, args []string, stderr io.Writer) error {
	f := flag.NewFlagSet("rig disk", flag.ContinueOnError)
	cfg := testdisk.Config{}
	arch := f.String("arch", "amd64", "`architecture` of the kernel: "+wantArchitectures+" (little-endian, also ppc64le)")
	suite := f.String("suite", "", "`release` of Debian whose kernel it is: bookworm (default, but not for riscv64) or trixie")
	f.StringVar(&cfg.Table, "table", "gpt", "partition table: gpt, mbr or none")
	f.StringVar(&cfg.Filesystem, "fs", "ext4", "filesystem: ext2, ext3 or ext4")
	mkfs := f.String("mkfs", "", "more `options` for mke2fs, separated by spaces")
	f.StringVar(&cfg.Codec, "codec", "", codecHelp())
	codecs := f.String("codecs", "", "put the kernel in these packings, separated by commas, or in all of them onto the disk too, as /boot/vmlinuz.CODEC; entries of /boot/grub/custom.cfg, with the keys 1, 2, ... or the domain's command line xen_grub_env_default=CODEC, boot them")
	f.IntVar(&cfg.InitrdMiB, "initrd-mib", 0, "pad the initrd to `n` MiB with data that cannot be compressed")
	f.IntVar(&cfg.SectorSize, "sector", 512, "sector size of the disk in `bytes`: 512 or 4096")
	f.StringVar(&cfg.Console, "console", "", "`name` of the kernel's console: hvc0 (default) in a Xen domain and on ppc64; ttyS0 (amd64) or ttyAMA0 (arm64) for rig boot -mode qemu; on riscv64 ttyS0 (default) and, where there is none, SBI")
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
	goarch, source, release, err := findSource(*arch, *suite)
	if err != nil {
		return err
	}
	cfg.Arch = goarch
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
	debian := func(release string) *deb.Suite {
		return &deb.Suite{Cache: dir, Name: release, Arch: deb.Arch(cfg.Arch), Progress: stderr, MainOnly: source.mainOnly}
	}
	kernel, err := debian(release).Kernel(ctx, deb.KernelPackage(cfg.Arch))
	if err != nil {
		return err
	}
	pkgs, err := debian(source.suites[0]).Unpack(ctx, "busybox-static", "grub-common")
	if err != nil {
		return err
	}
	cfg.Cache = dir
	cfg.Kernel = testdisk.Kernel{Version: kernel.Version, Name: kernel.Name, Image: kernel.Image, Modules: kernel.Modules}
	cfg.Busybox = filepath.Join(pkgs.Root, "usr/bin/busybox")
	cfg.Font = filepath.Join(pkgs.Root, "usr/share/grub/unicode.pf2")
	return testdisk.Make(ctx, &cfg, f.Arg(0))
}

// codecHelp says what -codec takes.
func codecHelp() string {
	return "packing of the kernel, by default as Debian has it; amd64: " + strings.Join(testdisk.Codecs("amd64"), ", ") +
		" (another than Debian's boots in PV domains only); arm64: " + strings.Join(testdisk.Codecs("arm64"), ", ") +
		" (zboot-...: an EFI zboot image, which xl itself does not boot); riscv64 and ppc64: " + strings.Join(testdisk.Codecs("riscv64"), ", ")
}
