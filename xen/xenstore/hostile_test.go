package xenstore

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"pvboot/internal/shm"
)

var errTestTimeout = errors.New("timed out")

// script is a daemon that answers with bytes made beforehand, whatever it is
// asked. Waits end after as many looks as a patient client would need.
type script struct {
	page []byte
	out  []byte            // still to be put on the ring
	prod func() uint32     // where set, the reply producer to show
	ask  func(req *Packet) // where set, sees each request and may add to out

	parser Parser
	daemon *Ring
}

func newScript(t testing.TB, page []byte) *script {
	r, err := NewRing(page, true)
	if err != nil {
		t.Fatal(err)
	}
	return &script{page: page, daemon: r}
}

func (s *script) transport() Transport {
	return Transport{Page: s.page, Limit: time.Second,
		Notify: func() error { s.step(); return nil },
		Wait: func(_ time.Duration, cond func() bool) error {
			for range 50 {
				if cond() {
					return nil
				}
				s.step()
			}
			return errTestTimeout
		}}
}

func (s *script) step() {
	var buf [ringSize]byte
	n, _ := s.daemon.Read(buf[:])
	for b := buf[:n]; len(b) > 0; {
		n, pkt, err := s.parser.Feed(b)
		if err != nil {
			break
		}
		if b = b[n:]; pkt != nil && s.ask != nil {
			s.ask(pkt)
		}
	}
	n, _ = s.daemon.Write(s.out)
	s.out = s.out[n:]
	if s.prod != nil {
		shm.Store(s.page, offRspProd, s.prod())
	}
}

func (s *script) say(p Packet) {
	b, err := p.Append(s.out)
	if err != nil {
		panic(err)
	}
	s.out = b
}

// TestHostileDaemon reads one value from daemons that answer oddly.
func TestHostileDaemon(t *testing.T) {
	for _, tt := range []struct {
		name string
		ask  func(s *script, q *Packet)
		want string // of the error; "" for the value "v"
	}{
		{"says it right", func(s *script, q *Packet) {
			s.say(Packet{Type: TypeRead, ReqID: q.ReqID, Body: []byte("v")})
		}, ""},
		{"says it twice", func(s *script, q *Packet) {
			s.say(Packet{Type: TypeRead, ReqID: q.ReqID, Body: []byte("v")})
			s.say(Packet{Type: TypeRead, ReqID: q.ReqID, Body: []byte("w")})
		}, ""},
		{"answers others first", func(s *script, q *Packet) {
			s.say(Packet{Type: TypeRead, ReqID: q.ReqID + 1, Body: []byte("w")})
			s.say(Packet{Type: TypeError, ReqID: 0, Body: []byte("EIO\x00")})
			s.say(Packet{Type: TypeRead, ReqID: q.ReqID, Body: []byte("v")})
		}, ""},
		{"events without a watch", func(s *script, q *Packet) {
			s.say(Packet{Type: TypeWatchEvent, Body: []byte("a\x00b\x00")})
			s.say(Packet{Type: TypeWatchEvent, Body: []byte("a")})
			s.say(Packet{Type: TypeWatchEvent})
			s.say(Packet{Type: TypeRead, ReqID: q.ReqID, Body: []byte("v")})
		}, ""},
		{"another type", func(s *script, q *Packet) {
			s.say(Packet{Type: TypeDirectory, ReqID: q.ReqID, Body: []byte("v")})
		}, `xenstore: read "k": answered with a reply of directory`},
		{"never", func(s *script, q *Packet) {}, `xenstore: read "k": no reply: timed out`},
		{"another id", func(s *script, q *Packet) {
			s.say(Packet{Type: TypeRead, ReqID: q.ReqID + 7, Body: []byte("v")})
		}, `xenstore: read "k": no reply: timed out`},
		{"half a reply", func(s *script, q *Packet) {
			s.say(Packet{Type: TypeRead, ReqID: q.ReqID, Body: []byte("v")})
			s.out = s.out[:9]
		}, `xenstore: read "k": no reply: timed out`},
		{"oversize", func(s *script, q *Packet) {
			s.say(Packet{Type: TypeRead, ReqID: q.ReqID})
			binary.NativeEndian.PutUint32(s.out[12:], 5000)
		}, `xenstore: read "k": xenstore: read: 5000 bytes of payload announced, at most 4096 are allowed`},
		{"error name unknown", func(s *script, q *Packet) {
			s.say(Packet{Type: TypeError, ReqID: q.ReqID, Body: []byte("EFOO\x00")})
		}, `xenstore: read "k": EFOO`},
		{"error without a name", func(s *script, q *Packet) {
			s.say(Packet{Type: TypeError, ReqID: q.ReqID})
		}, `xenstore: read "k": error reply ""`},
		{"producer jumps", func(s *script, q *Packet) {
			s.prod = func() uint32 { return 5000 }
		}, `xenstore: read "k": xenstore: ring index out of range: consumer 0x0, producer 0x1388`},
		{"producer goes back", func(s *script, q *Packet) {
			s.prod = func() uint32 { return ^uint32(0) }
		}, `xenstore: read "k": xenstore: ring index out of range: consumer 0x0, producer 0xffffffff`},
		{"gives up", func(s *script, q *Packet) {
			shm.Store(s.page, offFeatures, FeatureError)
			shm.Store(s.page, offError, 2)
		}, `xenstore: read "k": xenstore: daemon gave up: invalid ring index`},
		{"more than the ring holds", func(s *script, q *Packet) {
			s.say(Packet{Type: TypeRead, ReqID: 99, Body: make([]byte, MaxBody)})
			s.say(Packet{Type: TypeRead, ReqID: q.ReqID, Body: []byte("v")})
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScript(t, newPage(0))
			s.ask = func(q *Packet) { tt.ask(s, q) }
			c, err := New(s.transport())
			if err != nil {
				t.Fatal(err)
			}
			v, err := c.Read("k")
			switch {
			case tt.want == "" && (err != nil || v != "v"):
				t.Errorf("got %q, %v", v, err)
			case tt.want != "" && (err == nil || err.Error() != tt.want):
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// A reply that comes after its request gave up is thrown away, and the next
// request gets its own.
func TestLateReply(t *testing.T) {
	s := newScript(t, newPage(77))
	var late *Packet
	s.ask = func(q *Packet) {
		if late == nil {
			late = q
			return
		}
		s.say(Packet{Type: TypeRead, ReqID: late.ReqID, Body: []byte("late")})
		s.say(Packet{Type: TypeRead, ReqID: q.ReqID, Body: []byte("right")})
	}
	c, err := New(s.transport())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read("first"); !errors.Is(err, errTestTimeout) {
		t.Fatal(err)
	}
	if v, err := c.Read("second"); v != "right" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	if st := c.Stats(); st.Unknown != 1 || st.Replies != 1 || st.Requests != 2 {
		t.Errorf("%+v", st)
	}
}

// Close does not call a ring quiescent for which a reply is still to come.
func TestCloseWaitsForReplies(t *testing.T) {
	s := newScript(t, newPage(0))
	c, err := New(s.transport())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read("k"); err == nil {
		t.Fatal("no daemon, no error")
	}
	s.ask = func(q *Packet) { s.say(Packet{Type: q.Type, ReqID: q.ReqID, Body: []byte("OK\x00")}) }
	err = c.Close()
	if err == nil || !strings.Contains(err.Error(), "1 requests without an answer") {
		t.Errorf("close: %v", err)
	}
	s.say(Packet{Type: TypeRead, ReqID: 1, Body: []byte("at last")})
	if err := c.Close(); err != nil {
		t.Errorf("close after the reply: %v", err)
	}
	if _, err := c.Read("k"); !errors.Is(err, ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
}

// A daemon that takes no requests does not hold the client.
func TestFullRingTimesOut(t *testing.T) {
	page := newPage(0)
	c, err := New(Transport{Page: page, Notify: func() error { return nil },
		Wait: func(_ time.Duration, cond func() bool) error {
			if cond() {
				return nil
			}
			return errTestTimeout
		}})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Write("k", strings.Repeat("x", 2000))
	if !errors.Is(err, errTestTimeout) {
		t.Errorf("write: %v", err)
	}
	if err := c.Write("k", "v"); err == nil || !strings.Contains(err.Error(), "cut off after 1024 of") {
		t.Errorf("after a cut request: %v", err)
	}
	if err := c.Close(); err == nil {
		t.Error("close called the ring quiescent")
	}
}

func TestNotifyFails(t *testing.T) {
	bad := errors.New("no such port")
	s := newScript(t, newPage(0))
	tr := s.transport()
	tr.Notify = func() error { return bad }
	c, err := New(tr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read("k"); !errors.Is(err, bad) {
		t.Errorf("read: %v", err)
	}
}

// TestRingLeftByAnEarlierUser starts on rings that are not at rest.
func TestRingLeftByAnEarlierUser(t *testing.T) {
	for _, tt := range []struct {
		name               string
		reqProd, rspProd   uint32
		features, conn, er uint32
		want               string
	}{
		{"replies not taken", 0, 100, 0, 0, 0, ""},
		{"requests not taken", 10, 0, 0, 0, 0, ""},
		{"impossible requests", 5000, 0, 0, 0, 0, "ring index out of range"},
		{"impossible replies", 0, 5000, 0, 0, 0, "ring index out of range"},
		{"no daemon to reconnect", 0, 100, FeatureReconnect, 0, 0, "reconnect: connection state 1"},
		{"reconnection under way", 0, 0, 0, 1, 0, "nobody serves the ring: connection state 1"},
		{"odd state of a daemon that offers it", 0, 0, FeatureReconnect, 7, 0, "nobody serves the ring: connection state 7"},
		{"odd state of another daemon", 0, 0, 0, 7, 0, ""},
		{"other fields do not count yet", 0, 5000, FeatureError, 1, 3, "nobody serves the ring: connection state 1"},
		{"daemon gave up", 0, 0, FeatureError, 0, 3, "daemon gave up: protocol violation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page := newPage(0)
			s := newScript(t, page)
			s.ask = func(q *Packet) { s.say(Packet{Type: TypeRead, ReqID: q.ReqID, Body: []byte("v")}) }
			shm.Store(page, offReqProd, tt.reqProd)
			shm.Store(page, offRspProd, tt.rspProd)
			shm.Store(page, offFeatures, tt.features)
			shm.Store(page, offConnect, tt.conn)
			shm.Store(page, offError, tt.er)
			_, err := New(s.transport())
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if tt.want == "" && shm.Load(page, offRspProd) != shm.Load(page, offRspCons) {
				t.Errorf("ring: %s", indexes(page))
			}
		})
	}
}

// TestDirectoryParts reads long lists from daemons that serve them oddly.
func TestDirectoryParts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		parts []string // in the order asked for, the last one again and again
		want  string   // names, or the error
	}{
		{"one part", []string{"1\x00a\x00b\x00\x00"}, "a b"},
		{"two parts", []string{"1\x00a\x00b\x00", "1\x00c\x00\x00"}, "a b c"},
		{"empty", []string{"1\x00\x00"}, ""},
		{"end alone", []string{"1\x00a\x00", "1\x00\x00"}, "a"},
		{"changed once", []string{"1\x00a\x00", "2\x00z\x00", "2\x00b\x00", "2\x00c\x00\x00"}, "b c"},
		{"no generation", []string{"a"}, "reply without generation"},
		{"nothing more", []string{"1\x00a\x00", "1\x00"}, "empty part"},
		{"never ends", []string{"1\x00" + strings.Repeat("abcdefg\x00", 500)}, "more than 1048576 bytes of names"},
		{"a slash", []string{"1\x00a/b\x00\x00"}, `name "a/b" in the list`},
		{"changes for ever", []string{"1\x00a\x00", "2\x00a\x00", "1\x00a\x00", "loop"}, "list does not end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScript(t, newPage(0))
			n := 0
			s.ask = func(q *Packet) {
				if q.Type == TypeDirectory {
					s.say(Packet{Type: TypeError, ReqID: q.ReqID, Body: []byte("E2BIG\x00")})
					return
				}
				part := tt.parts[min(n, len(tt.parts)-1)]
				if part == "loop" {
					part = string(rune('1'+n%2)) + "\x00a\x00"
				}
				n++
				s.say(Packet{Type: TypeDirectoryPart, ReqID: q.ReqID, Body: []byte(part)})
			}
			c, err := New(s.transport())
			if err != nil {
				t.Fatal(err)
			}
			names, err := c.Directory("d")
			got := strings.Join(names, " ")
			if err != nil {
				got = err.Error()
			}
			if got != tt.want && (err == nil || !strings.HasSuffix(got, tt.want)) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestBadPathsStayHere(t *testing.T) {
	s := newScript(t, newPage(0))
	s.ask = func(q *Packet) { t.Errorf("daemon was asked %v %q", q.Type, q.Body) }
	c, err := New(s.transport())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "a\x00b", strings.Repeat("a", MaxRelPath+1), "/" + strings.Repeat("a", MaxAbsPath)} {
		if _, err := c.Read(path); !errors.Is(err, EINVAL) {
			t.Errorf("read %.10q: %v", path, err)
		}
		if _, err := c.Watch(path); !errors.Is(err, EINVAL) {
			t.Errorf("watch %.10q: %v", path, err)
		}
	}
	if err := c.Write("k", strings.Repeat("x", MaxBody)); !errors.Is(err, E2BIG) {
		t.Errorf("oversize write: %v", err)
	}
}

// A daemon that floods a watch costs bounded memory and loses no change.
func TestWatchFlood(t *testing.T) {
	s := newScript(t, newPage(0))
	s.ask = func(q *Packet) {
		s.say(Packet{Type: q.Type, ReqID: q.ReqID, Body: []byte("OK\x00")})
		if q.Type != TypeWatch {
			return
		}
		for range 10 * maxEvents {
			s.say(Packet{Type: TypeWatchEvent, Body: []byte("d/k\x000\x00")})
			s.say(Packet{Type: TypeWatchEvent, Body: []byte("dd/k\x000\x00")}) // not below d
		}
	}
	c, err := New(s.transport())
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.Watch("d")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Write("x", "y"); err != nil { // takes all events off the ring
		t.Fatal(err)
	}
	var got []string
	for {
		p, err := w.Next(time.Second)
		if err != nil {
			break
		}
		got = append(got, p)
	}
	if len(got) != maxEvents+1 || got[0] != "d/k" || got[maxEvents] != "d" {
		t.Errorf("%d events", len(got))
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := w.Next(time.Second); !errors.Is(err, ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

// FuzzClient lets a client work with a daemon whose every byte and index is
// made up.
func FuzzClient(f *testing.F) {
	good, _ := Packet{Type: TypeRead, ReqID: 1, Body: []byte("v")}.Append(nil)
	f.Add(good, uint32(0), uint32(0), false)
	f.Add(append(good, good...), uint32(0xfffffff0), uint32(FeatureReconnect|FeatureError), true)
	f.Fuzz(func(t *testing.T, out []byte, start, features uint32, jump bool) {
		page := newPage(start)
		shm.Store(page, offFeatures, features)
		s := newScript(t, page)
		s.out = out
		if jump && len(out) > 4 {
			s.prod = func() uint32 { return binary.NativeEndian.Uint32(out[:4]) }
			out = out[4:]
		}
		c, err := New(s.transport())
		if err != nil {
			return
		}
		c.Read("a")
		c.Directory("b")
		if tx, err := c.Begin(); err == nil {
			tx.Write("c", "d")
			tx.Commit()
		}
		if w, err := c.Watch("e"); err == nil {
			w.Next(time.Second)
			w.Close()
		}
		if err := c.Close(); err == nil && !Quiescent(page) {
			t.Error("close took a busy ring for quiescent")
		}
	})
}
