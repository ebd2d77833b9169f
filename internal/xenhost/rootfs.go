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
	"slices"
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

// addTree adds a file, or all files below a folder. Links to what no package
// brought are left out.
func (r *rootfs) addTree(name string) error {
	return filepath.WalkDir(filepath.Join(r.tree, name), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil
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
	dirs, err := runPath(f, path.Dir(name))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, lib := range needed {
		if err := r.addLibrary(lib, dirs...); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// runPath returns the folders in which an ELF file of the folder origin wants
// its libraries looked up.
func runPath(f *elf.File, origin string) ([]string, error) {
	var dirs []string
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		lists, err := f.DynString(tag)
		if err != nil {
			return nil, err
		}
		for _, list := range lists {
			for dir := range strings.SplitSeq(list, ":") {
				dir = strings.NewReplacer("${ORIGIN}", "/"+origin, "$ORIGIN", "/"+origin).Replace(dir)
				dirs = append(dirs, strings.TrimPrefix(path.Clean(dir), "/"))
			}
		}
	}
	return dirs, nil
}

// addLibrary adds a library by its soname, looked up in the usual folders and
// in the extra ones.
func (r *rootfs) addLibrary(soname string, extra ...string) error {
	for _, dir := range append(slices.Clone(r.libs), extra...) {
		name := path.Join(dir, soname)
		if _, err := os.Stat(filepath.Join(r.tree, name)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return r.add(name)
	}
	return fmt.Errorf("no library %s", soname)
}
