package xenhost

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"pvboot/internal/cache"
	"pvboot/internal/cpio"
	"pvboot/internal/deb"
	"pvboot/internal/kmod"
)

// layout is the version of the artefacts' making; change it with their code.
const layout = "4"

// dom0Modules are the kernel modules that dom0 uses; those that they need are
// found from them, and those that are built in are left out.
var dom0Modules = []string{
	"xen_privcmd", "xenfs", "xen_evtchn", "xen_gntdev", "xen_gntalloc", "xen_blkback",
	"virtio_console", "virtio_blk",
}

// images are the files that QEMU loads.
type images struct {
	xen       string
	kernel    string   // dom0's
	initramfs []string // archives, one behind the other
}

// prepare fetches and builds what is not in the cache yet.
func (m *machine) prepare(ctx context.Context, cfg *Config) (*images, error) {
	rel, err := findRelease(cfg.Xen)
	if err != nil {
		return nil, err
	}
	suite := &deb.Suite{Cache: cfg.Cache, Name: rel.suite, Arch: cfg.Arch, Progress: cfg.Progress}
	xen, err := suite.Unpack(ctx, rel.packages(cfg, m)...)
	if err != nil {
		return nil, err
	}
	kernels := &deb.Suite{Cache: cfg.Cache, Name: KernelSuite, Arch: cfg.Arch, Progress: cfg.Progress}
	kernel, err := kernels.Kernel(ctx, m.kernel)
	if err != nil {
		return nil, err
	}
	var im images
	if im.xen, err = m.unpackXen(cfg, xen.Root, xen.Key()); err != nil {
		return nil, err
	}
	if im.kernel, err = m.unpackKernel(cfg, kernel); err != nil {
		return nil, err
	}
	base, err := m.buildInitramfs(ctx, cfg, xen, kernel)
	if err != nil {
		return nil, err
	}
	im.initramfs = []string{base}
	if cfg.PyGrub {
		pygrub, err := m.buildPyGrub(ctx, cfg, rel, suite)
		if err != nil {
			return nil, err
		}
		im.initramfs = append(im.initramfs, pygrub)
	}
	return &im, nil
}

// buildInitramfs returns dom0's initramfs.
func (m *machine) buildInitramfs(ctx context.Context, cfg *Config, xen *deb.Packages, k *deb.Kernel) (string, error) {
	init, err := buildInit(ctx, cfg)
	if err != nil {
		return "", err
	}
	key := cache.Key(layout, cfg.Xen, xen.Key(), k.Package, cache.Key(string(init)))
	dir, err := cfg.Cache.Build("dom0", key, func(dir string) error {
		fmt.Fprintf(cfg.Progress, "building dom0's initramfs for Xen %s\n", cfg.Xen)
		return writeArchive(filepath.Join(dir, archiveFile), m.multiarch, xen.Root, func(r *rootfs) error {
			return m.writeInitramfs(r, cfg, k, init)
		})
	})
	return filepath.Join(dir, archiveFile), err
}

// archiveFile is the name of an archive among the cache's artefacts.
const archiveFile = "initramfs"

// writeArchive writes an archive of files of the tree.
func writeArchive(name, multiarch, tree string, fill func(*rootfs) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	r := newRootfs(w, tree, multiarch)
	if err := fill(r); err != nil {
		return err
	}
	if err := r.out.Close(); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func (m *machine) writeInitramfs(r *rootfs, cfg *Config, k *deb.Kernel, init []byte) error {
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := r.out.Symlink(name, "usr/"+name); err != nil {
			return err
		}
	}
	bin := "usr/lib/xen-" + cfg.Xen + "/bin/"
	for _, tool := range []string{"xl", "xenstored", "xenconsoled", "xen-init-dom0", "xenctx"} {
		if err := r.add(bin + tool); err != nil {
			return err
		}
	}
	// glibc loads it by name when a thread is cancelled.
	if err := r.addLibrary("libgcc_s.so.1"); err != nil {
		return err
	}
	shim := "usr/lib/xen-" + cfg.Xen + "/boot/xen-shim"
	if _, err := os.Stat(filepath.Join(r.tree, shim)); err == nil {
		if err := r.add(shim); err != nil {
			return err
		}
	}
	if err := r.add("usr/bin/xenstore-ls"); err != nil {
		return err
	}
	if err := r.out.Symlink("usr/bin/xl", "/"+bin+"xl"); err != nil {
		return err
	}
	return m.writeDom0Files(r.out, k, init)
}

// writeDom0Files writes what comes from no package of Xen.
func (m *machine) writeDom0Files(out *cpio.Writer, k *deb.Kernel, init []byte) error {
	if err := out.Device("dev/console", 0o600, 5, 1); err != nil {
		return err
	}
	if err := out.File("init", 0o755, init); err != nil {
		return err
	}
	if err := out.Symlink("etc/xen/scripts/block", "/init"); err != nil {
		return err
	}
	if err := out.Symlink("var/run", "/run"); err != nil {
		return err
	}
	if err := out.Symlink("var/lock", "/run/lock"); err != nil {
		return err
	}
	if err := out.File("etc/xen/xl.conf", 0o644, []byte("autoballoon=\"0\"\n")); err != nil {
		return err
	}
	tree, err := kmod.Open(k.Modules)
	if err != nil {
		return err
	}
	modules, err := tree.Resolve(slices.Concat(dom0Modules, m.modules)...)
	if err != nil {
		return err
	}
	var list bytes.Buffer
	for _, m := range modules {
		name := "usr/lib/modules/" + m.Name + ".ko"
		if err := out.File(name, 0o644, m.Data); err != nil {
			return err
		}
		fmt.Fprintf(&list, "/%s\n", name)
	}
	return out.File("usr/lib/modules/list", 0o644, list.Bytes())
}

// buildInit compiles dom0's init process.
func buildInit(ctx context.Context, cfg *Config) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "rig-init-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	file := filepath.Join(tmp, "init")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", file, "pvboot/internal/xenhost/dom0init")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+cfg.Arch, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build dom0init: %w: %s", err, bytes.TrimSpace(out))
	}
	return os.ReadFile(file)
}
