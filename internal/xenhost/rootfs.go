package xenhost

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"pvboot/internal/cpio"
)

// rootfs copies files from a tree of unpacked packages into an initramfs,
// programs together with the libraries that they need.
type rootfs struct {
	out  *cpio.Writer
	tree string          // where the packages are unpacked
	libs []string        // folders of libraries in the tree
	done map[string]bool // files in the archive
}

func newRootfs(w io.Writer, tree, multiarch string) *rootfs {
	return &rootfs{
		out:  cpio.NewWriter(w),
		tree: tree,
		libs: []string{"usr/lib/" + multiarch, "usr/lib64", "usr/lib"},
		done: map[string]bool{},
	}
}

// addTree adds a file, or all files below a folder.
func (r *rootfs) addTree(name string) error {
	return filepath.WalkDir(filepath.Join(r.tree, name), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(r.tree, file)
		if err != nil {
			return err
		}
		return r.add(rel)
	})
}

// add adds a file under its own name: the target's content for a link, and
// the libraries for a program.
func (r *rootfs) add(name string) error {
	if r.done[name] {
		return nil
	}
	r.done[name] = true
	file := filepath.Join(r.tree, name)
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := r.out.File(name, uint32(info.Mode().Perm()), content); err != nil {
		return err
	}
	if !strings.HasPrefix(string(content[:min(4, len(content))]), elf.ELFMAG) {
		return nil
	}
	return r.addLibraries(name)
}

// addLibraries adds the dynamic linker and the libraries of an ELF file.
func (r *rootfs) addLibraries(name string) error {
	f, err := elf.Open(filepath.Join(r.tree, name))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		interp, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
		if err != nil {
			return err
		}
		// The tree's /lib64 is a link into /usr, and so is dom0's.
		if err := r.add(path.Join("usr", strings.TrimRight(string(interp), "\x00"))); err != nil {
			return err
		}
	}
	needed, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, lib := range needed {
		if err := r.addLibrary(lib, path.Dir(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// addLibrary adds a library by its soname, looked up in the usual folders and
// in the extra ones.
func (r *rootfs) addLibrary(soname string, extra ...string) error {
	for _, dir := range append(r.libs, extra...) {
		name := path.Join(dir, soname)
		if _, err := os.Stat(filepath.Join(r.tree, name)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return r.add(name)
	}
	return fmt.Errorf("no library %s", soname)
}
