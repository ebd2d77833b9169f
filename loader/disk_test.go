package loader

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"pvboot/loader/volume"
)

const (
	sector  = 512
	fsBytes = 8 << 20
	fsUUID  = "0a1b2c3d-1111-4222-8333-444455556666"
)

// memDisk is a disk in memory. Reads of what bad names fail.
type memDisk struct {
	data []byte
	bad  func(off, n int64) error // nil when all is good
}

func (d *memDisk) Size() int64     { return int64(len(d.data)) }
func (d *memDisk) SectorSize() int { return sector }

func (d *memDisk) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= d.Size() {
		return 0, io.EOF
	}
	if d.bad != nil {
		if err := d.bad(off, int64(len(p))); err != nil {
			return 0, err
		}
	}
	return bytes.NewReader(d.data).ReadAt(p, off)
}

func (d *memDisk) WriteAt(p []byte, off int64) (int, error) {
	if off%sector != 0 || len(p)%sector != 0 || off+int64(len(p)) > d.Size() {
		return 0, errors.New("unaligned or outside")
	}
	return copy(d.data[off:], p), nil
}

// disk is a Disk for the Loader.
func (d *memDisk) disk(name string) Disk {
	return Disk{Name: "xen/" + name, Open: func() (volume.Device, error) { return d, nil }}
}

// tree is files by name; a name that ends in a slash is an empty folder.
type tree map[string]string

// ext4 makes a filesystem of 8 MiB that holds the files.
func ext4(t *testing.T, files tree, options ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("mke2fs"); err != nil {
		t.Fatal("mke2fs is missing: install e2fsprogs")
	}
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	for name, text := range files {
		path := filepath.Join(root, name)
		folder := filepath.Dir(path)
		if name[len(name)-1] == '/' {
			folder = path
		}
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if folder == path {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	os.MkdirAll(root, 0o777)
	img := filepath.Join(dir, "fs")
	args := append([]string{"-q", "-F", "-t", "ext4", "-U", fsUUID, "-L", "debian", "-d", root}, options...)
	out, err := exec.Command("mke2fs", append(args, img, "8M")...).CombinedOutput()
	if err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, out)
	}
	data, err := os.ReadFile(img)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// gpt puts filesystems into the partitions of a disk.
func gpt(parts ...[]byte) *memDisk {
	const first, align = 2048, 2048
	entries := make([]byte, 128*128)
	var body []byte
	for i, p := range parts {
		start := uint64(first + len(body)/sector)
		body = append(body, p...)
		body = append(body, make([]byte, (align*sector-len(body)%(align*sector))%(align*sector))...)
		e := entries[i*128:]
		copy(e, guid(0xaf, 0x3d)) // any type GUID that is not zero
		copy(e[16:], guid(0x77, byte(i+1)))
		binary.LittleEndian.PutUint64(e[32:], start)
		binary.LittleEndian.PutUint64(e[40:], start+uint64(len(p)/sector)-1)
	}
	total := first + len(body)/sector + 33
	disk := make([]byte, total*sector)
	copy(disk[first*sector:], body)
	disk[446+4] = 0xee
	binary.LittleEndian.PutUint32(disk[446+8:], 1)
	binary.LittleEndian.PutUint32(disk[446+12:], uint32(total-1))
	disk[510], disk[511] = 0x55, 0xaa
	last := total - 1
	copy(disk[2*sector:], entries)
	copy(disk[sector:], gptHeader(1, last, 2, total, entries))
	copy(disk[(last-32)*sector:], entries)
	copy(disk[last*sector:], gptHeader(last, 1, last-32, total, entries))
	return &memDisk{data: disk}
}

func guid(a, b byte) []byte {
	return []byte{a, b, 3, 4, 5, 6, 7, 0x48, 0x89, 10, 11, 12, 13, 14, 15, 16}
}

func gptHeader(self, other, table, total int, entries []byte) []byte {
	h := make([]byte, 92)
	le := binary.LittleEndian
	copy(h, "EFI PART\x00\x00\x01\x00\x5c\x00\x00\x00")
	le.PutUint64(h[24:], uint64(self))
	le.PutUint64(h[32:], uint64(other))
	le.PutUint64(h[40:], 34)
	le.PutUint64(h[48:], uint64(total-34))
	copy(h[56:], guid(0xd1, 0xd2))
	le.PutUint64(h[72:], uint64(table))
	le.PutUint32(h[80:], 128)
	le.PutUint32(h[84:], 128)
	le.PutUint32(h[88:], crc32.ChecksumIEEE(entries))
	le.PutUint32(h[16:], crc32.ChecksumIEEE(h))
	return h
}
