package cpio

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// archive returns an archive with every kind of file.
func archive(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out)
	for _, err := range []error{
		w.File("/etc/xen/xl.conf", 0o644, []byte("autoballoon=\"0\"\n")),
		w.File("etc/empty", 0o600, nil),
		w.Symlink("bin", "usr/bin"),
		w.File("usr/bin/run", 0o755, []byte("#!/bin/sh\necho ran\n")),
		w.Device("dev/console", 0o600, 5, 1),
		w.MkdirAll("usr/bin"),
		w.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// The archive is read back by the usual tool.
func TestWriter(t *testing.T) {
	tool, err := exec.LookPath("cpio")
	if err != nil {
		t.Fatalf("cpio is needed (scripts/install-host-packages): %v", err)
	}
	data := archive(t)
	if len(data)%512 != 0 {
		t.Errorf("archive of %d bytes, want a multiple of 512", len(data))
	}
	list := exec.Command(tool, "--list", "--numeric-uid-gid", "--verbose", "--quiet")
	list.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	list.Stdin = bytes.NewReader(data)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		line = strings.Replace(line, "Jan  1  1970", "", 1) // the date of all
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	want := []string{
		"drwxr-xr-x 2 0 0 0 etc",
		"drwxr-xr-x 2 0 0 0 etc/xen",
		"-rw-r--r-- 1 0 0 16 etc/xen/xl.conf",
		"-rw------- 1 0 0 0 etc/empty",
		"lrwxrwxrwx 1 0 0 7 bin -> usr/bin",
		"drwxr-xr-x 2 0 0 0 usr",
		"drwxr-xr-x 2 0 0 0 usr/bin",
		"-rwxr-xr-x 1 0 0 19 usr/bin/run",
		"drwxr-xr-x 2 0 0 0 dev",
		"crw------- 1 0 0 5, 1 dev/console",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cpio --list (-want +got):\n%s", diff)
	}
}

func TestSameEntriesSameBytes(t *testing.T) {
	if !bytes.Equal(archive(t), archive(t)) {
		t.Error("two archives of the same entries differ")
	}
}

func TestErrors(t *testing.T) {
	w := NewWriter(&bytes.Buffer{})
	for _, e := range []*Entry{
		{Name: "/"}, {Name: ""}, {Name: "a\x00b"}, {Name: "TRAILER!!!"}, {Name: "a", Size: -1}, {Name: "a", Size: 1 << 32},
	} {
		if err := w.WriteHeader(e); err == nil {
			t.Errorf("entry %+v: no error", e)
		}
	}
	if err := w.WriteHeader(&Entry{Name: "a", Mode: TypeRegular, Size: 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("four")); !errors.Is(err, ErrSize) {
		t.Errorf("content longer than its size: %v", err)
	}
	if err := w.Close(); !errors.Is(err, ErrSize) {
		t.Errorf("content shorter than its size: %v", err)
	}
	if _, err := w.Write([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.File("b", 0o644, nil); err == nil {
		t.Error("a file behind the end: no error")
	}
}
