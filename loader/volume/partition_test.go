package volume

import (
	"errors"
	"io"
	"testing"
)

func testPartition(t *testing.T, ro bool, sector int) (*Partition, *memDisk) {
	t.Helper()
	d := gptDisk(mib, sector, gptLayout{unit: 512, entries: []gptEntry{{kind: 1, guid: 1, first: 41, last: 44}}})
	for i := range 4 * 512 {
		d.b[41*512+i] = byte(i / 512)
	}
	var dev Device = d
	if ro {
		dev = roDisk{d}
	}
	tab, err := Scan(dev)
	if err != nil {
		t.Fatal(err)
	}
	return tab.Partitions[0], d
}

func TestPartitionRead(t *testing.T) {
	p, _ := testPartition(t, true, 512)
	tests := []struct {
		off  int64
		len  int
		n    int
		eof  bool
		fail bool
	}{
		{off: 0, len: 2048, n: 2048},
		{off: 511, len: 2, n: 2},
		{off: 2000, len: 100, n: 48, eof: true},
		{off: 2048, len: 1, eof: true},
		{off: 2048, len: 0},
		{off: 1 << 62, len: 1, eof: true},
		{off: -1, len: 1, fail: true},
	}
	for _, tt := range tests {
		b := make([]byte, tt.len)
		n, err := p.ReadAt(b, tt.off)
		if n != tt.n || (err == io.EOF) != tt.eof || (err != nil && err != io.EOF) != tt.fail {
			t.Errorf("ReadAt(%d bytes, %d) = %d, %v", tt.len, tt.off, n, err)
		}
		for i := range n {
			if want := byte((tt.off + int64(i)) / 512); b[i] != want {
				t.Fatalf("byte %d is %d, want %d", tt.off+int64(i), b[i], want)
			}
		}
	}
}

// A disk that shrank after Scan gives an error, never io.EOF in the middle.
func TestPartitionShortDisk(t *testing.T) {
	p, d := testPartition(t, true, 512)
	d.b = d.b[:42*512]
	n, err := p.ReadAt(make([]byte, 1024), 0)
	if n != 512 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("ReadAt = %d, %v, want 512 and an unexpected EOF", n, err)
	}
}

func TestPartitionWrite(t *testing.T) {
	var _ WriterDevice = (*Partition)(nil)
	p, d := testPartition(t, false, 512)
	if n, err := p.WriteAt(make([]byte, 512), 1024); n != 512 || err != nil {
		t.Fatalf("WriteAt = %d, %v", n, err)
	}
	if d.b[43*512] != 0 || d.b[43*512-1] != 1 || d.b[44*512] != 3 {
		t.Error("WriteAt changed other bytes than sector 43")
	}
	for _, bad := range []struct {
		off int64
		len int
	}{{-512, 512}, {2048, 512}, {1536, 1024}, {1, 512}, {0, 100}, {1 << 62, 512}} {
		if n, err := p.WriteAt(make([]byte, bad.len), bad.off); n != 0 || err == nil {
			t.Errorf("WriteAt(%d bytes, %d) = %d, %v, want an error", bad.len, bad.off, n, err)
		}
	}
	if _, err := (func() (int, error) { p, _ := testPartition(t, true, 512); return p.WriteAt(make([]byte, 512), 0) })(); !errors.Is(err, ErrReadOnly) {
		t.Errorf("write to a read-only disk: %v", err)
	}
	// A table for 512-byte sectors on a 4 KiB disk: readable, but this
	// partition starts in the middle of a sector.
	p, _ = testPartition(t, false, 4096)
	if _, err := p.WriteAt(make([]byte, 4096), 0); err == nil {
		t.Error("WriteAt took a partial sector")
	}
}
