package xenhost

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"pvboot/internal/cache"
	"pvboot/internal/deb"
)

// buildPyGrub returns an archive with pygrub, which reads a domain's disk in
// dom0, and the Python that it runs in.
func (m *machine) buildPyGrub(ctx context.Context, cfg *Config, rel release, suite *deb.Suite) (string, error) {
	pkgs, err := suite.Unpack(ctx, append(rel.packages(cfg, m), rel.pygrubPackages()...)...)
	if err != nil {
		return "", err
	}
	dir, err := cfg.Cache.Build("pygrub", cache.Key(layout, cfg.Xen, pkgs.Key()), func(dir string) error {
		return writeArchive(filepath.Join(dir, archiveFile), m.multiarch, pkgs.Root, func(r *rootfs) error {
			return m.writePyGrub(r, cfg, rel)
		})
	})
	return filepath.Join(dir, archiveFile), err
}

func (m *machine) writePyGrub(r *rootfs, cfg *Config, rel release) error {
	xen := "usr/lib/xen-" + cfg.Xen
	python := "usr/bin/python" + rel.python
	for _, name := range []string{
		python,
		xen + "/bin/pygrub",
		xen + "/lib/python",
		xen + "/lib/" + m.multiarch,
	} {
		if err := r.addTree(name); err != nil {
			return err
		}
	}
	if err := r.addTerminfo("vt100"); err != nil {
		return err
	}
	if err := writePython(r, "usr/lib/python"+rel.python); err != nil {
		return err
	}
	return r.out.Symlink("usr/bin/python3", "/"+python)
}

// pythonModules are the extension modules that pygrub uses; others need
// libraries that it does not.
var pythonModules = []string{"_curses", "_ctypes", "resource"}

// writePython adds Python's library.
func writePython(r *rootfs, dir string) error {
	entries, err := os.ReadDir(filepath.Join(r.tree, dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "lib-dynload" {
			continue
		}
		if err := r.addTree(path.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	for _, module := range pythonModules {
		files, err := filepath.Glob(filepath.Join(r.tree, dir, "lib-dynload", module+".cpython-*.so"))
		if err != nil || len(files) != 1 {
			return fmt.Errorf("python module %s: found %d files, want one", module, len(files))
		}
		if err := r.add(path.Join(dir, "lib-dynload", filepath.Base(files[0]))); err != nil {
			return err
		}
	}
	return nil
}

// addTerminfo adds the description of a terminal, from where the release of
// Debian has it.
func (r *rootfs) addTerminfo(term string) error {
	for _, dir := range []string{"usr/lib/terminfo", "usr/share/terminfo"} {
		name := path.Join(dir, term[:1], term)
		if _, err := os.Stat(filepath.Join(r.tree, name)); err == nil {
			return r.add(name)
		}
	}
	return fmt.Errorf("terminfo %s: not found", term)
}
