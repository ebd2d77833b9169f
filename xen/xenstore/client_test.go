package xenstore_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	iofs "io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pvboot/xen"
	"pvboot/xen/xenstore"
	"pvboot/xen/xentest"
)

// connect makes a machine and its guest's client. Requests of tests that wait
// for nothing get half a minute, for busy hosts.
func connect(t *testing.T, c xentest.Config, limit time.Duration) (*xentest.Machine, *xen.Domain, *xenstore.Client) {
	t.Helper()
	if c.Pages == 0 {
		c.Pages = 256 // small, for bare metal
	}
	c.PV = pv
	m := xentest.New(c)
	t.Cleanup(m.Close)
	d, err := xen.NewLimits(m, xen.Limits{Store: limit})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Store()
	if err != nil {
		t.Fatal(err)
	}
	return m, d, s
}

const patient = 30 * time.Second

func closeClean(t *testing.T, m *xentest.Machine, d *xen.Domain) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if left := m.Leaks(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestClientOperations(t *testing.T) {
	m, d, s := connect(t, xentest.Config{StoreIndex: 0xffffff00}, patient)
	step := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	v, err := s.Read("name")
	if step("read", err, nil); v != "guest" {
		t.Errorf("name is %q", v)
	}
	_, err = s.Read("data/none")
	step("read nothing", err, iofs.ErrNotExist)
	step("read nothing", err, xenstore.ENOENT)
	step("write", s.Write("data/a/b", "x\x00y"), nil)
	if v, err = s.Read("/local/domain/1/data/a/b"); v != "x\x00y" {
		t.Errorf("data/a/b is %q, %v", v, err)
	}
	step("write over", s.Write("data/a/b", ""), nil)
	step("mkdir", s.Mkdir("data/a/c"), nil)
	step("mkdir again", s.Mkdir("data/a/c"), nil)
	names, err := s.Directory("data/a")
	step("directory", err, nil)
	if diff := cmp.Diff([]string{"b", "c"}, names); diff != "" {
		t.Error(diff)
	}
	names, err = s.Directory("data/a/c")
	if step("empty directory", err, nil); len(names) != 0 {
		t.Errorf("names %q", names)
	}
	perms, err := s.GetPerms("data/a/b")
	step("get perms", err, nil)
	if diff := cmp.Diff([]xenstore.Perm{{Dom: 1, Access: xenstore.AccessNone}}, perms); diff != "" {
		t.Error(diff)
	}
	want := []xenstore.Perm{{Dom: 1, Access: xenstore.AccessNone}, {Dom: 3, Access: xenstore.AccessBoth}}
	step("set perms", s.SetPerms("data/a/b", want...), nil)
	if perms, _ = s.GetPerms("data/a/b"); cmp.Diff(want, perms) != "" {
		t.Error(cmp.Diff(want, perms))
	}
	step("give away", s.SetPerms("data/a/b", xenstore.Perm{Dom: 2, Access: xenstore.AccessRead}), iofs.ErrPermission)
	step("write elsewhere", s.Write("/local/domain/0/x", "y"), iofs.ErrPermission)
	step("write what may be read", s.Write("name", "y"), iofs.ErrPermission)
	_, err = s.Read("/tool")
	step("read at the root", err, iofs.ErrNotExist)
	step("bad path", s.Write("data//b", "y"), iofs.ErrInvalid)
	step("bad character", s.Write("data/ü", "y"), iofs.ErrInvalid)
	step("too long a value", s.Write("data/v", strings.Repeat("x", 2048)), xenstore.ENOSPC)
	step("rm", s.Rm("data/a"), nil)
	step("rm again", s.Rm("data/a"), nil)
	step("rm without parent", s.Rm("data/a/b"), iofs.ErrNotExist)
	step("rm the root", s.Rm("/"), iofs.ErrInvalid)
	closeClean(t, m, d)
}

// Requests that go out together may be more than the ring holds, both ways.
func TestBatches(t *testing.T) {
	m, d, s := connect(t, xentest.Config{StoreIndex: 0xfffffe00}, patient)
	var pairs []xenstore.Pair
	var paths []string
	for i := range 50 {
		p := xenstore.Pair{Path: fmt.Sprintf("data/%d", i), Value: strings.Repeat(fmt.Sprint(i), 10*i)}
		pairs, paths = append(pairs, p), append(paths, p.Path)
	}
	if err := s.WriteAll(pairs...); err != nil {
		t.Fatal(err)
	}
	values, errs := s.ReadAll(append(paths, "data/none", "", "data/1")...)
	for i, p := range append(pairs, xenstore.Pair{}, xenstore.Pair{}, pairs[1]) {
		if values[i] != p.Value || (errs[i] == nil) != (p.Path != "") {
			t.Errorf("%s: %d bytes of %d, %v", p.Path, len(values[i]), len(p.Value), errs[i])
		}
	}
	if !errors.Is(errs[50], xenstore.ENOENT) || !errors.Is(errs[51], xenstore.EINVAL) {
		t.Errorf("%v, %v", errs[50], errs[51])
	}
	err := s.WriteAll(xenstore.Pair{Path: "name", Value: "x"}, xenstore.Pair{Path: "data/0", Value: "y"})
	if !errors.Is(err, xenstore.EACCES) {
		t.Errorf("write of what is not ours: %v", err)
	}
	if v, _ := s.Read("data/0"); v != "y" {
		t.Errorf("data/0 is %q", v)
	}
	if err := s.RmAll(paths...); err != nil {
		t.Error(err)
	}
	if err := s.RmAll("data/none/none", "data/none"); !errors.Is(err, xenstore.ENOENT) {
		t.Errorf("rm without parent: %v", err)
	}
	if v, e := s.ReadAll(); len(v) != 0 || len(e) != 0 {
		t.Errorf("nothing: %v, %v", v, e)
	}
	closeClean(t, m, d)
}

func TestLongDirectory(t *testing.T) {
	m, d, s := connect(t, xentest.Config{}, patient)
	var want []string
	for i := range 300 {
		name := fmt.Sprintf("a-rather-long-name-of-a-node-%04d", i)
		want = append(want, name)
		if err := m.Store().Write("/local/domain/1/data/"+name, ""); err != nil {
			t.Fatal(err)
		}
	}
	m.Baseline()
	got, err := s.Directory("data")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	closeClean(t, m, d)
}

func TestTransactions(t *testing.T) {
	m, d, s := connect(t, xentest.Config{}, patient)
	tries := 0
	err := s.Update(func(tx *xenstore.Tx) error {
		if tries++; tries < 3 {
			// Another domain writes what the transaction has read.
			defer m.Store().Write("/local/domain/1/data/x", fmt.Sprint(tries))
		}
		v, err := tx.Read("data/x")
		if err != nil && !errors.Is(err, iofs.ErrNotExist) {
			return err
		}
		return tx.Write("data/y", "after "+v)
	})
	if err != nil || tries != 3 {
		t.Errorf("%d tries, %v", tries, err)
	}
	if v, _ := s.Read("data/y"); v != "after 2" {
		t.Errorf("data/y is %q", v)
	}

	tx, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tx.Write("data/z", "1"), tx.Rm("data/y"), tx.Mkdir("data/q/r")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read("data/z"); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("outside: %v", err)
	}
	if v, _ := tx.Read("data/z"); v != "1" {
		t.Errorf("inside: %q", v)
	}
	if err := tx.Close(); err != nil {
		t.Error(err)
	}
	if err := tx.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if err := tx.Commit(); !errors.Is(err, xenstore.ErrClosed) {
		t.Errorf("commit after close: %v", err)
	}
	if _, err := tx.Read("data"); !errors.Is(err, xenstore.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	if v, _ := s.Read("data/y"); v == "" {
		t.Error("dropped transaction removed data/y")
	}

	// An error of the work drops the transaction.
	own := errors.New("changed my mind")
	if err := s.Update(func(*xenstore.Tx) error { return own }); !errors.Is(err, own) {
		t.Error(err)
	}
	// One that is left open is ended by Close.
	if _, err := s.Begin(); err != nil {
		t.Fatal(err)
	}
	if left := m.Leaks(); !strings.Contains(strings.Join(left, "\n"), "1 open transactions") {
		t.Errorf("left: %q", left)
	}
	if err := errors.Join(s.Rm("data/x"), s.Rm("data/y")); err != nil {
		t.Error(err)
	}
	closeClean(t, m, d)
}

func TestUpdateGivesUp(t *testing.T) {
	m, _, s := connect(t, xentest.Config{}, patient)
	n := 0
	err := s.Update(func(tx *xenstore.Tx) error {
		n++
		m.Store().Write("/local/domain/1/data", fmt.Sprint(n))
		_, err := tx.Read("data")
		m.Store().Write("/local/domain/1/data", fmt.Sprint(-n))
		return err
	})
	if !errors.Is(err, xenstore.ErrConflict) || !errors.Is(err, xenstore.EAGAIN) {
		t.Errorf("after %d tries: %v", n, err)
	}
}

func TestWatches(t *testing.T) {
	m, d, s := connect(t, xentest.Config{}, patient)
	next := func(w *xenstore.Watch, want string) {
		t.Helper()
		if got, err := w.Next(patient); got != want || err != nil {
			t.Errorf("event %q, %v, want %q", got, err, want)
		}
	}
	rel, err := s.Watch("data")
	if err != nil {
		t.Fatal(err)
	}
	abs, err := s.Watch("/local/domain/1/data/k")
	if err != nil {
		t.Fatal(err)
	}
	next(rel, "data") // at once
	next(abs, "/local/domain/1/data/k")
	m.Store().Write("/local/domain/1/data/k/l", "v")
	next(rel, "data/k/l")
	next(abs, "/local/domain/1/data/k/l")
	// Removal of a node above is told with the watch's own path.
	if err := m.Store().Rm("/local/domain/1/data"); err != nil {
		t.Fatal(err)
	}
	next(rel, "data")
	next(abs, "/local/domain/1/data/k")
	if rel.Pending() {
		t.Error("an event too many")
	}
	if err := rel.Close(); err != nil {
		t.Error(err)
	}
	if err := rel.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	m.Store().Write("/local/domain/1/data", "")
	m.Baseline()
	// The other watch is left to the domain's Close.
	if left := m.Leaks(); len(left) != 1 || !strings.Contains(left[0], "watch of") {
		t.Errorf("left: %q", left)
	}
	closeClean(t, m, d)
}

func TestWatchTimesOut(t *testing.T) {
	_, _, s := connect(t, xentest.Config{}, patient)
	w, err := s.Watch("data")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Next(patient); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Next(time.Millisecond); !errors.Is(err, xen.ErrTimeout) {
		t.Errorf("%v", err)
	}
}

func TestWatchQuota(t *testing.T) {
	m, d, s := connect(t, xentest.Config{}, patient)
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		_, err = s.Watch(fmt.Sprintf("data/%d", n))
	}
	if !errors.Is(err, xenstore.E2BIG) {
		t.Errorf("watch %d: %v", n, err)
	}
	closeClean(t, m, d)
}

func TestManyGoroutines(t *testing.T) {
	m, d, s := connect(t, xentest.Config{StoreIndex: 1000}, patient)
	w, err := s.Watch("data")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			path := fmt.Sprintf("data/%d", g)
			for i := range 20 {
				want := strings.Repeat(fmt.Sprint(g), 100*i)
				if err := s.Write(path, want); err != nil {
					t.Error(err)
					return
				}
				if got, err := s.Read(path); got != want || err != nil {
					t.Errorf("%s: read %d bytes, wrote %d, %v", path, len(got), len(want), err)
				}
			}
			if err := s.Rm(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	closeClean(t, m, d)
}

// TestDaemonFaults lets a daemon with one fault serve a client, which must end
// with the ring at rest, or say that it is not.
func TestDaemonFaults(t *testing.T) {
	isReply := func(raw []byte, op xenstore.Type) bool {
		return binary.NativeEndian.Uint32(raw) == uint32(op)
	}
	for _, tt := range []struct {
		name  string
		reply func(raw []byte) [][]byte
		read  bool // the value is read all the same
		// The daemon offers no reset of the ring: what Close says then.
		close string
	}{
		{"every packet twice", func(raw []byte) [][]byte { return [][]byte{raw, raw} }, true, ""},
		{"answers dropped", func(raw []byte) [][]byte {
			if isReply(raw, xenstore.TypeRead) {
				return nil
			}
			return [][]byte{raw}
		}, false, "1 requests without an answer"},
		{"answers cut short", func(raw []byte) [][]byte {
			if isReply(raw, xenstore.TypeRead) {
				return [][]byte{raw[:len(raw)-2]}
			}
			return [][]byte{raw}
		}, false, "announced"},
		{"length out of bounds", func(raw []byte) [][]byte {
			if isReply(raw, xenstore.TypeRead) {
				binary.NativeEndian.PutUint32(raw[12:], 1<<31)
			}
			return [][]byte{raw}
		}, false, "announced"},
		{"wrong ids", func(raw []byte) [][]byte {
			if isReply(raw, xenstore.TypeRead) {
				raw[4] ^= 0x80
			}
			return [][]byte{raw}
		}, false, ""},
	} {
		for _, reset := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, reset %v", tt.name, reset), func(t *testing.T) {
				limit := 200 * time.Millisecond
				if tt.read {
					limit = patient
				}
				m, d, s := connect(t, xentest.Config{Reply: tt.reply, NoReconnect: !reset}, limit)
				v, err := s.Read("name")
				if (err == nil) != tt.read || tt.read && v != "guest" {
					t.Errorf("read %q, %v", v, err)
				}
				if !reset && tt.close != "" {
					if err := d.Close(); err == nil || !strings.Contains(err.Error(), tt.close) {
						t.Errorf("close: %v, want %s", err, tt.close)
					}
					return
				}
				closeClean(t, m, d)
			})
		}
	}
}

// A slow daemon is waited for, and the answers that pile up meanwhile reach
// those who asked.
func TestSlowDaemon(t *testing.T) {
	m, d, s := connect(t, xentest.Config{}, patient)
	m.Store().Hold(true)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if v, err := s.Read("name"); v != "guest" || err != nil {
				t.Errorf("%q, %v", v, err)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	m.Store().Hold(false)
	wg.Wait()
	closeClean(t, m, d)
}
