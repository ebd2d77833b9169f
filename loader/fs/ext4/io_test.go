package ext4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pvboot/loader/fs"
	"pvboot/loader/volume"
)

// spyDevice records reads and fails those that touch a bad byte.
type spyDevice struct {
	volume.Device
	mu    sync.Mutex
	reads []string
	large [][]byte // buffers of 64 KiB and more
	bad   int64    // 0 for none
}

var errMedium = errors.New("medium error")

func (d *spyDevice) ReadAt(b []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads = append(d.reads, fmt.Sprintf("%d+%d", off, len(b)))
	if len(b) >= 64<<10 {
		d.large = append(d.large, b)
	}
	if d.bad >= off && d.bad < off+int64(len(b)) && d.bad != 0 {
		return 0, errMedium
	}
	return d.Device.ReadAt(b, off)
}

// A large file that is in one piece is one read into the caller's buffer.
func TestLargeReads(t *testing.T) {
	dir := t.TempDir()
	want := noise(1, 24<<20+123)
	if err := os.WriteFile(filepath.Join(dir, "initrd"), want, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, options := range []string{"-b 4096 -I 256 -O " + csum4, "-b 1024 -O " + base} {
		d := &spyDevice{Device: openImage(t, mkfs(t, dir, 64<<20, options))}
		f, err := Open(d)
		if err != nil {
			t.Fatal(err)
		}
		file, err := f.Open("initrd")
		if err != nil {
			t.Fatal(err)
		}
		extents, err := file.(fs.Mapped).Extents()
		if err != nil {
			t.Fatal(err)
		}
		if n := len(d.reads); n > 120 {
			t.Errorf("%s: %d reads of metadata: %v", options, n, d.reads)
		}
		d.reads = nil
		got := make([]byte, len(want))
		if _, err := file.(io.ReaderAt).ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s: wrong bytes, %v", options, err)
		}
		// ext2 stores indirect blocks between the data and may have to read
		// them again.
		data := len(d.large)
		if data > len(extents) {
			t.Errorf("%s: %d large reads for %d extents", options, data, len(extents))
		}
		if strings.Contains(options, "extent") && len(d.reads) != len(extents) {
			t.Errorf("%s: %d reads for %d extents", options, len(d.reads), len(extents))
		}
		for _, b := range d.large {
			if &b[0] != &got[cap(got)-cap(b)] {
				t.Errorf("%s: data was read into another buffer", options)
			}
		}
	}
}

// A directory in one piece is read in large pieces, and only once.
func TestDirectoryReads(t *testing.T) {
	d := &spyDevice{Device: openImage(t, mkfs(t, smallTree(t), 16<<20, "-b 1024 -I 256 -O "+new4))}
	f, err := Open(d)
	if err != nil {
		t.Fatal(err)
	}
	n, err := f.resolve("big")
	if err != nil {
		t.Fatal(err)
	}
	d.reads = nil
	for range 2 {
		if _, err := n.List(); err != nil {
			t.Fatal(err)
		}
	}
	if blocks := n.blockCount(); len(d.reads) > int(blocks)/10 {
		t.Errorf("%d reads for %d blocks: %v", len(d.reads), blocks, d.reads)
	}
}

// An I/O error is told with the file's inode and the device's own words.
func TestDeviceErrors(t *testing.T) {
	image := readImage(t, mkfs(t, smallTree(t), 16<<20, "-b 1024 -I 256 -O "+csum4))
	p := newPatient(t, image)
	at := func(b []byte) int64 { return int64(cap(p.m) - cap(b)) }
	for _, tt := range []struct {
		op   string
		bad  int64
		want string
	}{
		{"open", 1024 + 5, "ext4: superblock: read of 1024 bytes at 1024: medium error"},
		{"open", 2048, "ext4: group 0: block 2: read of 1024 bytes at 2048: medium error"},
		{"list .", at(p.data(".", 0)), "ext4: inode 2: block "},
		{"read file", at(p.data("file", 7)), fmt.Sprintf("ext4: inode %d: read of 20000 bytes at ", p.number("file"))},
		{"read comb", at(p.node(p.extentRoot("comb"))), fmt.Sprintf("ext4: inode %d: block ", p.number("comb"))},
	} {
		f, err := Open(&spyDevice{Device: image, bad: tt.bad})
		if err == nil {
			err = operate(f, tt.op)
		}
		var pe *iofs.PathError
		got := err
		if errors.As(err, &pe) {
			got = pe.Err
		}
		if got == nil || !strings.HasPrefix(got.Error(), tt.want) || !errors.Is(err, errMedium) || errors.Is(err, fs.ErrCorrupt) {
			t.Errorf("%s with byte %d bad: %v\nwant %s…", tt.op, tt.bad, got, tt.want)
		}
	}
}

// A device that ends early gives an error, not zeros.
func TestTruncatedDevice(t *testing.T) {
	image := readImage(t, mkfs(t, smallTree(t), 16<<20, "-b 1024 -I 256 -O "+csum4))
	p := newPatient(t, image)
	end := cap(p.m) - cap(p.data("file", 15))
	f, err := Open(lyingDevice{image[:end], int64(len(image))})
	if err != nil {
		t.Fatal(err)
	}
	if err := operate(f, "read file"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read: %v, want an unexpected EOF", err)
	}
}

// lyingDevice claims more bytes than it has.
type lyingDevice struct {
	memImage
	size int64
}

func (d lyingDevice) Size() int64 { return d.size }

// Many readers at once; for the race detector.
func TestConcurrentReaders(t *testing.T) {
	dir := smallTree(t)
	f, err := Open(openImage(t, mkfs(t, dir, 16<<20, "-b 1024 -I 256 -O "+new4)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := f.Open("comb")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "comb"))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for off := i * 100; off < len(want); off += 40_000 {
				b := make([]byte, 50_000)
				n, err := file.(io.ReaderAt).ReadAt(b, int64(off))
				if err != nil && err != io.EOF || !bytes.Equal(b[:n], want[off:off+n]) {
					t.Errorf("ReadAt %d: wrong bytes, %v", off, err)
				}
			}
			if _, err := f.ReadDir("big"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestFragmented compares files that debugfs wrote into gaps with what debugfs
// dumps.
func TestFragmented(t *testing.T) {
	piece := filepath.Join(t.TempDir(), "piece")
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(piece, noise(1, 3000), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(big, noise(2, 5<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, options := range []string{"-b 1024 -N 4096 -I 256 -O " + csum4, "-b 1024 -N 4096 -O " + base} {
		image := mkfs(t, "", 16<<20, options)
		var commands []string
		for i := range 1500 {
			commands = append(commands, fmt.Sprintf("write %s p%d", piece, i))
		}
		for i := 0; i < 1500; i += 2 {
			commands = append(commands, fmt.Sprintf("rm p%d", i))
		}
		dump := image + ".dump"
		commands = append(commands, "write "+big+" big", "dump big "+dump)
		debugfs(t, image, commands...)
		f, err := Open(openImage(t, image))
		if err != nil {
			t.Fatal(err)
		}
		got, err := iofs.ReadFile(f, "big")
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(dump)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: differs from debugfs", options)
		}
		file, err := f.Open("big")
		if err != nil {
			t.Fatal(err)
		}
		if e, err := file.(fs.Mapped).Extents(); err != nil || len(e) < 100 {
			t.Errorf("%s: %d extents, %v; expected a fragmented file", options, len(e), err)
		}
	}
}
