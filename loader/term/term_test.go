package term

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"pvboot/internal/vt"
)

// pieces is a console that gives prepared reads and lets time pass.
type pieces struct {
	reads []string // "" is a time-out
	err   error    // after the last one
	now   time.Time
	out   strings.Builder
}

func (p *pieces) Now() time.Time { return p.now }

func (p *pieces) Write(b []byte) (int, error) { return p.out.Write(b) }

func (p *pieces) ReadTimeout(b []byte, d time.Duration) (int, error) {
	if len(p.reads) > 0 {
		s := p.reads[0]
		p.reads = p.reads[1:]
		if s == "" {
			p.now = p.now.Add(max(d, 0))
			return 0, os.ErrDeadlineExceeded
		}
		return copy(b, s), nil
	}
	p.now = p.now.Add(max(d, 0))
	return 0, p.err
}

func TestReadKey(t *testing.T) {
	broken := errors.New("ring is corrupt")
	tests := []struct {
		name  string
		con   pieces
		wait  time.Duration
		want  Key
		err   error
		spent time.Duration
	}{
		{"at once", pieces{reads: []string{"v"}}, 0, 'v', nil, 0},
		{"none", pieces{}, 0, 0, ErrNoKey, 0},
		{"none in time", pieces{}, 2500 * time.Millisecond, 0, ErrNoKey, 2500 * time.Millisecond},
		{"sequence in two reads", pieces{reads: []string{"\x1b", "[A"}}, 0, Up, nil, 0},
		{"sequence with a pause", pieces{reads: []string{"\x1b[", "", "A"}}, 0, 0, ErrNoKey, EscDelay},
		{"esc alone", pieces{reads: []string{"\x1b"}}, 0, Esc, nil, EscDelay},
		{"unknown sequence is no key", pieces{reads: []string{"\x1b[9", "9~", ""}}, time.Second, 0, ErrNoKey, time.Second},
		{"broken", pieces{err: broken}, time.Minute, 0, broken, time.Second},
		{"broken after esc", pieces{reads: []string{"\x1b"}, err: broken}, time.Minute, Esc, nil, EscDelay},
		{"ended", pieces{err: io.EOF}, Forever, 0, io.EOF, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			con := tt.con
			term := New(&con, con.Now)
			start := con.now
			k, err := term.ReadKey(context.Background(), tt.wait)
			if k != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %v, %v, want %v, %v", k, err, tt.want, tt.err)
			}
			if spent := con.now.Sub(start); spent != tt.spent {
				t.Errorf("waited %v, want %v", spent, tt.spent)
			}
		})
	}
}

func TestReadKeyContext(t *testing.T) {
	con := &pieces{}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := New(con, con.Now).ReadKey(ctx, Forever); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestDrain(t *testing.T) {
	con := &pieces{reads: []string{"abc", "\x1b[A"}}
	term := New(con, con.Now)
	term.Drain()
	if k, err := term.ReadKey(context.Background(), 0); err != ErrNoKey {
		t.Errorf("after Drain: got %v, %v, want no key", k, err)
	}
}

func TestSleep(t *testing.T) {
	ctx := context.Background()
	con := &pieces{reads: []string{"", "xy"}}
	term := New(con, con.Now)
	if err := term.Sleep(ctx, 10*time.Second); err != nil || con.now != (time.Time{}).Add(time.Second) {
		t.Errorf("slept until %v with %v, want a second", con.now, err)
	}
	if k, _ := term.ReadKey(ctx, 0); k != 'x' {
		t.Errorf("the key that ended the sleep is %v, want x", k)
	}
	if err := New(con, con.Now).Sleep(ctx, time.Second); err != nil {
		t.Errorf("sleep without a key: %v", err)
	}
}

func TestWriteNewlines(t *testing.T) {
	con := &pieces{}
	term := New(con, con.Now)
	term.Printf("one\ntwo\r\n\n")
	term.Printf("three\r")
	term.Printf("\n")
	if got, want := con.out.String(), "one\r\ntwo\r\n\r\nthree\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFit(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"Debian", "Debian    "},
		{"Debian GNU", "Debian GNU"},
		{"Debian GNU/Linux", "Debian GN>"},
		{"a\x1b[2Jb\n\x9b", "a [2Jb ?  "},
		{"\xff\u202eevil", "? evil    "},
		{"漢字漢字漢字", "漢字漢字 >"},
		{"e\u0301tat", "e\u0301tat      "},
		{"", "          "},
	} {
		if got := Fit(tt.in, 10); got != tt.want {
			t.Errorf("Fit(%q, 10) = %q, want %q", tt.in, got, tt.want)
		}
	}
	if got := Fit("x", 0); got != "" {
		t.Errorf("Fit in no columns = %q", got)
	}
}

func TestLine(t *testing.T) {
	long := strings.Repeat("0123456789", 9)
	tests := []struct {
		name, keys, want, screen string
		err                      error
	}{
		{name: "plain", keys: "ls (hd0)\r", want: "ls (hd0)", screen: "grub> ls (hd0)\n"},
		{name: "backspace", keys: "\x7flz\x7fs\r", want: "ls", screen: "grub> ls\n"},
		{name: "begin anew", keys: "rm -rf\x15ls\r", want: "ls", screen: "grub> ls\n"},
		{name: "history", keys: "\x1b[A\x1b[A\x1b[B\r", want: "second", screen: "grub> second\n"},
		{name: "beyond history", keys: "\x10\x10\x10\x10\x0e\x0e\x0ex\r", want: "x", screen: "grub> x\n"},
		{name: "long", keys: long + "\r", want: long, screen: "grub> " + long[90-73:] + "\n"},
		{name: "long and back", keys: long + strings.Repeat("\x7f", 89) + "\r", want: "0", screen: "grub> 0\n"},
		{name: "other keys do nothing", keys: "a\x1b[5~\x1bOP\x01b\r", want: "ab", screen: "grub> ab\n"},
		{name: "esc", keys: "ls\x1b", err: ErrCancelled, screen: "grub> ls\n"},
		{name: "ctrl-c", keys: "ls\x03", err: ErrCancelled, screen: "grub> ls\n"},
		{name: "end of input", keys: "ls", err: io.EOF, screen: "grub> ls\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := vt.NewPlayer(vt.Step{Keys: tt.keys})
			l := &Line{Term: New(p, p.Now), history: []string{"first", "second"}}
			got, err := l.Read(context.Background(), "grub> ")
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v, want %q, %v", got, err, tt.want, tt.err)
			}
			if p.String() != tt.screen || p.Unknown != nil {
				t.Errorf("screen %q, want %q; unknown sequences %v", p.String(), tt.screen, p.Unknown)
			}
		})
	}
}

func TestLineHistory(t *testing.T) {
	p := vt.NewPlayer(vt.Step{Keys: "one\rone\r \rtwo\r"})
	l := &Line{Term: New(p, p.Now)}
	for range 4 {
		l.Read(context.Background(), "")
	}
	if got := strings.Join(l.history, ","); got != "one,two" {
		t.Errorf("history is %q", got)
	}
	p = vt.NewPlayer(vt.Step{Keys: "secret\r"})
	l = &Line{Term: New(p, p.Now), Silent: true}
	if s, err := l.Read(context.Background(), "Password: "); s != "secret" || err != nil {
		t.Errorf("got %q, %v", s, err)
	}
	if p.String() != "Password:\n" || len(l.history) != 0 {
		t.Errorf("screen %q, history %q", p.String(), l.history)
	}
}
