package bundle

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// small is a bundle with two disks.
func small(t testing.TB) []byte {
	var b bytes.Buffer
	s := &Spec{Memory: 64 << 20, CmdLine: "quiet", Kernel: 5, Disks: []Disk{{ID: 51712, Size: 4096, SectorSize: 512}, {ID: 51728, Size: 512, ReadOnly: true}}}
	if err := Write(&b, s, strings.NewReader("image"), strings.NewReader(strings.Repeat("a", 4096)), strings.NewReader(strings.Repeat("b", 512))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBundle(t *testing.T) {
	b := small(t)
	u, err := Open(b)
	if err != nil {
		t.Fatal(err)
	}
	want := &Bundle{
		Spec:     Spec{Memory: 64 << 20, CmdLine: "quiet", Kernel: 5, Disks: []Disk{{ID: 51712, Size: 4096, SectorSize: 512}, {ID: 51728, Size: 512, ReadOnly: true}}},
		Image:    []byte("image"),
		Contents: [][]byte{bytes.Repeat([]byte("a"), 4096), bytes.Repeat([]byte("b"), 512)},
	}
	if diff := cmp.Diff(want, u); diff != "" {
		t.Error(diff)
	}
	if &u.Contents[0][0] != &b[5*page] {
		t.Error("a disk was copied, or is not on a page of its own")
	}
}

func TestWriteErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		s     Spec
		disks []io.Reader
	}{
		"too few disks":     {Spec{Kernel: 1, Disks: make([]Disk, 1)}, nil},
		"long command line": {Spec{Kernel: 1, CmdLine: strings.Repeat("x", headerPages*page)}, nil},
		"short kernel":      {Spec{Kernel: 9}, nil},
		"short disk":        {Spec{Kernel: 1, Disks: []Disk{{Size: 9}}}, []io.Reader{strings.NewReader("x")}},
	} {
		if err := Write(io.Discard, &tt.s, strings.NewReader("x"), tt.disks...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	for name, spoil := range map[string]func(b []byte) []byte{
		"empty":          func(b []byte) []byte { return nil },
		"magic":          func(b []byte) []byte { b[0]++; return b },
		"length":         func(b []byte) []byte { b[11] = 1; return b },
		"text":           func(b []byte) []byte { b[textAt+3]++; return b },
		"cut in the end": func(b []byte) []byte { return b[:6*page] },
		"cut early":      func(b []byte) []byte { return b[:4*page+3] },
	} {
		if _, err := Open(spoil(small(t))); err == nil || !strings.HasPrefix(err.Error(), "bundle: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(small(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := Open(b)
		if err != nil {
			return
		}
		if int64(len(u.Image)) != u.Kernel || len(u.Contents) != len(u.Disks) {
			t.Errorf("%+v", u)
		}
	})
}
