package ext4

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"pvboot/loader/fs"
)

const (
	base  = "none,sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr"
	base4 = base + ",has_journal,extent,huge_file,flex_bg,dir_nlink,extra_isize"
	csum4 = base4 + ",metadata_csum,64bit"
	new4  = csum4 + ",metadata_csum_seed,orphan_file"
)

// variants are the feature sets of distributions' mke2fs.conf, then single
// features and sizes that change where things stand.
var variants = []struct {
	name, options string
	noGrub        bool // GRUB 2.06 refuses the feature
}{
	{"ext2", "-O " + base + " -I 256 -b 4096", false},
	{"ext3", "-O " + base + ",has_journal -I 256 -b 1024", false},
	{"ext4-debian8-ubuntu1604", "-O " + base4 + ",uninit_bg -I 256 -b 4096", false},
	{"ext4-debian9to12-ubuntu1804to2204", "-O " + csum4 + " -I 256 -b 4096", false},
	{"ext4-debian13-ubuntu2404", "-O " + new4 + " -I 256 -b 4096", true},
	{"1k", "-O " + new4 + " -I 128 -b 1024", true},
	{"2k", "-O " + csum4 + " -I 512 -b 2048", false},
	{"16k", "-O " + csum4 + " -I 1024 -b 16384", false},
	{"64k", "-O " + csum4 + " -I 256 -b 65536", false},
	{"64k-ext2", "-O " + base + " -I 256 -b 65536", false},
	{"rev0", "-r 0 -O none -b 1024", false},
	{"no-filetype", "-O none,sparse_super -I 128 -b 1024", false},
	{"uninit_bg-64bit", "-O " + base4 + ",uninit_bg,64bit -b 1024 -g 1024", false},
	{"meta_bg", "-O none,sparse_super,filetype,extent,meta_bg,metadata_csum,64bit -b 1024 -g 512", false},
	{"meta_bg-4k", "-O none,sparse_super,filetype,meta_bg,extent,64bit -b 4096 -g 256", false},
	{"sparse_super2", "-O none,sparse_super2,filetype,extent,meta_bg,metadata_csum -b 1024 -g 512", false},
	{"bigalloc", "-O " + csum4 + ",bigalloc,^resize_inode -C 16384 -b 4096", false},
	{"bigalloc-1k", "-O " + csum4 + ",bigalloc,^resize_inode -C 4096 -b 1024", true},
	{"inline_data", "-O " + csum4 + ",inline_data -I 256 -b 4096", true},
	{"inline_data-1k-inode", "-O " + csum4 + ",inline_data -I 1024 -b 1024", true},
	{"inline_data-ext2", "-O " + base + ",inline_data -I 256 -b 4096", true},
	{"rest", "-O " + csum4 + ",large_dir,ea_inode,mmp,casefold,encrypt,verity,stable_inodes,project,quota,fast_commit -b 4096", true},
}

func TestVariants(t *testing.T) {
	sparse, plain := t.TempDir(), t.TempDir()
	corpus(t, sparse, true)
	corpus(t, plain, false)
	want := map[string][]string{sparse: listing(t, os.DirFS(sparse)), plain: listing(t, os.DirFS(plain))}
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			dir, size := sparse, int64(48<<20)
			if strings.Contains(v.options, "inline_data") {
				dir = plain
			}
			if strings.Contains(v.options, "65536") {
				size = 256 << 20
			}
			image := mkfs(t, dir, size, v.options)
			f, err := Open(openImage(t, image))
			if err != nil {
				t.Fatal(err)
			}
			compareTree(t, f, dir, want[dir])
			if !v.noGrub {
				compareGrub(t, f, image)
			}
			if slices.Contains([]string{"ext3", "ext4-debian13-ubuntu2404", "64k", "inline_data"}, v.name) {
				// With -D e2fsck makes hash trees, mke2fs has not.
				runTool(t, "", 1, "e2fsck", "-fyD", image)
				if f, err = Open(openImage(t, image)); err != nil {
					t.Fatal(err)
				}
				n, err := f.resolve("many")
				if err != nil {
					t.Fatal(err)
				}
				if n.size > int64(f.sb.blockSize) && n.flags&flagIndex == 0 {
					t.Error("directory has no hash tree")
				}
				compareTree(t, f, dir, want[dir])
			}
			if f.Type() != "ext2" || f.UUID() != "01234567-89ab-cdef-0123-456789abcdef" || f.Label() != "débian root" {
				t.Errorf("type %q, uuid %q, label %q", f.Type(), f.UUID(), f.Label())
			}
		})
	}
}

// resolve is the inode of a path.
func (f *FS) resolve(path string) (*inode, error) {
	n := f.Top.(*inode)
	for _, name := range strings.Split(path, "/") {
		next, err := n.Lookup(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		n = next.(*inode)
	}
	return n, nil
}

// listing describes a tree, one line a file.
func listing(t *testing.T, f iofs.FS) []string {
	t.Helper()
	var out []string
	err := iofs.WalkDir(f, ".", func(path string, d iofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == "lost+found" {
			return iofs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.Type() != info.Mode().Type() {
			t.Errorf("%s: directory says %v, inode %v", path, d.Type(), info.Mode())
		}
		line := fmt.Sprintf("%v %q", info.Mode(), path)
		switch d.Type() {
		case 0:
			sum, err := checksum(f, path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %d %v %08x", info.Size(), info.ModTime().Unix(), sum)
		case iofs.ModeSymlink:
			target, err := iofs.ReadLink(f, path)
			if err != nil {
				return err
			}
			line += " " + target
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return out
}

// checksum is that of a file's first and last 4 MiB.
func checksum(f iofs.FS, path string) (uint32, error) {
	const part = 4 << 20
	file, err := f.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return 0, err
	}
	h := crc32.NewIEEE()
	if _, err := io.CopyN(h, file, min(part, st.Size())); err != nil || st.Size() <= part {
		return h.Sum32(), err
	}
	if _, err := file.(io.Seeker).Seek(max(part, st.Size()-part), io.SeekStart); err != nil {
		return 0, err
	}
	_, err = io.Copy(h, file)
	return h.Sum32(), err
}

func compareTree(t *testing.T, f *FS, dir string, want []string) {
	t.Helper()
	got := listing(t, f)
	// The first line is the root, whose mode is mke2fs's.
	if diff := cmp.Diff(want[1:], got[1:]); diff != "" {
		t.Errorf("(-source +image):\n%s", diff)
	}
	checkReads(t, f, dir)
	checkExtents(t, f, dir)
}

// checkReads reads files through links, in odd pieces and past their end.
func checkReads(t *testing.T, f *FS, dir string) {
	t.Helper()
	for _, name := range []string{"vmlinuz", "initrd.img", "a/up", "len753", "sparse/comb", "sparse/comb1k", "sizes/65537"} {
		source := map[string]string{"initrd.img": "boot/initrd.img-6.1", "a/up": "one"}[name]
		if source == "" {
			source = name
		}
		want, err := os.ReadFile(filepath.Join(dir, source))
		if os.IsNotExist(err) {
			continue // no sparse files
		}
		if err != nil {
			t.Fatal(err)
		}
		file, err := f.Open(name)
		if err != nil {
			t.Error(err)
			continue
		}
		r := file.(fs.File)
		for i := range int64(20) {
			off, n := i*i*7919%(int64(len(want))+10), i*13331%200_000
			got := make([]byte, n)
			m, err := r.ReadAt(got, off)
			expect := want[min(off, int64(len(want))):min(off+n, int64(len(want)))]
			if !bytes.Equal(got[:m], expect) || (err == io.EOF) != (n > int64(len(expect))) || err != nil && err != io.EOF {
				t.Errorf("%s: ReadAt(%d bytes, %d) = %d, %v and the wrong bytes or end", name, n, off, m, err)
			}
		}
	}
	for _, name := range []string{"loop1", "dangling", "notdir", "one/x", "nothing", "a/nothing/x"} {
		_, want := os.Stat(filepath.Join(dir, name))
		if _, err := f.Stat(name); err == nil || want == nil {
			t.Errorf("Stat(%s) found something; on the source: %v", name, want)
		}
	}
}

// checkExtents rebuilds files from the device by their extents.
func checkExtents(t *testing.T, f *FS, dir string) {
	t.Helper()
	for _, name := range []string{"boot/vmlinuz-6.1", "sparse/comb", "sparse/begin", "empty", "sizes/65537"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if os.IsNotExist(err) {
			continue // no sparse files
		}
		if err != nil {
			t.Fatal(err)
		}
		file, err := f.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		extents, err := file.(fs.Mapped).Extents()
		if err != nil {
			if n, _ := f.resolve(name); n.flags&flagInlineData == 0 {
				t.Error(err)
			}
			continue
		}
		var got []byte
		for _, e := range extents {
			if e.Offset != int64(len(got)) {
				t.Fatalf("%s: extent at %d, expected at %d", name, e.Offset, len(got))
			}
			b := make([]byte, e.Length)
			if e.Physical != fs.Hole {
				if _, err := f.store.dev.ReadAt(b, e.Physical); err != nil {
					t.Fatal(err)
				}
			}
			got = append(got, b...)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: extents give other bytes", name)
		}
	}
}

// compareGrub asks GRUB's own reader for the same files.
func compareGrub(t *testing.T, f *FS, image string) {
	t.Helper()
	for _, name := range []string{"boot/vmlinuz-6.1", "vmlinuz", "sizes/1025", "many/entry-0599-" + strings.Repeat("x", 599%40), "sizes/65537"} {
		b, err := iofs.ReadFile(f, name)
		if err != nil {
			t.Error(err)
			continue
		}
		out := runTool(t, "", 0, "grub-fstest", image, "crc", "/"+name)
		if want := fmt.Sprintf("%08x", crc32.ChecksumIEEE(b)); !slices.Contains(strings.Fields(out), want) {
			t.Errorf("%s: crc %s here, GRUB says %s", name, want, out)
		}
	}
}

// TestFSTest runs the standard library's check of io/fs promises.
func TestFSTest(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/b/file", "top", "empty"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat(name, 1000)[:len(name)%5*1000]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("b/file", filepath.Join(dir, "a/link")); err != nil {
		t.Fatal(err)
	}
	f, err := Open(openImage(t, mkfs(t, dir, 4<<20, "-O "+new4)))
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(f, "a/b/file", "top", "empty", "a/link", "lost+found"); err != nil {
		t.Error(err)
	}
}
