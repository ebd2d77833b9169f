package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"pvboot/internal/cache"
	"pvboot/internal/testdisk"
	"pvboot/internal/xenhost"
)

// loader is what starts the domain's kernel.
type loader struct {
	files   map[string]string // files that dom0 needs for it
	lines   []string          // of the xl configuration
	cmdline string            // what comes before -extra
	pygrub  bool
}

// Names of the files in dom0.
const (
	kernelFile = "kernel"
	initrdFile = "initrd"
)

// findLoader fetches or builds the loader that -loader names.
func findLoader(ctx context.Context, dir cache.Dir, o *options, progress io.Writer) (*loader, error) {
	switch o.loader {
	case "direct":
		return directLoader(o.disks[0].File)
	case "pvgrub":
		grub, err := xenhost.FetchGrub(ctx, dir, o.xen, o.mode, progress)
		if err != nil {
			return nil, err
		}
		return kernelLoader(grub), nil
	case "pygrub":
		return &loader{pygrub: true, lines: []string{`bootloader = "pygrub"`}}, nil
	case "pvboot":
		image, err := buildPvboot(ctx, dir, o.arch)
		if err != nil {
			return nil, err
		}
		return kernelLoader(image), nil
	}
	if _, err := os.Stat(o.loader); err != nil {
		return nil, usagef("-loader %s: neither pvboot, pvgrub, pygrub or direct nor a file", o.loader)
	}
	return kernelLoader(o.loader), nil
}

// kernelLoader is an image that xl starts as the domain's kernel.
func kernelLoader(file string) *loader {
	return &loader{
		files: map[string]string{kernelFile: file},
		lines: []string{"kernel = " + quote(xenhost.FileDir+kernelFile)},
	}
}

// directLoader is no loader: xl starts the kernel that rig disk left beside
// the disk.
func directLoader(disk string) (*loader, error) {
	dir := disk + testdisk.DirectSuffix
	cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil {
		return nil, fmt.Errorf("direct boot needs what rig disk leaves beside a disk: %w", err)
	}
	l := kernelLoader(filepath.Join(dir, "vmlinuz"))
	l.files[initrdFile] = filepath.Join(dir, "initrd.img")
	l.lines = append(l.lines, "ramdisk = "+quote(xenhost.FileDir+initrdFile))
	l.cmdline = strings.TrimSpace(string(cmdline))
	return l, nil
}
