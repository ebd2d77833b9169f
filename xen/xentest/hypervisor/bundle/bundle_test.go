package bundle

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
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
	x := func(n int) (files []io.Reader) {
		for range n {
			files = append(files, strings.NewReader("x"))
		}
		return files
	}
	for name, tt := range map[string]struct {
		s     Spec
		files []io.Reader
	}{
		"too few disks":     {Spec{Kernel: 1, Disks: make([]Disk, 1)}, x(1)},
		"no initrd":         {Spec{Kernel: 1, Initrd: 1}, x(1)},
		"too many files":    {Spec{Kernel: 1}, x(2)},
		"long command line": {Spec{Kernel: 1, CmdLine: strings.Repeat("x", headerPages*page)}, x(1)},
		"short kernel":      {Spec{Kernel: 9}, x(1)},
		"short disk":        {Spec{Kernel: 1, Disks: []Disk{{Size: 9}}}, x(2)},
	} {
		if err := Write(io.Discard, &tt.s, tt.files...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestInitrd(t *testing.T) {
	var b bytes.Buffer
	s := &Spec{Memory: 1, Kernel: 5, Initrd: 6, Disks: []Disk{{Size: 512}}}
	if err := Write(&b, s, strings.NewReader("image"), strings.NewReader("initrd"), strings.NewReader(strings.Repeat("a", 512))); err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != s.Size() {
		t.Errorf("%d bytes, want %d", b.Len(), s.Size())
	}
	u, err := Open(b.Bytes())
	if err != nil || string(u.Image) != "image" || string(u.Ramdisk) != "initrd" || len(u.Contents) != 1 || u.Contents[0][511] != 'a' {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestOpenErrors(t *testing.T) {
	for name, spoil := range map[string]func(b []byte) []byte{
		"empty":           func(b []byte) []byte { return nil },
		"magic":           func(b []byte) []byte { b[0]++; return b },
		"length":          func(b []byte) []byte { b[11] = 1; return b },
		"text":            func(b []byte) []byte { b[textAt+3]++; return b },
		"a negative size": func([]byte) []byte { return raw(t, `{"memory":1,"kernel":-1}`) },
		"no kernel":       func([]byte) []byte { return raw(t, `{"memory":1}`) },
		"no memory":       func([]byte) []byte { return raw(t, `{"kernel":1}`) },
		"no JSON":         func([]byte) []byte { return raw(t, `{`) },
		"cut in the end":  func(b []byte) []byte { return b[:6*page] },
		"cut early":       func(b []byte) []byte { return b[:4*page+3] },
	} {
		if _, err := Open(spoil(small(t))); err == nil || !strings.HasPrefix(err.Error(), "bundle: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// raw is a bundle with that text, and a page of zeros.
func raw(t *testing.T, text string) []byte {
	b := make([]byte, (headerPages+1)*page)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[len(magic):], uint32(len(text)))
	binary.LittleEndian.PutUint32(b[len(magic)+4:], crc32.ChecksumIEEE([]byte(text)))
	copy(b[textAt:], text)
	return b
}

func FuzzOpen(f *testing.F) {
	f.Add(small(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := Open(b)
		if err != nil {
			return
		}
		if int64(len(u.Image)) != u.Kernel || int64(len(u.Ramdisk)) != u.Initrd || len(u.Contents) != len(u.Disks) {
			t.Errorf("%+v", u)
		}
	})
}
