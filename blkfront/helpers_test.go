package blkfront_test

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pvboot/blkfront"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

// A patternDisk has other bytes everywhere and takes no memory, except for
// what was written.
type patternDisk struct {
	size int64

	mu      sync.Mutex
	written map[int64][512]byte // by sector
}

func newDisk(size int64) *patternDisk {
	return &patternDisk{size: size, written: make(map[int64][512]byte)}
}

// noise is 1 KiB of different bytes.
var noise = func() (b [1024]byte) {
	rand.NewChaCha8([32]byte{9}).Read(b[:])
	return b
}()

// fill writes what the disk holds at sector into b.
func (d *patternDisk) fill(b []byte, sector int64) {
	if w, ok := d.written[sector]; ok {
		copy(b, w[:])
		return
	}
	copy(b, noise[sector%509:])
	binary.LittleEndian.PutUint64(b, uint64(sector))
	binary.LittleEndian.PutUint64(b[504:], ^uint64(sector))
}

// ReadAt reads any bytes, as io.ReaderAt.
func (d *patternDisk) ReadAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for n < len(p) && off < d.size {
		var b [512]byte
		d.fill(b[:], off/512)
		k := copy(p[n:], b[off%512:])
		k = int(min(int64(k), d.size-off))
		n, off = n+k, off+int64(k)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes whole sectors.
func (d *patternDisk) WriteAt(p []byte, off int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := 0; i < len(p); i += 512 {
		d.written[(off+int64(i))/512] = [512]byte(p[i : i+512])
	}
	return len(p), nil
}

// want returns what the disk holds.
func (d *patternDisk) want(t testing.TB, off int64, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := d.ReadAt(b, off); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return b
}

// quick are options for tests: no long waits.
var quick = blkfront.Options{
	Persistent: blkfront.Off, Requests: 64, Bytes: 16 << 20, // the same on every architecture
	Timeout: 20 * time.Second, Handshake: 20 * time.Second,
}

// rig is a machine with one disk.
type rig struct {
	m    *xentest.Machine
	d    *xen.Domain
	back *xentest.Blkback
	disk *patternDisk
}

// newRig starts a machine with a disk of the given size behind a backend. Its
// memory is small enough for these tests to run in a guest themselves.
func newRig(t testing.TB, size int64, c xentest.BlkConfig) *rig {
	t.Helper()
	return newBigRig(t, 3584, size, c)
}

// newBigRig is newRig with RAM of that many pages.
func newBigRig(t testing.TB, pages int, size int64, c xentest.BlkConfig) *rig {
	t.Helper()
	r := &rig{m: xentest.New(xentest.Config{Pages: pages, PV: pv}), disk: newDisk(size)}
	t.Cleanup(r.m.Close)
	c.Disk, c.Size = r.disk, size
	r.back = r.m.AddDisk(c)
	var err error
	if r.d, err = xen.New(r.m); err != nil {
		t.Fatal(err)
	}
	return r
}

// info finds the rig's one disk.
func (r *rig) info(t testing.TB) blkfront.Info {
	t.Helper()
	devs, errs := blkfront.Devices(r.d)
	if len(errs) > 0 || len(devs) != 1 {
		t.Fatalf("devices %v, errors %v", devs, errs)
	}
	return devs[0]
}

// open opens the rig's disk. When the test ends the device and the domain are
// closed, and nothing may be left.
func (r *rig) open(t testing.TB, opt blkfront.Options) *blkfront.Device {
	t.Helper()
	dev, err := blkfront.Open(r.info(t), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
		r.clean(t)
	})
	return dev
}

// clean closes the domain and checks that nothing is left and that the backend
// has nothing to complain of.
func (r *rig) clean(t testing.TB) {
	t.Helper()
	if err := r.d.Close(); err != nil {
		t.Error(err)
	}
	if left := r.m.Leaks(); len(left) > 0 {
		t.Error("left behind:", left)
	}
	if wrong := r.back.Wrong(); len(wrong) > 0 {
		t.Error("backend complains:", wrong)
	}
}

// benchOpen opens the rig's disk without any checks at the end.
func (r *rig) benchOpen(b *testing.B, opt blkfront.Options) *blkfront.Device {
	b.Helper()
	var err error
	if r.d, err = xen.New(r.m); err != nil {
		b.Fatal(err)
	}
	dev, err := blkfront.Open(r.info(b), opt)
	if err != nil {
		b.Fatal(err)
	}
	return dev
}
