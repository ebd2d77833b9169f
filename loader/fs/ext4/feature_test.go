package ext4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pvboot/loader/fs"
)

func TestUnknownFilesystem(t *testing.T) {
	for name, image := range map[string]memImage{
		"zeros": make(memImage, 64<<10),
		"empty": nil,
		"short": make(memImage, 2047),
		"noise": noise(3, 64<<10),
	} {
		if _, err := Open(image); !errors.Is(err, fs.ErrUnknown) {
			t.Errorf("%s: Open: %v, want ErrUnknown", name, err)
		}
	}
}

// TestUnsupported sets features that are refused, each by e2fsprogs' name.
func TestUnsupported(t *testing.T) {
	image := readImage(t, mkfs(t, "", 2<<20, "-b 1024 -O none,filetype"))
	for _, tt := range []struct {
		bits uint32
		want string
	}{
		{0x1, "ext4: unsupported feature compression"},
		{0x8, "ext4: unsupported feature journal_dev"},
		{0x1000, "ext4: unsupported feature dirdata"},
		{0x1001, "ext4: unsupported feature compression, dirdata"},
		{0x40000, "ext4: unsupported feature FEATURE_I18"},
		{0x20, "ext4: unsupported feature FEATURE_I5"},
	} {
		m := bytes.Clone(image)
		binary.LittleEndian.PutUint32(m[1024+0x60:], 2|tt.bits)
		_, err := Open(memImage(m))
		if !errors.Is(err, fs.ErrUnsupported) || err.Error() != tt.want {
			t.Errorf("incompat %#x: %v, want %s", tt.bits, err, tt.want)
		}
	}
	// What a newer ext4 says is safe to read is read.
	m := bytes.Clone(image)
	binary.LittleEndian.PutUint32(m[1024+0x5c:], 1<<31)
	binary.LittleEndian.PutUint32(m[1024+0x64:], 1<<31)
	if _, err := Open(memImage(m)); err != nil {
		t.Errorf("unknown compatible features: %v", err)
	}
}

func TestExternalJournal(t *testing.T) {
	m := readImage(t, mkfs(t, "", 2<<20, "-b 1024 -O none,has_journal,filetype"))
	binary.LittleEndian.PutUint32(m[1024+0xe0:], 0)
	if _, err := Open(m); err != nil {
		t.Errorf("clean: %v", err)
	}
	m[1024+0x60] |= incompatRecover
	want := "ext4: journal: needs_recovery with a journal on another device"
	if _, err := Open(m); err == nil || err.Error() != want {
		t.Errorf("Open: %v, want %s", err, want)
	}
}

// TestEncrypted marks inodes as encrypted: others stay readable.
func TestEncrypted(t *testing.T) {
	p := newPatient(t, readImage(t, mkfs(t, smallTree(t), 16<<20, "-b 1024 -I 256 -O none,filetype,extent,encrypt")))
	for _, path := range []string{"file", "sub", "slow"} {
		p.inode(path)[0x21] |= flagEncrypt >> 8
	}
	f, err := Open(p.m)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range []string{"read file", "list sub", "stat sub/inner", "link slow"} {
		if err := operate(f, op); !errors.Is(err, fs.ErrUnsupported) || !strings.Contains(err.Error(), "feature encrypt") {
			t.Errorf("%s: %v, want encrypt refused", op, err)
		}
	}
	for _, op := range []string{"read comb", "list .", "stat sub", "stat file"} {
		if err := operate(f, op); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// A directory larger than any real one is not read at all.
func TestHugeDirectory(t *testing.T) {
	p := newPatient(t, readImage(t, mkfs(t, smallTree(t), 16<<20, "-b 1024 -I 256 -O none,filetype,extent")))
	number := p.number("sub")
	binary.LittleEndian.PutUint32(p.inode("sub")[4:], 1<<31)
	f, err := Open(p.m)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("ext4: inode %d: directory of 2147483648 bytes, more than 268435456", number)
	if _, err := f.Stat("sub/inner"); !errors.Is(err, fs.ErrUnsupported) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("Stat: %v, want %s", err, want)
	}
}

func TestCasefold(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"ascii/Name", "mixed/Größe", "mixed/Other"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := newPatient(t, readImage(t, mkfs(t, dir, 2<<20, "-b 1024 -I 256 -O none,filetype,extent,casefold")))
	for _, path := range []string{"ascii", "mixed"} {
		p.inode(path)[0x23] |= flagCasefold >> 24
	}
	f, err := Open(p.m)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"ascii/Name": nil, "ascii/nAME": nil, "ascii/names": iofs.ErrNotExist, "ascii/größe": fs.ErrUnsupported,
		"mixed/Größe": nil, "mixed/Other": nil, "mixed/oTHER": nil, "mixed/größe": fs.ErrUnsupported, "mixed/x": fs.ErrUnsupported,
		"ASCII/Name": iofs.ErrNotExist, // the root has no such flag
	} {
		if _, err := f.Stat(name); !errors.Is(err, want) {
			t.Errorf("Stat(%s): %v, want %v", name, err, want)
		}
	}
}
