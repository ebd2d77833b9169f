package console_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"pvboot/console"
	"pvboot/console/xencons"
	"pvboot/xen"
	"pvboot/xen/xentest"
)

const long = 30 * time.Second // that nothing here takes

// start makes a machine with a console daemon and opens the console.
func start(t *testing.T, c xentest.ConsoleConfig) (*xentest.Machine, *xentest.ConsoleDaemon, *console.Console) {
	t.Helper()
	m := xentest.New(xentest.Config{PV: pv})
	t.Cleanup(m.Close)
	daemon, err := m.StartConsole(c)
	if err != nil {
		t.Fatal(err)
	}
	d, err := xen.New(m)
	if err != nil {
		t.Fatal(err)
	}
	con, err := console.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := con.Close(); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if left := m.Leaks(); len(left) > 0 {
			t.Error("left behind:", left)
		}
	})
	return m, daemon, con
}

// numbers is text in which a lost, doubled or moved byte shows.
func numbers(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()[:n]
}

func TestOutputIsCompleteAndInOrder(t *testing.T) {
	for _, tt := range []struct {
		name   string
		daemon xentest.ConsoleConfig
		size   int
	}{
		{"small", xentest.ConsoleConfig{}, 100},
		{"many rings", xentest.ConsoleConfig{}, 100_000},
		{"slow daemon", xentest.ConsoleConfig{Chunk: 700, Delay: time.Millisecond}, 20_000},
		{"byte by byte", xentest.ConsoleConfig{Chunk: 1}, 5000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, daemon, con := start(t, tt.daemon)
			want := numbers(tt.size)
			for rest := want; rest != ""; {
				n := min(len(rest), 1+len(rest)/3)
				if k, err := con.Write([]byte(rest[:n])); k != n || err != nil {
					t.Fatalf("wrote %d of %d: %v", k, n, err)
				}
				rest = rest[n:]
			}
			if err := con.Drain(long); err != nil {
				t.Fatal(err)
			}
			if !daemon.Wait(long, func(out string) bool { return out == want }) {
				out, err := daemon.Output()
				t.Errorf("got %d bytes, want %d: %v", len(out), len(want), err)
			}
			if s := con.Stats(); s.Written != int64(tt.size) || s.Dropped != 0 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestWritesAreNotTorn(t *testing.T) {
	_, daemon, con := start(t, xentest.ConsoleConfig{Chunk: 100})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			line := strings.Repeat(string(rune('a'+i)), 1500) + "\n"
			for range 5 {
				if _, err := io.WriteString(con, line); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if !daemon.Wait(long, func(out string) bool { return len(out) == 4*5*1501 }) {
		t.Fatal("output is incomplete")
	}
	out, _ := daemon.Output()
	for l := range strings.Lines(out) {
		if l != strings.Repeat(l[:1], 1500)+"\n" {
			t.Fatalf("torn line %.20q of %d bytes", l, len(l))
		}
	}
}

func TestNobodyReads(t *testing.T) {
	_, daemon, con := start(t, xentest.ConsoleConfig{Deaf: true})
	con.WriteLimit = 20 * time.Millisecond
	text := numbers(xencons.OutSize + 1000)
	n, err := io.WriteString(con, text)
	if n != xencons.OutSize || !errors.Is(err, console.ErrStalled) {
		t.Fatalf("wrote %d: %v", n, err)
	}
	if n, err := io.WriteString(con, "more"); n != 0 || !errors.Is(err, console.ErrStalled) {
		t.Errorf("wrote %d after the stall: %v", n, err)
	}
	if s := con.Stats(); s.Dropped != 1004 || s.Written != xencons.OutSize {
		t.Errorf("stats %+v", s)
	}
	daemon.Serve(true)
	if err := con.Drain(long); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(con, "again"); err != nil {
		t.Error(err)
	}
	want := text[:xencons.OutSize] + "again"
	if !daemon.Wait(long, func(out string) bool { return out == want }) {
		t.Error("what was taken is not what was written")
	}
}

func TestCloseLeavesOutputForTheDaemon(t *testing.T) {
	_, daemon, con := start(t, xentest.ConsoleConfig{Deaf: true})
	con.WriteLimit = time.Millisecond
	if _, err := con.Write(make([]byte, 3000)); !errors.Is(err, console.ErrStalled) {
		t.Fatal(err)
	}
	if err := con.Close(); err != nil {
		t.Error(err)
	}
	if _, err := con.Write([]byte("late")); !errors.Is(err, xen.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	daemon.Serve(true)
	if !daemon.Wait(long, func(out string) bool { return len(out) == xencons.OutSize }) {
		t.Error("output in the ring was lost by Close")
	}
}

func TestInput(t *testing.T) {
	_, daemon, con := start(t, xentest.ConsoleConfig{})
	want := numbers(5000) // several rings
	daemon.Type(want)
	var got []byte
	buf := make([]byte, 333)
	for len(got) < len(want) {
		n, err := con.ReadTimeout(buf, long)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
	if string(got) != want {
		t.Error("input differs")
	}
	if n, err := con.Read(nil); n != 0 || err != nil {
		t.Errorf("read of nothing: %d %v", n, err)
	}
}

func TestDeadlines(t *testing.T) {
	_, daemon, con := start(t, xentest.ConsoleConfig{})
	buf := make([]byte, 10)
	if _, err := con.ReadTimeout(buf, 0); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("no time at all: %v", err)
	}
	if _, err := con.ReadTimeout(buf, 2*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a short time: %v", err)
	}
	if err := con.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := con.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
	// A deadline set while Read waits counts.
	con.SetReadDeadline(time.Time{})
	done := make(chan error)
	go func() {
		_, err := con.Read(buf)
		done <- err
	}()
	time.Sleep(2 * time.Millisecond)
	con.SetReadDeadline(time.Now())
	if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline set meanwhile: %v", err)
	}
	// And without one, Read waits for the key.
	con.SetReadDeadline(time.Time{})
	time.AfterFunc(2*time.Millisecond, func() { daemon.Type("k") })
	if n, err := con.Read(buf); err != nil || string(buf[:n]) != "k" {
		t.Errorf("read %q: %v", buf[:n], err)
	}
}

func TestCloseEndsRead(t *testing.T) {
	_, _, con := start(t, xentest.ConsoleConfig{})
	done := make(chan error)
	go func() {
		_, err := con.Read(make([]byte, 1))
		done <- err
	}()
	time.Sleep(2 * time.Millisecond)
	con.Close()
	if err := <-done; err != io.EOF {
		t.Errorf("read during close: %v", err)
	}
	if _, err := con.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read after close: %v", err)
	}
}

func TestHostileIndices(t *testing.T) {
	for _, tt := range []struct {
		name  string
		field int
		value uint32
	}{
		{"input beyond the ring", 3076, 1025},
		{"input far ahead", 3076, 0x80000000},
		{"output taken before it was written", 3080, 1},
		{"output index backwards", 3080, 0x7fffffff},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := xentest.New(xentest.Config{PV: pv})
			defer m.Close()
			d, err := xen.New(m)
			if err != nil {
				t.Fatal(err)
			}
			con, err := console.Open(d)
			if err != nil {
				t.Fatal(err)
			}
			binary.NativeEndian.PutUint32(m.ConsolePage()[tt.field:], tt.value)
			if tt.field == 3076 {
				_, err = con.ReadTimeout(make([]byte, 1), long)
			} else {
				_, err = con.Write([]byte("x"))
			}
			if _, ok := errors.AsType[*xencons.IndexError](err); !ok {
				t.Errorf("%v, want an index error", err)
			}
			if _, err := console.Open(d); err == nil {
				t.Error("opened over broken indices")
			}
		})
	}
}

func TestNoConsole(t *testing.T) {
	m := xentest.New(xentest.Config{NoConsole: true, PV: pv})
	defer m.Close()
	d, err := xen.New(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := console.Open(d); !xen.IsAbsent(err) {
		t.Errorf("%v, want an absent console", err)
	}
}
