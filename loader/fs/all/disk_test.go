package all

import (
	"bytes"
	"io"
	iofs "io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pvboot/loader/fs"
	"pvboot/loader/volume"
)

// diskFile is a disk image that can be written.
type diskFile struct {
	*os.File
	size int64
}

func (d diskFile) Size() int64   { return d.size }
func (diskFile) SectorSize() int { return 512 }

func tool(t *testing.T, stdin, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = filepath.Join("/usr/sbin", name) // not on everybody's path
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "MKE2FS_CONFIG=/dev/null", "LC_ALL=C")
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v (Debian packages e2fsprogs, fdisk)\n%s", name, err, out)
	}
}

// TestDisk goes the loader's way: from a disk to a partition to a file, reads
// it and writes it in place as save_env does.
func TestDisk(t *testing.T) {
	tree := t.TempDir()
	env := bytes.Repeat([]byte("# GRUB Environment Block\n"), 41)[:1024]
	if err := os.WriteFile(filepath.Join(tree, "grubenv"), env, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, script, partition string }{
		{"gpt", "label: gpt\n1: start=2048, size=2048\n3: start=8192, size=8192\n", "gpt3"},
		{"msdos", "label: dos\n1: start=2048, size=12288, type=5\n5: start=4096, size=2048\n6: start=8192, size=6144\n", "msdos6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "disk")
			if err := os.WriteFile(path, make([]byte, 16<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			tool(t, tt.script, "sfdisk", "-q", "--no-reread", "--no-tell-kernel", path)
			tool(t, "", "mke2fs", "-q", "-F", "-b", "1024", "-O", "none,filetype,extent", "-d", tree, "-E", "offset=4194304", path, "3M")
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			table, err := volume.Scan(diskFile{f, 16 << 20})
			if err != nil {
				t.Fatal(err)
			}
			part, ok := table.Partition(tt.partition)
			if !ok {
				t.Fatalf("no %s in %v", tt.partition, table.Partitions)
			}
			checkWrite(t, part, env)
			if _, err := Open(table.Partitions[0]); err == nil {
				t.Error("an empty partition was opened")
			}
		})
	}
}

func checkWrite(t *testing.T, part *volume.Partition, env []byte) {
	t.Helper()
	fsys, err := Open(part)
	if err != nil {
		t.Fatal(err)
	}
	file, err := fsys.Open("grubenv")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(file); err != nil || !bytes.Equal(b, env) {
		t.Errorf("grubenv: %q, %v", b, err)
	}
	extents, err := file.(fs.Mapped).Extents()
	if err != nil || len(extents) != 1 || extents[0].Length != 1024 {
		t.Fatalf("extents %v, %v", extents, err)
	}
	changed := bytes.ToUpper(env)
	if _, err := part.WriteAt(changed, extents[0].Physical); err != nil {
		t.Fatal(err)
	}
	if b, err := iofs.ReadFile(fsys, "grubenv"); err != nil || !bytes.Equal(b, changed) {
		t.Errorf("grubenv after writing: %q, %v", b, err)
	}
}
