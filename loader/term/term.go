// Package term speaks to the person at a text console: it decodes the keys
// that a VT100-like terminal sends, writes text and draws with the few ANSI
// control sequences that every such terminal knows.
//
// The other side is `xl console`, and behind it any terminal or a log file, so
// nothing is asked of the terminal: the screen is taken to be 80 by 24 and
// pictures are plain ASCII. Sequences follow ECMA-48 and the VT100 and xterm
// key codes.
package term

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Console is the byte stream to and from the terminal.
type Console interface {
	io.Writer
	// ReadTimeout reads what has come, waiting at most d for the first
	// byte. When none came it returns 0 and nil, or
	// os.ErrDeadlineExceeded. A d of 0 or less does not wait.
	ReadTimeout(p []byte, d time.Duration) (int, error)
}

// Size of the screen that is assumed, in characters.
const (
	DefaultWidth  = 80
	DefaultHeight = 24
)

// EscDelay is how long an Esc may be the begin of a longer sequence. xenconsoled
// hands over a sequence in one piece; the time is for slow lines and hosts.
const EscDelay = 200 * time.Millisecond

// Forever lets ReadKey wait without a limit.
const Forever time.Duration = -1

// ErrNoKey says that no key came in the time given.
var ErrNoKey = errors.New("no key pressed")

// poll is the longest single wait for a byte; between two of them the context
// is looked at.
const poll = time.Second

// maxReads bounds the reads for one sequence, which could else go on for ever.
const maxReads = 64

// Terminal reads keys from a Console and writes text to it. It is not safe
// for concurrent use.
type Terminal struct {
	Width, Height int // screen size in characters

	con  Console
	now  func() time.Time
	dec  Decoder
	keys []Key // decoded, not yet read
	err  error // of the console's input, final
	cr   bool  // the last byte written was a carriage return
}

// New returns a Terminal of the default size on con. now gives the time that
// waits are measured with; nil means time.Now.
func New(con Console, now func() time.Time) *Terminal {
	if now == nil {
		now = time.Now
	}
	return &Terminal{Width: DefaultWidth, Height: DefaultHeight, con: con, now: now}
}

// Now is the terminal's clock.
func (t *Terminal) Now() time.Time { return t.now() }

// ReadKey returns the next key, waiting at most wait for it (Forever: without
// a limit; 0: only what has come already). It returns ErrNoKey when none came,
// the context's error when that ended, and the console's error once its input
// is broken; a broken input never gives ErrNoKey.
func (t *Terminal) ReadKey(ctx context.Context, wait time.Duration) (Key, error) {
	start := t.now()
	for {
		if len(t.keys) > 0 {
			k := t.keys[0]
			t.keys = t.keys[1:]
			return k, nil
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if t.err != nil {
			return 0, t.err
		}
		left := poll
		if wait >= 0 {
			left = min(left, max(0, wait-t.now().Sub(start)))
		}
		came := t.fill(left)
		if came || t.err != nil {
			continue
		}
		if wait >= 0 && t.now().Sub(start) >= wait {
			return 0, ErrNoKey
		}
	}
}

// fill reads once from the console, waiting at most d for a first byte and then
// up to EscDelay for the rest of a sequence. It tells whether keys came.
func (t *Terminal) fill(d time.Duration) bool {
	var buf [64]byte
	n, err := t.con.ReadTimeout(buf[:], d)
	t.take(buf[:], n, err)
	for reads := 0; len(t.keys) == 0 && t.dec.Pending() && reads < maxReads; reads++ {
		n, err = t.con.ReadTimeout(buf[:], EscDelay)
		if n <= 0 || t.err != nil {
			t.keys = t.dec.Flush(t.keys)
		}
		t.take(buf[:], n, err)
	}
	return len(t.keys) > 0
}

// take decodes what a read of the console returned.
func (t *Terminal) take(buf []byte, n int, err error) {
	if n > 0 && n <= len(buf) {
		t.keys = t.dec.Feed(t.keys, buf[:n])
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.err = fmt.Errorf("input: %w", err)
	}
}

// Drain throws away the keys that have come and were not read yet.
func (t *Terminal) Drain() {
	t.keys = nil
	for range maxReads {
		if t.err != nil || !t.fill(0) {
			break
		}
		t.keys = nil
	}
}

// Sleep waits for d, or until a key comes. The key stays to be read; the wait
// ends with the context's or the console's error too.
func (t *Terminal) Sleep(ctx context.Context, d time.Duration) error {
	k, err := t.ReadKey(ctx, d)
	switch {
	case err == nil:
		t.keys = append([]Key{k}, t.keys...)
	case errors.Is(err, ErrNoKey):
		err = nil
	}
	return err
}

// Write sends text: a newline becomes carriage return and newline, everything
// else goes as it is. It returns the number of bytes taken from p.
func (t *Terminal) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+len(p)/16+2)
	for _, c := range p {
		if c == '\n' && !t.cr {
			out = append(out, '\r')
		}
		out = append(out, c)
		t.cr = c == '\r'
	}
	if _, err := t.con.Write(out); err != nil {
		return 0, fmt.Errorf("output: %w", err)
	}
	return len(p), nil
}

// Printf writes formatted text. Output has no error to act on: a console that
// takes none leaves nobody to tell.
func (t *Terminal) Printf(format string, args ...any) {
	fmt.Fprintf(t, format, args...)
}
