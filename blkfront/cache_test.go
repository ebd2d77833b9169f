package blkfront

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// heapMemory is a platform of Go memory that notices what is freed wrongly.
type heapMemory struct {
	mu    sync.Mutex
	live  map[*byte]bool
	limit int // frames
	used  int
	wrong []string
	// deny makes GFN refuse memory that AllocFrames did not make.
	deny bool
}

func newHeapMemory(limit int) *heapMemory {
	return &heapMemory{live: make(map[*byte]bool), limit: limit}
}

func (m *heapMemory) AllocFrames(n int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used+n > m.limit {
		return nil, errors.New("out of frames")
	}
	m.used += n
	b := make([]byte, (n+1)*4096)
	b = b[(4096-pageOffset(b))%4096:]
	b = b[: n*4096 : n*4096]
	m.live[&b[0]] = true
	return b, nil
}

func (m *heapMemory) FreeFrames(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(b) == 0 || !m.live[&b[0]] {
		m.wrong = append(m.wrong, "freed what is not allocated")
		return
	}
	m.used -= len(b) / 4096
	delete(m.live, &b[0])
}

func (m *heapMemory) GFN(p []byte) (uint64, bool) {
	return 1, !m.deny || cap(p) >= 4096 && pageOffset(p) == 0
}

func (m *heapMemory) check(t *testing.T) {
	t.Helper()
	if len(m.wrong) > 0 || m.used != 0 {
		t.Errorf("%d frames left, %v", m.used, m.wrong)
	}
}

// fetches records what a cache asks of the disk.
type fetches struct {
	data  []byte
	calls []fetchCall
	fail  error
	lost  bool
}

type fetchCall struct{ Line, Lines int }

func (f *fetches) fetch(off int64, spans, own [][]byte) (bool, error) {
	f.calls = append(f.calls, fetchCall{int(off / lineSize), len(spans)})
	for _, s := range spans {
		off += int64(copy(s, f.data[off:]))
	}
	return f.lost, f.fail
}

func TestCacheReadAhead(t *testing.T) {
	f := &fetches{data: make([]byte, 64*lineSize+100)}
	for i := range f.data {
		f.data[i] = byte(i>>8) ^ byte(i)
	}
	mem := newHeapMemory(1 << 20)
	c := newCache(int64(len(f.data)), 128*lineSize, mem, f.fetch)
	read := func(off, n int) {
		t.Helper()
		p := make([]byte, n)
		if k, err := c.readAt(p, int64(off)); k != n || err != nil {
			t.Fatalf("read of %d at %d: %d %v", n, off, k, err)
		}
		if !bytes.Equal(p, f.data[off:off+n]) {
			t.Fatalf("read of %d at %d: wrong bytes", n, off)
		}
	}
	for _, tt := range []struct {
		name string
		read func()
		want []fetchCall
	}{
		{"one sector", func() { read(10*lineSize+5, 512) }, []fetchCall{{10, 1}}},
		{"the same line", func() { read(10*lineSize+900, 100) }, nil},
		{"another place", func() { read(30*lineSize, 1) }, []fetchCall{{30, 1}}},
		{"going on", func() { read(11*lineSize, 1) }, []fetchCall{{11, 2}}},
		{"and on, with another stream between", func() { read(31*lineSize, 1); read(13*lineSize, 1) }, []fetchCall{{31, 2}, {13, 4}}},
		{"up to what is there", func() { read(17*lineSize, 1); read(25*lineSize, 1) }, []fetchCall{{17, 8}, {25, 5}}},
		{"a long read at once", func() { read(40*lineSize+1, 3*lineSize) }, []fetchCall{{40, 4}}},
		{"the end of the device", func() { read(64*lineSize+99, 1) }, []fetchCall{{64, 1}}},
		{"across lines", func() { read(10*lineSize, 4*lineSize) }, nil},
	} {
		f.calls = nil
		tt.read()
		if diff := cmp.Diff(tt.want, f.calls); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
	}
	c.close()
	mem.check(t)
}

func TestCacheKeepsToItsLimit(t *testing.T) {
	f := &fetches{data: make([]byte, 100*lineSize)}
	mem := newHeapMemory(8 * lineSize / 4096) // twice the cache's own limit
	c := newCache(int64(len(f.data)), 4*lineSize, mem, f.fetch)
	p := make([]byte, 1)
	for i := range 100 {
		if _, err := c.readAt(p, int64(i*7%100)*lineSize); err != nil {
			t.Fatal(err)
		}
		if mem.used > 4*lineSize/4096 {
			t.Fatalf("%d frames in use", mem.used)
		}
	}
	// The line read last stays, the least recently used one goes.
	f.calls = nil
	for _, l := range []int64{0, 10, 20, 30, 0, 40, 0, 10} {
		if _, err := c.readAt(p, l*lineSize); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]fetchCall{{0, 1}, {10, 1}, {20, 1}, {30, 1}, {40, 1}, {10, 1}}, f.calls); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	c.close()
	mem.check(t)
	if _, err := c.readAt(p, 0); err != errUncached {
		t.Errorf("read from a cache without lines: %v", err)
	}
}

func TestCacheWithoutMemory(t *testing.T) {
	f := &fetches{data: make([]byte, 100*lineSize)}
	c := newCache(int64(len(f.data)), 4*lineSize, newHeapMemory(0), f.fetch)
	if _, err := c.readAt(make([]byte, 1), 0); err != errUncached || len(f.calls) > 0 {
		t.Errorf("%v after %v", err, f.calls)
	}
}

func TestCacheFailedFetch(t *testing.T) {
	f := &fetches{data: make([]byte, 10*lineSize), fail: errors.New("bad disk")}
	mem := newHeapMemory(1 << 10)
	c := newCache(int64(len(f.data)), 8*lineSize, mem, f.fetch)
	p := make([]byte, 10)
	if _, err := c.readAt(p, 0); err != f.fail {
		t.Error(err)
	}
	if mem.used != 0 {
		t.Errorf("%d frames kept after an error", mem.used)
	}
	// Memory that the backend may still write is not the cache's any more.
	f.lost = true
	if _, err := c.readAt(p, 0); err != f.fail {
		t.Error(err)
	}
	if mem.used != lineSize/4096 || c.live != 0 {
		t.Errorf("%d frames, %d lines after a lost fetch", mem.used, c.live)
	}
	f.fail, f.lost = nil, false
	if _, err := c.readAt(p, 0); err != nil {
		t.Error(err)
	}
}

// A write while a line is fetched must not leave the old bytes behind.
func TestCacheWriteDuringFetch(t *testing.T) {
	mem := newHeapMemory(1 << 10)
	disk := byte(1)
	var c *cache
	during := func() {}
	c = newCache(10*lineSize, 8*lineSize, mem, func(_ int64, spans, _ [][]byte) (bool, error) {
		for _, s := range spans {
			for i := range s {
				s[i] = disk
			}
		}
		during()
		return false, nil
	})
	p := make([]byte, 1)
	during = func() {
		c.invalidate(0, 512)
		disk = 2
		c.invalidate(0, 512)
	}
	if _, err := c.readAt(p, 0); err != nil {
		t.Fatal(err)
	}
	during = func() {}
	if _, err := c.readAt(p, 0); err != nil || p[0] != 2 {
		t.Errorf("read %d after the write: %v", p[0], err)
	}
	disk = 3
	c.invalidate(lineSize-1, 2)
	if _, err := c.readAt(p, 0); err != nil || p[0] != 3 {
		t.Errorf("read %d after another: %v", p[0], err)
	}
	c.close()
	mem.check(t)
}

func TestCacheFetchesOnce(t *testing.T) {
	f := &fetches{data: make([]byte, 10*lineSize)}
	c := newCache(int64(len(f.data)), 8*lineSize, newHeapMemory(1<<10), nil)
	began, goOn := make(chan bool), make(chan bool)
	c.fetch = func(off int64, spans, own [][]byte) (bool, error) {
		close(began)
		<-goOn
		return f.fetch(off, spans, own)
	}
	var wg sync.WaitGroup
	read := func() {
		if _, err := c.readAt(make([]byte, 100), 50); err != nil {
			t.Error(err)
		}
	}
	wg.Go(read)
	<-began
	for range 3 {
		wg.Go(read)
	}
	close(goOn)
	wg.Wait()
	if len(f.calls) != 1 {
		t.Errorf("%d fetches for one line", len(f.calls))
	}
}
