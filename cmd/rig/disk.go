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
	arch := f.String("arch", "amd64", "`architecture` of the kernel")
	cfg := testdisk.Config{}
	f.StringVar(&cfg.Table, "table", "gpt", "partition table: gpt, mbr or none")
	f.StringVar(&cfg.Filesystem, "fs", "ext4", "filesystem: ext2, ext3 or ext4")
	mkfs := f.String("mkfs", "", "more `options` for mke2fs, separated by spaces")
	f.StringVar(&cfg.Codec, "codec", "", "compression of the kernel: xz, gzip, zstd, lz4, lzma, bzip2, lzo or none (default: as Debian has it; with another, it boots in PV domains only)")
	f.IntVar(&cfg.InitrdMiB, "initrd-mib", 0, "pad the initrd to `n` MiB with data that cannot be compressed")
	f.IntVar(&cfg.SectorSize, "sector", 512, "sector size of the disk in `bytes`: 512 or 4096")
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
	if *arch != "amd64" {
		return usagef("-arch %s: want amd64", *arch)
	}
	cfg.MkfsArgs = strings.Fields(*mkfs)
	if err := cfg.Check(); err != nil {
		return usageError{err}
	}
	dir, err := cache.Find()
	if err != nil {
		return err
	}
	kernel, err := xenhost.FetchKernel(ctx, dir, xenhost.KernelSuite, *arch, stderr)
	if err != nil {
		return err
	}
	suite := &deb.Suite{Cache: dir, Name: xenhost.KernelSuite, Arch: *arch, Progress: stderr}
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
