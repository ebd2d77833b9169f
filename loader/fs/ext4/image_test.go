package ext4

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// imageFile is a filesystem image as a device.
type imageFile struct {
	*os.File
	size int64
}

func (d imageFile) Size() int64   { return d.size }
func (imageFile) SectorSize() int { return 512 }

func openImage(t testing.TB, path string) imageFile {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return imageFile{f, st.Size()}
}

// memImage is an image in memory that tests may change.
type memImage []byte

func (d memImage) Size() int64   { return int64(len(d)) }
func (memImage) SectorSize() int { return 512 }
func (d memImage) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(d).ReadAt(p, off)
}

func readImage(t testing.TB, path string) memImage {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// runTool starts a program of Debian's e2fsprogs or grub-common with stdin and
// gives what it prints. An exit code above okCode fails the test.
func runTool(t testing.TB, stdin string, okCode int, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = filepath.Join("/usr/sbin", name) // not on everybody's path
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "MKE2FS_CONFIG=/dev/null", "DEBUGFS_PAGER=__none__", "LC_ALL=C")
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil && (cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > okCode || cmd.ProcessState.ExitCode() < 0) {
		t.Fatalf("%s %s: %v (Debian packages e2fsprogs, grub-common)\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// mkfs makes an image of size bytes from the tree at dir ("" for an empty
// one) with mke2fs's options.
func mkfs(t testing.TB, dir string, size int64, options string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	args := []string{"-q", "-F", "-L", "débian root", "-U", "01234567-89ab-cdef-0123-456789abcdef"}
	if dir != "" {
		args = append(args, "-d", dir)
	}
	args = append(args, strings.Fields(options)...)
	runTool(t, "", 0, "mke2fs", append(args, path)...)
	return path
}

// debugfs runs commands on an image and fails on the errors that debugfs only
// prints.
func debugfs(t testing.TB, image string, commands ...string) string {
	t.Helper()
	out := runTool(t, strings.Join(commands, "\n")+"\n", 0, "debugfs", "-w", "-f", "-", image)
	for _, line := range strings.Split(out, "\n") {
		if !strings.HasPrefix(line, "debugfs") && (strings.Contains(line, "Usage:") || strings.Contains(line, "rror") || strings.Contains(line, "not found")) {
			t.Fatalf("debugfs: %s", out)
		}
	}
	return out
}

// noise is n bytes that depend on seed only.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1})
	r.Read(b)
	return b
}

// corpus fills dir with what readers of filesystems get wrong: sparse files
// that need deep trees, links, many names. mke2fs 1.47.0 makes wrong inodes of
// sparse files with inline_data, so they can be left out.
func corpus(t testing.TB, dir string, withSparse bool) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	file := func(name string, b []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		must(os.MkdirAll(filepath.Dir(path), 0o755))
		must(os.WriteFile(path, b, 0o640))
		must(os.Chtimes(path, time.Unix(1234567890, 0), time.Unix(1700000001, 0)))
	}
	sparse := func(name string, size int64, every int64, pieces ...int64) {
		t.Helper()
		if !withSparse {
			return
		}
		file(name, nil)
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
		must(err)
		for off := int64(0); every > 0 && off < size; off += every {
			pieces = append(pieces, off)
		}
		for _, off := range pieces {
			_, err := f.WriteAt(noise(uint64(off), 700), off)
			must(err)
		}
		must(f.Truncate(size))
		must(f.Close())
	}
	link := func(target, name string) { t.Helper(); must(os.Symlink(target, filepath.Join(dir, name))) }

	file("boot/grub/grub.cfg", []byte("set timeout=5\n"))
	file("boot/vmlinuz-6.1", noise(1, 700_001))
	file("boot/initrd.img-6.1", noise(2, 1_500_000))
	file("empty", nil)
	file("one", []byte("1"))
	for _, n := range []int{59, 60, 61, 100, 150, 1023, 1024, 1025, 4096, 65536, 65537} {
		file(fmt.Sprintf("sizes/%d", n), noise(uint64(n), n))
	}
	file("names/"+strings.Repeat("n", 255), []byte("long"))
	file("names/Größe 😀 \x01", []byte("odd"))
	for i := range 600 {
		file(fmt.Sprintf("many/entry-%04d-%s", i, strings.Repeat("x", i%40)), []byte{byte(i)})
	}
	file("a/b/c/d/e/f/g/h/deep", []byte("deep"))
	sparse("sparse/hole", 5<<20, 0)
	sparse("sparse/begin", 3<<20+5, 0, 3<<20)
	sparse("sparse/end", 3<<20+5, 0, 0)
	sparse("sparse/triple", 66<<20, 0, 13<<10, 1<<20, 65<<20, 66<<20-700)
	sparse("sparse/comb1k", 1400<<10, 2<<10)
	sparse("sparse/comb", 4<<20, 8<<10)

	link("boot/vmlinuz-6.1", "vmlinuz")
	link("/boot/initrd.img-6.1", "initrd.img")
	link("../../../..//./a/b/../../one", "a/up")
	link(strings.Repeat("./", 29)+"a", "len59")
	link(strings.Repeat("./", 29)+"./", "len60")
	link(strings.Repeat("./", 30)+"a", "len61")
	link(strings.Repeat("a/../", 150)+"one", "len753")
	link("loop2", "loop1")
	link("loop1", "loop2")
	link("nowhere", "dangling")
	link("one/", "notdir")
	must(os.Link(filepath.Join(dir, "one"), filepath.Join(dir, "hard")))
	must(os.Chmod(filepath.Join(dir, "one"), 0o4755))
	must(os.Chmod(filepath.Join(dir, "many"), 0o1777))
}
