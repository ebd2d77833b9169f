package command_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"pvboot/loader/grub"
	"pvboot/loader/grub/grubtest"
	"pvboot/loader/image"
)

// keeper keeps the initrds of a boot as they are, for odd reads.
type keeper struct {
	*grubtest.Host
	check func(image.Request)
}

func (k keeper) Boot(ctx context.Context, req image.Request) error {
	k.check(req)
	return k.Host.Boot(ctx, req)
}

// TestNewc has cpio unpack what initrd newc: makes.
func TestNewc(t *testing.T) {
	tool, err := exec.LookPath("cpio")
	if err != nil {
		t.Fatalf("cpio is needed (Debian package cpio): %v", err)
	}
	h := host()
	in := newInterp(h)
	in.RunLine(context.Background(), "linux /boot/vmlinuz-1; initrd newc:/etc/deep/name:/etc/hostname newc:two:(hd0,2)/boot/vmlinuz-2 /boot/same-1; boot")
	if len(h.Booted) != 1 || len(h.Booted[0].Bytes) != 4 {
		t.Fatalf("booted %v\n%s", h.Booted, h.Out.String())
	}
	if h.Booted[0].Bytes[3] != "one" {
		t.Errorf("plain file: %q", h.Booted[0].Bytes[3])
	}
	dir := t.TempDir()
	for _, archive := range h.Booted[0].Bytes[1:3] {
		cmd := exec.Command(tool, "-idm", "--quiet")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(archive)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("cpio: %v\n%s", err, out)
		}
	}
	for name, want := range map[string]string{"etc/deep/name": "name\x01\r\n", "two": "two"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestNewcReads reads an archive in pieces of every size.
func TestNewcReads(t *testing.T) {
	h := host()
	checked := false
	k := keeper{h, func(req image.Request) {
		data := req.Initrd[0].Data
		whole := make([]byte, data.Size())
		if n, err := data.ReadAt(whole, 0); n != len(whole) {
			t.Fatal(n, err)
		}
		if len(whole)%4 != 0 || !bytes.Contains(whole, []byte("name\x01\r\n")) {
			t.Errorf("archive: %q", whole)
		}
		if err := iotest.TestReader(&section{data, 0}, whole); err != nil {
			t.Error(err)
		}
		if n, err := data.ReadAt(make([]byte, 1), data.Size()); n != 0 || err == nil {
			t.Errorf("at the end: %d, %v", n, err)
		}
		if _, err := data.ReadAt(make([]byte, 1), -1); err == nil {
			t.Error("a read before the start went well")
		}
		checked = true
	}}
	in := grub.New(k, newInterp(h).Commands(), grub.Limits{})
	in.RunLine(context.Background(), "root=hd0,2; linux /boot/vmlinuz-1; initrd newc:a/b:/etc/hostname; boot")
	if !checked {
		t.Errorf("nothing booted: %s", h.Out.String())
	}
	for _, bad := range []string{"newc::/etc/hostname", "newc:/:/etc/hostname", "newc:" + strings.Repeat("a", 1025) + ":/etc/hostname", "newc:x", "newc:x:/nosuch"} {
		h.Out.Reset()
		in.RunLine(context.Background(), "linux /boot/vmlinuz-1; initrd "+bad)
		if in.Loaded() || !strings.HasPrefix(h.Out.String(), "error: ") {
			t.Errorf("%.20s: loaded %t, printed %q", bad, in.Loaded(), h.Out.String())
		}
	}
}

// section reads a source from front to back.
type section struct {
	src image.Source
	off int64
}

func (s *section) Read(p []byte) (int, error) {
	n, err := s.src.ReadAt(p, s.off)
	s.off += int64(n)
	return n, err
}
