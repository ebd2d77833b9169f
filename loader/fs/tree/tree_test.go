package tree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pvboot/loader/fs"
)

// memNode is a node in memory: a directory has entries, a link a target.
type memNode struct {
	id      uint64
	mode    iofs.FileMode
	entries map[string]*memNode
	target  string
	data    []byte
}

func (n *memNode) ID() uint64              { return n.id }
func (n *memNode) Mode() iofs.FileMode     { return n.mode }
func (n *memNode) Size() int64             { return int64(len(n.data)) }
func (n *memNode) ModTime() time.Time      { return time.Unix(0, 0) }
func (n *memNode) Target() (string, error) { return n.target, nil }
func (n *memNode) Data() (Data, error)     { return bytes.NewReader(n.data), nil }

func (n *memNode) Lookup(name string) (Node, error) {
	if c := n.entries[name]; c != nil {
		return c, nil
	}
	return nil, iofs.ErrNotExist
}

func (n *memNode) List() ([]Entry, error) {
	var out []Entry
	for name, c := range n.entries {
		out = append(out, Entry{name, c.mode.Type()})
	}
	return out, nil
}

// build makes a tree of "path", "path=contents", "path->target" and "path|".
func build(lines ...string) *FS {
	ids := uint64(1)
	node := func(mode iofs.FileMode) *memNode {
		ids++
		return &memNode{id: ids, mode: mode, entries: map[string]*memNode{}}
	}
	root := node(iofs.ModeDir | 0o755)
	for _, line := range lines {
		leaf := node(iofs.ModeDir | 0o755)
		path := line
		if p, target, ok := strings.Cut(line, "->"); ok {
			path, leaf.mode, leaf.target = p, iofs.ModeSymlink|0o777, target
		} else if p, data, ok := strings.Cut(line, "="); ok {
			path, leaf.mode, leaf.data = p, 0o644, []byte(data)
		} else if p, ok := strings.CutSuffix(line, "|"); ok {
			path, leaf.mode = p, iofs.ModeNamedPipe
		}
		dir := root
		elems := strings.Split(path, "/")
		for _, e := range elems[:len(elems)-1] {
			if dir.entries[e] == nil {
				dir.entries[e] = node(iofs.ModeDir | 0o755)
			}
			dir = dir.entries[e]
		}
		dir.entries[elems[len(elems)-1]] = leaf
	}
	return &FS{Kind: "mem", Top: root}
}

func TestResolve(t *testing.T) {
	lines := []string{"a/b/file=text", "top=top", "abs->/a/b/file", "rel->a/./b//file", "a/up->../top", "a/out->../../../top",
		"dir->a/b", "dirslash->a/b/", "a/b/parent->..", "fileslash->top/.", "filedots->top/../top", "empty->", "loop->loop",
		"dangling->none", "rootlink->/", "pipe|"}
	for i := range MaxLinks + 1 {
		lines = append(lines, fmt.Sprintf("chain%d->chain%d", i+1, i))
	}
	lines = append(lines, "chain0=end")
	f := build(lines...)
	for _, tt := range []struct {
		path string
		want string // contents, "dir" for a directory
		err  error
	}{
		{path: "a/b/file", want: "text"},
		{path: "abs", want: "text"},
		{path: "rel", want: "text"},
		{path: "a/up", want: "top"},
		{path: "a/out", want: "top"},
		{path: "dir/file", want: "text"},
		{path: "dirslash", want: "dir"},
		{path: "a/b/parent/b/parent/up", want: "top"},
		{path: "rootlink/top", want: "top"},
		{path: ".", want: "dir"},
		{path: "rootlink", want: "dir"},
		{path: "chain40", want: "end"},
		{path: "chain41", err: errLinks},
		{path: "loop", err: errLinks},
		{path: "fileslash", err: errNotDir},
		{path: "filedots", err: errNotDir},
		{path: "top/x", err: errNotDir},
		{path: "empty", err: iofs.ErrNotExist},
		{path: "dangling", err: iofs.ErrNotExist},
		{path: "none/top", err: iofs.ErrNotExist},
		{path: "/top", err: iofs.ErrInvalid},
		{path: "a/../top", err: iofs.ErrInvalid},
		{path: "", err: iofs.ErrInvalid},
		{path: "top/", err: iofs.ErrInvalid},
		{path: "pipe", err: errNotFile},
	} {
		got := "dir"
		file, err := f.Open(tt.path)
		if err == nil {
			if st, _ := file.Stat(); !st.IsDir() {
				var b []byte
				b, err = io.ReadAll(file)
				got = string(b)
			}
		}
		var pe *iofs.PathError
		if tt.err != nil {
			if !errors.Is(err, tt.err) || !errors.As(err, &pe) || pe.Path != tt.path {
				t.Errorf("Open(%q): %v, want %v", tt.path, err, tt.err)
			}
		} else if err != nil || got != tt.want {
			t.Errorf("Open(%q) = %q, %v, want %q", tt.path, got, err, tt.want)
		}
	}
}

func TestLinksAreNotFollowed(t *testing.T) {
	f := build("file=x", "link->file", "dir/inner->../file", "dirlink->dir")
	for path, want := range map[string]string{"link": "file", "dirlink/inner": "../file", "dirlink": "dir"} {
		if got, err := f.ReadLink(path); got != want || err != nil {
			t.Errorf("ReadLink(%s) = %q, %v, want %q", path, got, err, want)
		}
		if st, err := f.Lstat(path); err != nil || st.Mode().Type() != iofs.ModeSymlink {
			t.Errorf("Lstat(%s): %v, %v", path, st, err)
		}
	}
	if _, err := f.ReadLink("file"); !errors.Is(err, iofs.ErrInvalid) {
		t.Errorf("ReadLink of a file: %v", err)
	}
	if _, err := f.ReadDir("file"); !errors.Is(err, errNotDir) {
		t.Errorf("ReadDir of a file: %v", err)
	}
}

func TestDirectoryInItself(t *testing.T) {
	f := build("a/b/c=x")
	b, err := f.resolve([]string{"a", "b"}, true)
	if err != nil {
		t.Fatal(err)
	}
	b.(*memNode).entries["again"] = f.Top.(*memNode).entries["a"]
	if _, err := f.Stat("a/b/again"); !errors.Is(err, fs.ErrCorrupt) {
		t.Errorf("Stat: %v, want ErrCorrupt", err)
	}
}

func TestStandardChecks(t *testing.T) {
	if err := fstest.TestFS(build("a/b/file=text", "top=top", "link->a/b", "a/c", "pipe=|"), "a/b/file", "top", "link", "a/c"); err != nil {
		t.Error(err)
	}
}

func TestSeek(t *testing.T) {
	f, err := build("file=0123456789").Open("file")
	if err != nil {
		t.Fatal(err)
	}
	s := f.(io.ReadSeeker)
	for _, tt := range []struct {
		off    int64
		whence int
		want   string
		fail   bool
	}{
		{2, io.SeekStart, "2", false}, {1, io.SeekCurrent, "4", false}, {-1, io.SeekEnd, "9", false}, {5, io.SeekEnd, "", false},
		{-1, io.SeekStart, "", true}, {0, 3, "", true},
	} {
		_, err := s.Seek(tt.off, tt.whence)
		if (err != nil) != tt.fail {
			t.Errorf("Seek(%d, %d): %v", tt.off, tt.whence, err)
		}
		b := make([]byte, 1)
		if n, _ := s.Read(b); !tt.fail && string(b[:n]) != tt.want {
			t.Errorf("after Seek(%d, %d): %q, want %q", tt.off, tt.whence, b[:n], tt.want)
		}
	}
	if _, err := f.(fs.File).ReadAt(make([]byte, 1), -1); !errors.Is(err, iofs.ErrInvalid) {
		t.Errorf("ReadAt at -1: %v", err)
	}
	if _, ok := f.(fs.Mapped); ok {
		t.Error("a file without extents is Mapped")
	}
}
