package serial

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fakePort takes room bytes of output in all, at most step at once, and has input.
type fakePort struct {
	mu    sync.Mutex
	in    []byte
	out   bytes.Buffer
	room  int
	step  int
	busy  int // how often Idle says no
	asked int // how often it was asked
}

func (f *fakePort) Read(p []byte) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := copy(p, f.in)
	f.in = f.in[n:]
	return n
}

func (f *fakePort) Write(p []byte) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := min(len(p), f.step, f.room)
	f.room -= n
	f.out.Write(p[:n])
	return n
}

func (f *fakePort) Idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.asked > f.busy
}

func (f *fakePort) give(room int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.room = room
}

func TestWrite(t *testing.T) {
	f := &fakePort{room: 100, step: 1}
	c := New(f)
	if n, err := c.Write([]byte("one by one\n")); n != 11 || err != nil {
		t.Errorf("Write: %d, %v", n, err)
	}
	if d := cmp.Diff("one by one\n", f.out.String()); d != "" {
		t.Error(d)
	}
}

func TestWriteStalls(t *testing.T) {
	f := &fakePort{room: 3, step: 2}
	c := New(f)
	c.WriteLimit = time.Millisecond
	if n, err := c.Write([]byte("abcdef")); n != 3 || !errors.Is(err, ErrStalled) {
		t.Errorf("Write: %d, %v", n, err)
	}
	// Without another wait, until the port takes something.
	c.WriteLimit = time.Hour
	if n, err := c.Write([]byte("gh")); n != 0 || !errors.Is(err, ErrStalled) {
		t.Errorf("Write to a stalled port: %d, %v", n, err)
	}
	f.give(100)
	if n, err := c.Write([]byte("again")); n != 5 || err != nil {
		t.Errorf("Write: %d, %v", n, err)
	}
	if got := f.out.String(); got != "abcagain" || c.Dropped() != 5 {
		t.Errorf("written %q, dropped %d", got, c.Dropped())
	}
}

func TestRead(t *testing.T) {
	f := &fakePort{in: []byte("abc")}
	c := New(f)
	buf := make([]byte, 2)
	for _, want := range []string{"ab", "c"} {
		if n, err := c.ReadTimeout(buf, 0); err != nil || string(buf[:n]) != want {
			t.Errorf("ReadTimeout: %q, %v, want %q", buf[:n], err, want)
		}
	}
	for _, limit := range []time.Duration{-1, 0, time.Millisecond} {
		if n, err := c.ReadTimeout(buf, limit); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("ReadTimeout(%v): %d, %v", limit, n, err)
		}
	}
	if n, err := c.ReadTimeout(nil, time.Hour); n != 0 || err != nil {
		t.Errorf("ReadTimeout of nothing: %d, %v", n, err)
	}
	go func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.in = []byte("late")
	}()
	if n, err := c.Read(buf); n == 0 || err != nil {
		t.Errorf("Read: %d, %v", n, err)
	}
}

func TestClose(t *testing.T) {
	f := &fakePort{busy: 3}
	c := New(f)
	ended := make(chan error)
	go func() {
		_, err := c.Read(make([]byte, 1))
		ended <- err
	}()
	if err := c.Close(); err != nil || f.asked != 4 {
		t.Errorf("Close: %v after %d looks", err, f.asked)
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("Read: %v", err)
	}
	if n, err := c.Write([]byte("x")); n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write: %d, %v", n, err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestRaw(t *testing.T) {
	f := &fakePort{room: 100, step: 3}
	raw := New(f).Raw()
	raw([]byte("a\nlonger line\n\nend"))
	if d := cmp.Diff("a\r\nlonger line\r\n\r\nend", f.out.String()); d != "" {
		t.Error(d)
	}
	f.give(2)
	raw([]byte("cut off"))
	if d := cmp.Diff("a\r\nlonger line\r\n\r\nendcu", f.out.String()); d != "" {
		t.Error(d)
	}
	line := []byte("x\n")
	if n := testing.AllocsPerRun(10, func() { f.give(10); raw(line); f.out.Reset() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
