package guest

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/cpio"
)

// TestFiles reads this package's testdata: from the disk on a host, and in a
// guest from the archive that `xengo test` packs.
func TestFiles(t *testing.T) {
	if err := fstest.TestFS(os.DirFS("testdata"), "hello/main.go", "fault/main.go", "probe"); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile("./testdata/../testdata//hello/main.go")
	if err != nil || !bytes.Contains(text, []byte("package main")) {
		t.Errorf("ReadFile: %d bytes, %v", len(text), err)
	}
	f, err := os.Open("testdata/hello/main.go")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if end, err := f.Seek(-1, 2); err != nil || end != int64(len(text)-1) {
		t.Errorf("Seek: %d, %v", end, err)
	}
	last := make([]byte, 2)
	if n, _ := f.Read(last); n != 1 || last[0] != '\n' {
		t.Errorf("the last byte is %q", last[:n])
	}
	for _, name := range []string{"testdata/nothing", "testdata/hello/main.go/x"} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s exists", name)
		}
	}
	if !running {
		return
	}
	if err := os.Mkdir("testdata/new", 0o755); err == nil {
		t.Error("a guest can make a folder")
	}
	if f, err := os.Create("testdata/new"); err == nil {
		f.Close()
		t.Error("a guest can make a file")
	}
	for range 100 { // descriptors come back
		if _, err := fs.Stat(os.DirFS("."), "testdata"); err != nil {
			t.Fatal(err)
		}
		if _, err := os.ReadDir("testdata"); err != nil {
			t.Fatal(err)
		}
	}
}

// withArchive makes b the first module for the length of f.
func withArchive(b []byte, f func()) {
	saved := start.modules
	defer func() { start.modules = saved }()
	start.modules = ranges{}
	if len(b) > 0 {
		start.modules.add(Range{uint64(addressOf(&b[0])), uint64(len(b)), RAM})
	}
	f()
}

// names lists directory dir with the code behind getdents64.
func names(dir string) (list []string) {
	for addr, end := archive(); ; {
		m, more := readMember(addr, end)
		if !more {
			return list
		}
		addr = m.next
		if name, ok := child([]byte(dir), &m); ok {
			list = append(list, string(name))
		}
	}
}

func makeArchive(tb testing.TB) []byte {
	var b bytes.Buffer
	w := cpio.NewWriter(&b)
	for _, err := range []error{
		w.File("a/b/one", 0o644, []byte("1")),
		w.File("a/two", 0o644, []byte("first")),
		w.File("a/two", 0o644, []byte("second")),
		w.File("ab", 0o644, nil),
		w.Close(),
	} {
		if err != nil {
			tb.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestArchive(t *testing.T) {
	b := makeArchive(t)
	withArchive(b, func() {
		for name, want := range map[string]string{"a/b/one": "1", "a/two": "second", "ab": ""} {
			m, ok := find([]byte(name))
			if got := string(memory(m.data, int(m.size))); !ok || got != want {
				t.Errorf("%s: %q %v, want %q", name, got, ok, want)
			}
		}
		for _, name := range []string{"a/b/on", "b", "a/", "TRAILER!!!"} {
			if _, ok := find([]byte(name)); ok {
				t.Errorf("%s is found", name)
			}
		}
		for dir, want := range map[string][]string{"": {"a", "ab"}, "a": {"b", "two", "two"}, "a/b": {"one"}, "ab": nil} {
			if diff := cmp.Diff(want, names(dir)); diff != "" {
				t.Errorf("%q: %s", dir, diff)
			}
		}
	})
	withArchive(nil, func() {
		if _, ok := find([]byte("a")); ok || names("") != nil {
			t.Error("without an archive there are files")
		}
	})
}

func TestPath(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "/": "", ".": "", "a": "a", "/a//b/": "a/b", "./a/./b": "a/b", "a/../b": "b", "../../x": "x", "a/b/../../..": "", "..a/b..": "..a/b..",
	} {
		var p path
		c := append([]byte(name), 0)
		if !p.set(uint64(uintptr(unsafe.Pointer(&c[0])))) || string(p.bytes()) != want {
			t.Errorf("%q becomes %q, want %q", name, p.bytes(), want)
		}
		if abs := filepath.Clean("/" + name); "/"+want != abs {
			t.Errorf("%q: package filepath says %q", name, abs)
		}
	}
	var p path
	long := append(bytes.Repeat([]byte("x"), len(p.b)+1), 0)
	if p.set(uint64(uintptr(unsafe.Pointer(&long[0])))) {
		t.Error("a long name fits")
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(makeArchive(f))
	f.Add([]byte("070701"))
	f.Fuzz(func(t *testing.T, b []byte) {
		withArchive(b, func() {
			base, end := archive()
			for addr, members := base, 0; ; members++ {
				m, ok := readMember(addr, end)
				if !ok {
					return
				}
				if m.data < base || m.data+m.size > end || m.next <= addr || members > len(b) {
					t.Fatalf("member at %d: %d+%d, next %d, of %d bytes", addr-base, m.data-base, m.size, m.next-base, len(b))
				}
				addr = m.next
			}
		})
	})
}
