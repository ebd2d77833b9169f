package blkfront_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pvboot/blkfront"
	"pvboot/blkfront/blkif"
	"pvboot/loader/volume"
	"pvboot/xen/xentest"
)

var _ volume.WriterDevice = (*blkfront.Device)(nil)

// backends are the kinds of backend that the frontend must get along with.
var backends = []struct {
	name     string
	c        xentest.BlkConfig
	slots    int // that the frontend should come to
	segments int
}{
	{"blkback", xentest.BlkConfig{MaxIndirect: 256, MaxRingOrder: 4}, 64, 128},
	{"indirect only", xentest.BlkConfig{MaxIndirect: 32}, 32, 32},
	{"plain", xentest.BlkConfig{}, 32, 11},
	{"ring pages", xentest.BlkConfig{MaxRingPages: 4}, 128, 11},
	{"ring order", xentest.BlkConfig{MaxRingOrder: 4}, 512, 11},
	{"few indirect segments", xentest.BlkConfig{MaxIndirect: 16, MaxRingOrder: 1}, 64, 16},
	{"useless indirect segments", xentest.BlkConfig{MaxIndirect: 1}, 32, 11},
	{"4 KiB sectors", xentest.BlkConfig{SectorSize: 4096, MaxIndirect: 32, MaxRingOrder: 1}, 64, 32},
	{"512e", xentest.BlkConfig{PhysicalSectorSize: 4096, MaxIndirect: 32}, 32, 32},
	{"out of order", xentest.BlkConfig{MaxIndirect: 32, Shuffle: true}, 32, 32},
}

func TestReadAt(t *testing.T) {
	const size = 40<<20 + 12288
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			r := newRig(t, size, b.c)
			dev := r.open(t, quick)
			sector := max(b.c.SectorSize, 512)
			if dev.Size() != size || dev.SectorSize() != sector || dev.PhysicalSectorSize() != max(sector, b.c.PhysicalSectorSize) {
				t.Errorf("size %d, sectors of %d on %d", dev.Size(), dev.SectorSize(), dev.PhysicalSectorSize())
			}
			if s := dev.Stats(); s.Slots != b.slots || s.Segments != b.segments {
				t.Errorf("%d slots of %d segments, want %d of %d", s.Slots, s.Segments, b.slots, b.segments)
			}
			checkReads(t, r, dev)
		})
	}
}

// checkReads compares reads of all shapes, into frames and into Go memory.
func checkReads(t *testing.T, r *rig, dev *blkfront.Device) {
	t.Helper()
	frames, err := r.m.AllocFrames(640)
	if err != nil {
		t.Fatal(err)
	}
	defer r.m.FreeFrames(frames)
	heap := make([]byte, len(frames))
	guard := bytes.Repeat([]byte{0xee}, 64)
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range 48 {
		mem := frames
		if i%3 == 0 {
			mem = heap
		}
		n := 1 + rnd.IntN(1<<rnd.IntN(21))
		off := rnd.Int64N(dev.Size() - int64(n))
		at := rnd.IntN(len(mem) - n)
		if i%2 == 0 {
			off, at = off&^511, at&^511
		}
		if i%4 == 0 {
			off, at = off&^4095, at&^4095
		}
		p := mem[at : at+n]
		around := [][]byte{mem[max(at-64, 0):at], mem[at+n : min(at+n+64, len(mem))]}
		for _, a := range around {
			copy(a, guard)
		}
		if k, err := dev.ReadAt(p, off); k != n || err != nil {
			t.Fatalf("read of %d at %d: %d %v", n, off, k, err)
		}
		if !bytes.Equal(p, r.disk.want(t, off, n)) {
			t.Fatalf("read of %d at %d to %d: wrong bytes", n, off, at)
		}
		for _, a := range around {
			if !bytes.Equal(a, guard[:len(a)]) {
				t.Fatalf("read of %d at %d to %d: bytes around it changed", n, off, at)
			}
		}
	}
}

func TestReadAtEdges(t *testing.T) {
	const size = 1<<20 + 512
	r := newRig(t, size, xentest.BlkConfig{MaxIndirect: 32})
	dev := r.open(t, quick)
	for _, tt := range []struct {
		off  int64
		n    int
		want int
		err  error
	}{
		{0, 0, 0, nil},
		{size, 0, 0, nil},
		{size, 1, 0, io.EOF},
		{size + 1<<40, 10, 0, io.EOF},
		{size - 1, 1, 1, nil},
		{size - 1, 2, 1, io.EOF},
		{size - 600, 700, 600, io.EOF},
		{0, size, size, nil},
		{0, size + 1, size, io.EOF},
		{1, size, size - 1, io.EOF},
	} {
		p := make([]byte, tt.n)
		n, err := dev.ReadAt(p, tt.off)
		if n != tt.want || err != tt.err {
			t.Errorf("read of %d at %d: %d %v, want %d %v", tt.n, tt.off, n, err, tt.want, tt.err)
		}
		if !bytes.Equal(p[:n], r.disk.want(t, tt.off, n)) {
			t.Errorf("read of %d at %d: wrong bytes", tt.n, tt.off)
		}
	}
	if _, err := dev.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("negative offset accepted")
	}
}

func TestZeroCopyAndDepth(t *testing.T) {
	r := newBigRig(t, 4608, 64<<20, xentest.BlkConfig{MaxIndirect: 256, MaxRingOrder: 4})
	dev := r.open(t, quick)
	frames, err := r.m.AllocFrames(4096)
	if err != nil {
		t.Fatal(err)
	}
	defer r.m.FreeFrames(frames)
	if _, err := dev.ReadAt(frames, 4096); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(frames); at += 1 << 20 {
		if !bytes.Equal(frames[at:at+1<<20], r.disk.want(t, 4096+int64(at), 1<<20)) {
			t.Errorf("wrong bytes in the MiB at %d", at)
		}
	}
	s := dev.Stats()
	if s.BytesBounced != 0 || s.BytesRead != int64(len(frames)) {
		t.Errorf("bounced %d of %d bytes", s.BytesBounced, s.BytesRead)
	}
	if s.MaxInFlight != 32 || s.MaxBytesInFlight != 16<<20 {
		t.Errorf("%d requests, %d bytes in flight, want 32 and 16 MiB", s.MaxInFlight, s.MaxBytesInFlight)
	}
	// Memory that is aligned to sectors only: pages still go directly, but
	// for the first and the last.
	if _, err := dev.ReadAt(frames[512:1<<20+512], 512); err != nil {
		t.Fatal(err)
	}
	if b := dev.Stats().BytesBounced; b != 4096 {
		t.Errorf("bounced %d bytes, want one page's", b)
	}
}

func TestSeveralReaders(t *testing.T) {
	r := newRig(t, 32<<20, xentest.BlkConfig{MaxIndirect: 32, Shuffle: true})
	dev := r.open(t, quick)
	var wg sync.WaitGroup
	for g := range 6 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 1))
			for range 15 {
				p := make([]byte, 1+rnd.IntN(1<<rnd.IntN(21)))
				off := rnd.Int64N(dev.Size() - int64(len(p)))
				if _, err := dev.ReadAt(p, off); err != nil {
					t.Error(err)
					return
				}
				if !bytes.Equal(p, r.disk.want(t, off, len(p))) {
					t.Errorf("read of %d at %d: wrong bytes", len(p), off)
				}
			}
		})
	}
	wg.Wait()
}

func TestHugeDisk(t *testing.T) {
	const size = 5 << 40
	r := newRig(t, size, xentest.BlkConfig{MaxIndirect: 32})
	dev := r.open(t, quick)
	for _, off := range []int64{2<<40 - 1000, 4<<40 + 5, size - 5000} {
		p := make([]byte, 4000)
		if _, err := dev.ReadAt(p, off); err != nil || !bytes.Equal(p, r.disk.want(t, off, len(p))) {
			t.Errorf("read at %d: %v, or wrong bytes", off, err)
		}
	}
	p := bytes.Repeat([]byte{7}, 512)
	if _, err := dev.WriteAt(p, 3<<40); err != nil {
		t.Fatal(err)
	}
	if got := r.disk.want(t, 3<<40, 512); !bytes.Equal(got, p) {
		t.Error("write beyond 2 TiB went elsewhere")
	}
}

func TestWriteAt(t *testing.T) {
	for _, sector := range []int{512, 4096} {
		t.Run(fmt.Sprint(sector), func(t *testing.T) {
			r := newRig(t, 8<<20, xentest.BlkConfig{SectorSize: sector, MaxIndirect: 32})
			dev := r.open(t, quick)
			rnd := rand.New(rand.NewPCG(5, 6))
			for range 20 {
				n := (1 + rnd.IntN(1<<19/sector)) * sector
				off := rnd.Int64N((dev.Size()-int64(n))/int64(sector)) * int64(sector)
				// What the cache holds must not outlive the write.
				if _, err := dev.ReadAt(make([]byte, 100), off); err != nil {
					t.Fatal(err)
				}
				p := make([]byte, n)
				for i := range p {
					p[i] = byte(rnd.Uint32())
				}
				if k, err := dev.WriteAt(p, off); k != n || err != nil {
					t.Fatalf("write of %d at %d: %d %v", n, off, k, err)
				}
				got := make([]byte, n)
				if _, err := dev.ReadAt(got, off); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, p) || !bytes.Equal(r.disk.want(t, off, n), p) {
					t.Fatalf("write of %d at %d: read back other bytes", n, off)
				}
			}
			if err := dev.Flush(); err != nil || r.back.Stats().Flushes != 1 {
				t.Errorf("flush: %v, %d of them", err, r.back.Stats().Flushes)
			}
			for _, w := range []struct {
				off int64
				n   int
			}{{1, sector}, {0, sector - 1}, {dev.Size(), sector}, {-int64(sector), sector}, {dev.Size() - int64(sector), 2 * sector}} {
				if _, err := dev.WriteAt(make([]byte, w.n), w.off); err == nil {
					t.Errorf("write of %d at %d accepted", w.n, w.off)
				}
			}
			if _, err := dev.WriteAt(nil, 0); err != nil {
				t.Errorf("write of nothing: %v", err)
			}
		})
	}
}

// What was read while a write was under way must not stay in the cache.
func TestReadDuringWrite(t *testing.T) {
	r := newRig(t, 1<<20, xentest.BlkConfig{Fault: func(_ int, q blkif.Request) xentest.BlkFault {
		if q.Op == blkif.OpWrite {
			return xentest.BlkHold
		}
		return xentest.BlkGood
	}})
	dev := r.open(t, quick)
	old := r.disk.want(t, 4096, 512)
	done := make(chan error)
	go func() {
		_, err := dev.WriteAt(bytes.Repeat([]byte{7}, 512), 4096)
		done <- err
	}()
	p := make([]byte, 512)
	for dev.Stats().Requests == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := dev.ReadAt(p, 4096); err != nil || !bytes.Equal(p, old) {
		t.Errorf("during the write: %v, or wrong bytes", err)
	}
	r.back.Release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if _, err := dev.ReadAt(p, 4096); err != nil || p[0] != 7 {
		t.Errorf("after the write: %v, or the old bytes", err)
	}
}

func TestReadOnlyAndCDROM(t *testing.T) {
	for _, tt := range []struct {
		name            string
		c               xentest.BlkConfig
		readOnly, cdrom bool
	}{
		{"disk", xentest.BlkConfig{}, false, false},
		{"read-only", xentest.BlkConfig{ReadOnly: true}, true, false},
		{"read-only by info alone", xentest.BlkConfig{Connect: map[string]string{"info": "4"}}, true, false},
		{"cd", xentest.BlkConfig{CDROM: true, ReadOnly: true}, true, true},
		{"cd by info alone", xentest.BlkConfig{Connect: map[string]string{"info": "5"}}, true, true},
		{"no flush", xentest.BlkConfig{NoFlush: true}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, 1<<20, tt.c)
			dev := r.open(t, quick)
			if dev.ReadOnly() != tt.readOnly || dev.CDROM() != tt.cdrom {
				t.Errorf("read-only %v, cdrom %v", dev.ReadOnly(), dev.CDROM())
			}
			_, err := dev.WriteAt(make([]byte, 512), 0)
			if errors.Is(err, blkfront.ErrReadOnly) != tt.readOnly {
				t.Errorf("write: %v", err)
			}
			if err := dev.Flush(); err != nil {
				t.Errorf("flush: %v", err)
			}
		})
	}
}

func TestReconnect(t *testing.T) {
	r := newRig(t, 1<<20, xentest.BlkConfig{MaxIndirect: 32, MaxRingOrder: 2})
	for range 3 {
		dev, err := blkfront.Open(r.info(t), quick)
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 1000)
		if _, err := dev.ReadAt(p, 12345); err != nil || !bytes.Equal(p, r.disk.want(t, 12345, 1000)) {
			t.Fatalf("read: %v, or wrong bytes", err)
		}
		if err := dev.Close(); err != nil {
			t.Fatal(err)
		}
		if err := dev.Close(); err != nil {
			t.Errorf("second close: %v", err)
		}
		if _, err := dev.ReadAt(p, 0); err == nil {
			t.Error("read after close")
		}
		if _, err := dev.WriteAt(p[:512], 0); err == nil {
			t.Error("write after close")
		}
	}
	if n := r.back.Stats().Connects; n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
	r.clean(t)
}

// A frontend that somebody left connected, or whose domain is closed without
// it, is brought back in order.
func TestDomainCloseEndsDevice(t *testing.T) {
	r := newRig(t, 1<<20, xentest.BlkConfig{MaxIndirect: 32, MaxRingOrder: 1})
	if _, err := blkfront.Open(r.info(t), quick); err != nil {
		t.Fatal(err)
	}
	r.clean(t)
}

func TestLeftoverState(t *testing.T) {
	for _, tt := range []struct{ front, back string }{
		{"3", "2"}, {"4", "4"}, {"5", "5"}, {"6", "6"},
	} {
		r := newRig(t, 1<<20, xentest.BlkConfig{})
		paths := r.back.Paths()
		if tt.back == "4" { // for which the backend needs a ring
			if _, err := blkfront.Open(r.info(t), quick); err != nil {
				t.Fatal(err)
			}
		} else {
			r.m.Store().Write(paths.Frontend+"/state", tt.back)
		}
		for {
			if s, err := r.m.Store().Read(paths.Backend + "/state"); err == nil && s == tt.back {
				break
			}
			time.Sleep(time.Millisecond)
		}
		r.m.Store().Write(paths.Frontend+"/state", tt.front)
		dev, err := blkfront.Open(r.info(t), quick)
		if err != nil {
			t.Errorf("%v: %v", tt, err)
			continue
		}
		if _, err := dev.ReadAt(make([]byte, 10), 5); err != nil {
			t.Errorf("%v: %v", tt, err)
		}
		if err := dev.Close(); err != nil {
			t.Errorf("%v: %v", tt, err)
		}
	}
}
