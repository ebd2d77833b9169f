package blkfront_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"pvboot/blkfront"
	"pvboot/blkfront/blkif"
	"pvboot/xen"
	"pvboot/xen/xenbus"
	"pvboot/xen/xentest"
)

// impatient are options for backends that do not answer.
var impatient = blkfront.Options{Timeout: 200 * time.Millisecond, Handshake: 10 * time.Second}

// oneFault mistreats the request for sector 128 and no other.
func oneFault(f xentest.BlkFault) func(int, blkif.Request) xentest.BlkFault {
	return func(_ int, r blkif.Request) xentest.BlkFault {
		if r.Sector == 128 {
			return f
		}
		return xentest.BlkGood
	}
}

func TestErrorAnswers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault xentest.BlkFault
		err   error
		line  string
	}{
		{"i/o error", xentest.BlkError, blkfront.ErrIO,
			"blkfront: xvda: read of 256 sectors at sector 128: backend reports an i/o error"},
		{"not supported", xentest.BlkNotSupported, blkfront.ErrNotSupported,
			"blkfront: xvda: read of 256 sectors at sector 128: backend does not support it"},
		{"odd status", xentest.BlkOddStatus, blkfront.ErrIO,
			"blkfront: xvda: read of 256 sectors at sector 128: backend reports an i/o error (status -77)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, 16<<20, xentest.BlkConfig{MaxIndirect: 32, Fault: oneFault(tt.fault)})
			dev := r.open(t, quick)
			_, err := dev.ReadAt(make([]byte, 1<<20), 65536)
			if !errors.Is(err, tt.err) || err.Error() != tt.line {
				t.Errorf("read: %v", err)
			}
			if oe, ok := errors.AsType[*blkfront.OpError](err); !ok || oe.Sector != 128 || oe.Count != 256 {
				t.Errorf("error %#v", err)
			}
			// The device goes on, and other sectors can be read.
			p := make([]byte, 1<<20)
			if _, err := dev.ReadAt(p, 1<<20); err != nil || !bytes.Equal(p, r.disk.want(t, 1<<20, len(p))) {
				t.Errorf("another read: %v, or wrong bytes", err)
			}
		})
	}
}

// A bad sector spoils only the reads that ask for it, not those of its
// neighbours in the cache.
func TestBadSectorAndCache(t *testing.T) {
	const bad = 100
	r := newRig(t, 1<<20, xentest.BlkConfig{Fault: func(_ int, q blkif.Request) xentest.BlkFault {
		n := uint64(0)
		for _, s := range q.Segments[:q.Count] {
			n += uint64(s.Sectors())
		}
		if bad >= q.Sector && bad < q.Sector+n {
			return xentest.BlkError
		}
		return xentest.BlkGood
	}})
	dev := r.open(t, quick)
	for _, tt := range []struct {
		off int64
		n   int
		ok  bool
	}{
		{0, 512, true}, {99 * 512, 512, true}, {100 * 512, 1, false}, {100*512 - 1, 2, false},
		{101 * 512, 600, true}, {99 * 512, 1536, false}, {200 * 512, 512, true},
	} {
		p := make([]byte, tt.n)
		_, err := dev.ReadAt(p, tt.off)
		if (err == nil) != tt.ok || err != nil && !errors.Is(err, blkfront.ErrIO) {
			t.Errorf("read of %d at %d: %v", tt.n, tt.off, err)
		}
		if err == nil && !bytes.Equal(p, r.disk.want(t, tt.off, tt.n)) {
			t.Errorf("read of %d at %d: wrong bytes", tt.n, tt.off)
		}
	}
}

// A backend that breaks the protocol is not used any more, but is taken leave
// of in good order.
func TestProtocolViolations(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault xentest.BlkFault
		line  string // part of the error
	}{
		{"duplicate answer", xentest.BlkDuplicate, "is not in flight"},
		{"answer with a wrong id", xentest.BlkWrongID, "is not in flight"},
		{"response index jumps", xentest.BlkJump, "rsp_prod 1048576 is not within"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, 16<<20, xentest.BlkConfig{MaxIndirect: 32, Fault: oneFault(tt.fault)})
			dev := r.open(t, impatient)
			var err error
			for range 3 { // a duplicate may come after the read
				if _, err = dev.ReadAt(make([]byte, 1<<20), 65536); err != nil {
					break
				}
			}
			if !errors.Is(err, blkfront.ErrBackend) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("read: %v", err)
			}
			if tt.fault != xentest.BlkDuplicate && !strings.Contains(err.Error(), tt.line) {
				t.Errorf("read: %v, want ... %s", err, tt.line)
			}
			if _, err := dev.ReadAt(make([]byte, 10), 0); !errors.Is(err, blkfront.ErrBackend) {
				t.Errorf("read after the violation: %v", err)
			}
			if _, err := dev.WriteAt(make([]byte, 512), 0); !errors.Is(err, blkfront.ErrBackend) {
				t.Errorf("write after the violation: %v", err)
			}
		})
	}
}

func TestBackendLeaves(t *testing.T) {
	r := newRig(t, 16<<20, xentest.BlkConfig{MaxIndirect: 32, Fault: oneFault(xentest.BlkQuit)})
	dev := r.open(t, quick)
	_, err := dev.ReadAt(make([]byte, 1<<20), 65536)
	if !errors.Is(err, blkfront.ErrBackend) || !strings.Contains(err.Error(), "it is Closing") {
		t.Errorf("read: %v", err)
	}
}

// A request that is never looked at times out. Its grants are ended, so that
// nothing is left to fear, but they are not used again before the answer.
func TestNeverAnswered(t *testing.T) {
	r := newRig(t, 16<<20, xentest.BlkConfig{MaxIndirect: 32, Fault: oneFault(xentest.BlkIgnore)})
	dev := r.open(t, impatient)
	frames, err := r.m.AllocFrames(256)
	if err != nil {
		t.Fatal(err)
	}
	defer r.m.FreeFrames(frames)
	for _, p := range [][]byte{frames, make([]byte, 1<<20), make([]byte, 100)} {
		_, err := dev.ReadAt(p, 65536)
		if !errors.Is(err, xen.ErrTimeout) || !strings.Contains(err.Error(), "at sector 128: no answer: timed out after 200ms") {
			t.Errorf("read of %d: %v", len(p), err)
		}
	}
	if s := dev.Stats(); s.Timeouts != 3 || s.Lost != 3 || s.InFlight != 0 {
		t.Errorf("stats: %+v", s)
	}
	p := make([]byte, 1<<20)
	if _, err := dev.ReadAt(p, 1<<20); err != nil || !bytes.Equal(p, r.disk.want(t, 1<<20, len(p))) {
		t.Errorf("another read: %v, or wrong bytes", err)
	}
}

// A late answer gives back what was reserved for it.
func TestLateAnswer(t *testing.T) {
	for _, fault := range []xentest.BlkFault{xentest.BlkIgnore, xentest.BlkHold} {
		r := newRig(t, 16<<20, xentest.BlkConfig{MaxIndirect: 32, Fault: oneFault(fault)})
		dev, err := blkfront.Open(r.info(t), impatient)
		if err != nil {
			t.Fatal(err)
		}
		// Go memory and the cache are not exposed: all goes through frames.
		for _, p := range [][]byte{make([]byte, 1<<20), make([]byte, 100)} {
			if _, err := dev.ReadAt(p, 65536); !errors.Is(err, xen.ErrTimeout) {
				t.Errorf("fault %d: read: %v", fault, err)
			}
		}
		if s := dev.Stats(); s.Lost != 2 {
			t.Errorf("fault %d: %d lost, want 2", fault, s.Lost)
		}
		r.back.Release()
		p := make([]byte, 100)
		for dev.Stats().Lost > 0 {
			if _, err := dev.ReadAt(p, 0); err != nil {
				t.Fatalf("fault %d: %v", fault, err)
			}
			if _, err := dev.WriteAt(make([]byte, 512), 0); err != nil {
				t.Fatalf("fault %d: %v", fault, err)
			}
		}
		if s := dev.Stats(); s.Late != 2 {
			t.Errorf("fault %d: %d late answers, want 2", fault, s.Late)
		}
		if _, err := dev.ReadAt(p, 65536); err != nil || !bytes.Equal(p, r.disk.want(t, 65536, 100)) {
			t.Errorf("fault %d: read again: %v, or wrong bytes", fault, err)
		}
		if err := dev.Close(); err != nil {
			t.Errorf("fault %d: close: %v", fault, err)
		}
		if err := r.d.Close(); err != nil {
			t.Error(err)
		}
		if left := r.m.Leaks(); len(left) > 0 {
			t.Errorf("fault %d: left behind: %v", fault, left)
		}
	}
}

// A backend that keeps its hand on pages must keep the next kernel from being
// started.
func TestStuckPages(t *testing.T) {
	t.Run("bounced, let go later", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 16<<20, xentest.BlkConfig{MaxIndirect: 32, Fault: oneFault(xentest.BlkHold)})
		dev, err := blkfront.Open(r.info(t), impatient)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dev.ReadAt(make([]byte, 100), 65536); !errors.Is(err, xen.ErrTimeout) {
			t.Errorf("read: %v", err)
		}
		err = dev.Close()
		if !errors.Is(err, xen.ErrGrantInUse) || strings.Contains(err.Error(), "\n") {
			t.Errorf("close: %v", err)
		}
		if len(r.m.Leaks()) == 0 {
			t.Error("nothing left, though the backend has pages mapped")
		}
		r.back.Release()
		if err := dev.Close(); err != nil {
			t.Errorf("close after the backend let go: %v", err)
		}
		r.clean(t)
	})
	t.Run("never let go", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 16<<20, xentest.BlkConfig{MaxIndirect: 32, Fault: oneFault(xentest.BlkHold)})
		dev, err := blkfront.Open(r.info(t), impatient)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dev.ReadAt(make([]byte, 100), 65536); !errors.Is(err, xen.ErrTimeout) {
			t.Errorf("read: %v", err)
		}
		if err := r.d.Close(); !errors.Is(err, xen.ErrGrantInUse) || !strings.Contains(err.Error(), "disk xvda") {
			t.Errorf("the domain closes over a page in use: %v", err)
		}
	})
	t.Run("the caller's own", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 16<<20, xentest.BlkConfig{MaxIndirect: 32, Fault: oneFault(xentest.BlkHold)})
		dev, err := blkfront.Open(r.info(t), impatient)
		if err != nil {
			t.Fatal(err)
		}
		frames, err := r.m.AllocFrames(256)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dev.ReadAt(frames, 65536); !errors.Is(err, xen.ErrTimeout) {
			t.Errorf("read: %v", err)
		}
		r.back.Release()
		// Even now nobody knows when the backend wrote.
		for range 2 {
			if err := dev.Close(); !errors.Is(err, xen.ErrGrantInUse) || !strings.Contains(err.Error(), "at sector 128") {
				t.Errorf("close: %v", err)
			}
		}
		if err := r.d.Close(); err == nil {
			t.Error("the domain closes over exposed memory")
		}
	})
	t.Run("after the answer", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, 16<<20, xentest.BlkConfig{MaxIndirect: 32, Fault: oneFault(xentest.BlkKeepGrant)})
		dev, err := blkfront.Open(r.info(t), impatient)
		if err != nil {
			t.Fatal(err)
		}
		_, err = dev.ReadAt(make([]byte, 100), 65536)
		if !errors.Is(err, blkfront.ErrBackend) || !errors.Is(err, xen.ErrGrantInUse) {
			t.Errorf("read: %v", err)
		}
		if err := dev.Close(); !errors.Is(err, xen.ErrGrantInUse) {
			t.Errorf("close: %v", err)
		}
		r.back.Release()
		if err := dev.Close(); err != nil {
			t.Errorf("close after the backend let go: %v", err)
		}
		r.clean(t)
	})
}

// When all requests are lost the device says so, in time.
func TestNoRequestFree(t *testing.T) {
	r := newRig(t, 16<<20, xentest.BlkConfig{Fault: func(int, blkif.Request) xentest.BlkFault { return xentest.BlkIgnore }})
	dev := r.open(t, impatient)
	for i := range 40 {
		if _, err := dev.ReadAt(make([]byte, 1<<20), 0); !errors.Is(err, xen.ErrTimeout) {
			t.Fatalf("read %d: %v", i, err)
		} else if strings.Contains(err.Error(), "no request free") {
			return
		}
	}
	t.Error("40 reads got requests in a ring of 32")
}

func TestStuckHandshake(t *testing.T) {
	hasty := impatient
	hasty.Handshake = 30 * time.Millisecond
	for _, tt := range []struct {
		name  string
		stuck xenbus.State
		line  string
	}{
		{"never offers", xenbus.InitWait, "blkfront: xvda: xenbus: vbd/51712: backend is Initialising, waiting for [InitWait Initialised Connected]: "},
		{"never connects", xenbus.Connected, "blkfront: xvda: xenbus: vbd/51712: backend is InitWait, waiting for [Connected]: "},
	} {
		r := newRig(t, 1<<20, xentest.BlkConfig{Stuck: []xenbus.State{tt.stuck}})
		_, err := blkfront.Open(r.info(t), hasty)
		if !errors.Is(err, xen.ErrTimeout) || !strings.HasPrefix(err.Error(), tt.line) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.stuck == xenbus.Connected {
			r.clean(t)
		}
	}
	for _, stuck := range []xenbus.State{xenbus.Closing, xenbus.Closed} {
		r := newRig(t, 1<<20, xentest.BlkConfig{Stuck: []xenbus.State{stuck}})
		dev, err := blkfront.Open(r.info(t), hasty)
		if err != nil {
			t.Fatal(err)
		}
		err = dev.Close()
		if stuck == xenbus.Closing && err != nil && !errors.Is(err, xen.ErrTimeout) || stuck == xenbus.Closed && !errors.Is(err, xen.ErrTimeout) {
			t.Errorf("stuck before %v: close: %v", stuck, err)
		}
	}
}

// A domain that is closed while a disk is still connecting, such as a second
// one that nobody waits for, is not kept waiting.
func TestCloseWhileOpening(t *testing.T) {
	for _, tt := range []struct {
		stuck xenbus.State
		front string // the frontend's state then
	}{{xenbus.InitWait, "1"}, {xenbus.Connected, "3"}} {
		r := newRig(t, 1<<20, xentest.BlkConfig{MaxIndirect: 32, Stuck: []xenbus.State{tt.stuck}})
		info := r.info(t)
		done := make(chan error)
		go func() {
			_, err := blkfront.Open(info, quick)
			done <- err
		}()
		for {
			if s, err := r.m.Store().Read(r.back.Paths().Frontend + "/state"); err == nil && s == tt.front {
				break
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(5 * time.Millisecond) // well into the wait
		r.clean(t)
		if err := <-done; err == nil {
			t.Errorf("stuck before %v: opened", tt.stuck)
		} else if tt.stuck == xenbus.Connected && !errors.Is(err, xen.ErrClosed) {
			t.Errorf("stuck before %v: %v", tt.stuck, err)
		}
	}
}

func TestAbsurdProperties(t *testing.T) {
	for _, tt := range []struct {
		name           string
		offer, connect map[string]string
		line           string // part of the error
	}{
		{"sectors missing", nil, map[string]string{"sectors": ""}, "sectors"},
		{"sectors negative", nil, map[string]string{"sectors": "-1"}, `"-1" is not a number of 64 bits`},
		{"sectors beyond 64 bits", nil, map[string]string{"sectors": "18446744073709551616"}, "is not a number of 64 bits"},
		{"sectors beyond a disk", nil, map[string]string{"sectors": "18446744073709551615"}, "18446744073709551615 sectors are more than a disk can have"},
		{"no sectors", nil, map[string]string{"sectors": "0"}, "0 sectors: empty"},
		{"sector size 0", nil, map[string]string{"sector-size": "0"}, "sector size 0 is not a power of two"},
		{"sector size 520", nil, map[string]string{"sector-size": "520"}, "sector size 520 is not a power of two"},
		{"sector size 256", nil, map[string]string{"sector-size": "256"}, "sector size 256 is not a power of two"},
		{"sector size 64 KiB", nil, map[string]string{"sector-size": "65536"}, "sector size 65536 is more than a page"},
		{"sector size is text", nil, map[string]string{"sector-size": "big"}, `"big" is not a number`},
		{"half a sector", nil, map[string]string{"sectors": "7", "sector-size": "4096"}, "7 sectors: empty"},
		{"indirect is text", map[string]string{"feature-max-indirect-segments": "many"}, nil, `"many" is not a number`},
		{"ring order negative", map[string]string{"max-ring-page-order": "-1"}, nil, `"-1" is not a number`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, 1<<20, xentest.BlkConfig{Offer: tt.offer, Connect: tt.connect})
			_, err := blkfront.Open(r.info(t), quick)
			if err == nil || !strings.Contains(err.Error(), tt.line) || !strings.HasPrefix(err.Error(), "blkfront: xvda: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("open: %v", err)
			}
			r.clean(t)
		})
	}
}

func TestOddProperties(t *testing.T) {
	for _, tt := range []struct {
		name           string
		offer, connect map[string]string
		size           int64
	}{
		{"huge offers", map[string]string{"feature-max-indirect-segments": "4294967295", "max-ring-page-order": "4294967295", "max-ring-pages": "4294967295"}, nil, 1 << 20},
		{"a ring of 3 pages", map[string]string{"max-ring-pages": "3"}, nil, 1 << 20},
		{"a ring of no pages", map[string]string{"max-ring-pages": "0"}, nil, 1 << 20},
		{"physical sector of 0", nil, map[string]string{"physical-sector-size": "0"}, 1 << 20},
		{"physical sector of 1000", nil, map[string]string{"physical-sector-size": "1000"}, 1 << 20},
		{"a last sector cut short", nil, map[string]string{"sectors": "2047", "sector-size": "4096"}, 1<<20 - 4096},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, 1<<20, xentest.BlkConfig{Offer: tt.offer, Connect: tt.connect, MaxIndirect: 4096, MaxRingOrder: 4, MaxRingPages: 16})
			dev := r.open(t, quick)
			if dev.Size() != tt.size || dev.PhysicalSectorSize() != dev.SectorSize() {
				t.Errorf("size %d, physical sector %d", dev.Size(), dev.PhysicalSectorSize())
			}
			p := make([]byte, dev.Size())
			if _, err := dev.ReadAt(p, 0); err != nil || !bytes.Equal(p, r.disk.want(t, 0, len(p))) {
				t.Errorf("read: %v, or wrong bytes", err)
			}
		})
	}
}

func TestNoMedium(t *testing.T) {
	for _, params := range []string{"aio:", "x"} {
		r := newRig(t, 1<<20, xentest.BlkConfig{CDROM: true, Back: map[string]string{"params": params}, Connect: map[string]string{"sectors": "0"}})
		if _, err := blkfront.Open(r.info(t), quick); !errors.Is(err, blkfront.ErrNoMedium) {
			t.Errorf("params %q: %v", params, err)
		}
		r.clean(t)
	}
}
