// Package console is the paravirtual console frontend: what the domain writes
// appears where xl console looks, and what is typed there can be read.
//
// It speaks to xenconsoled, or to QEMU, through the page that package xencons
// describes (public/io/console.h). Bytes pass unchanged; [Text] makes line
// ends for a terminal. A console that nobody serves costs a limited time, then
// output is dropped and counted. Nothing that the other end says is trusted.
package console

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"pvboot/console/xencons"
	"pvboot/xen"
)

const (
	// writeLimit is how long a Write waits while the other end takes
	// nothing.
	writeLimit = 5 * time.Second
	// notifyEvery is how often the other end is reminded meanwhile.
	notifyEvery = 200 * time.Millisecond
	// readSlice is how long a Read waits at a stretch. Longer waits look at
	// the ring less often.
	readSlice = time.Minute
	// drainLimit is how long Close waits for the last output to be taken.
	drainLimit = 2 * time.Second
)

// ErrStalled says that output was dropped, because the other end had taken
// nothing for a while.
var ErrStalled = errors.New("console: nobody takes the output")

// A Console is the domain's first PV console. It may be used by several
// goroutines: a Write is never torn by another one, and reads and writes do
// not wait for each other.
type Console struct {
	d    *xen.Domain
	conn xen.Connection
	ring *xencons.Ring

	// WriteLimit is how long a Write waits for space while the other end
	// takes nothing; 5 s. Set it before the first Write.
	WriteLimit time.Duration

	writeMu sync.Mutex
	stalled bool // the last wait was for nothing

	readMu   sync.Mutex
	deadline atomic.Int64 // UnixNano of the read deadline, 0 for none

	closed  atomic.Bool
	written atomic.Int64
	read    atomic.Int64
	dropped atomic.Int64
}

// Open attaches to the console that the toolstack made. Where it made none,
// the error is an xen.AbsentError.
func Open(d *xen.Domain) (*Console, error) {
	conn, err := d.Console()
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	ring, err := xencons.New(conn.Page, false)
	if err != nil {
		return nil, err
	}
	return &Console{d: d, conn: conn, ring: ring, WriteLimit: writeLimit}, nil
}

// Write hands p to the other end, in order and unchanged. It waits as long as
// that takes any; when it takes nothing for WriteLimit the rest of p is
// dropped, with [ErrStalled]. From then on only what fits at once is written,
// until the other end takes something again.
func (c *Console) Write(p []byte) (int, error) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	if c.closed.Load() {
		return 0, fmt.Errorf("console: write: %w", xen.ErrClosed)
	}
	n := 0
	for {
		k, err := c.put(p[n:])
		n += k
		if k > 0 {
			c.stalled = false
		}
		if err == nil && n == len(p) {
			return n, nil
		}
		if err == nil && !c.stalled {
			err = c.waitSpace()
		} else if err == nil {
			err = ErrStalled
		}
		if err != nil {
			c.dropped.Add(int64(len(p) - n))
			return n, err
		}
	}
}

// put writes what fits and notifies the other end of it.
func (c *Console) put(p []byte) (int, error) {
	n, err := c.ring.Write(p)
	if err != nil || n == 0 {
		return n, err
	}
	c.written.Add(int64(n))
	if err := c.conn.Notify(); err != nil {
		return n, fmt.Errorf("console: %w", err)
	}
	return n, nil
}

// waitSpace waits until the other end has taken something.
func (c *Console) waitSpace() error {
	for start := time.Now(); time.Since(start) < c.WriteLimit; {
		var space int
		var ringErr error
		err := c.d.Wait(min(notifyEvery, c.WriteLimit), func() bool {
			space, ringErr = c.ring.Space()
			return space > 0 || ringErr != nil
		})
		if err == nil {
			return ringErr
		}
		if !errors.Is(err, xen.ErrTimeout) {
			return fmt.Errorf("console: %w", err)
		}
		if err := c.conn.Notify(); err != nil {
			return fmt.Errorf("console: %w", err)
		}
	}
	c.stalled = true
	return ErrStalled
}

// Read waits for input and returns what there is. It ends with io.EOF when the
// console is closed and with os.ErrDeadlineExceeded at the deadline that
// SetReadDeadline has set, also one that was set meanwhile.
func (c *Console) Read(p []byte) (int, error) {
	return c.readUntil(p, func() time.Time {
		if ns := c.deadline.Load(); ns != 0 {
			return time.Unix(0, ns)
		}
		return time.Time{}
	})
}

// ReadTimeout is Read that waits no longer than limit. With a limit of 0 it
// takes what has come already.
func (c *Console) ReadTimeout(p []byte, limit time.Duration) (int, error) {
	deadline := time.Now().Add(limit)
	return c.readUntil(p, func() time.Time { return deadline })
}

// SetReadDeadline lets Read fail from t on; the zero time takes that back.
func (c *Console) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		c.deadline.Store(0)
	} else {
		c.deadline.Store(t.UnixNano())
	}
	return nil
}

// readUntil reads with a deadline that may change.
func (c *Console) readUntil(p []byte, deadline func() time.Time) (int, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if c.closed.Load() {
			return 0, io.EOF
		}
		n, err := c.ring.Read(p)
		if err != nil {
			return 0, err
		}
		if n > 0 {
			c.read.Add(int64(n))
			return n, c.took()
		}
		slice := readSlice
		if t := deadline(); !t.IsZero() {
			slice = min(slice, time.Until(t))
			if slice <= 0 {
				return 0, os.ErrDeadlineExceeded
			}
		}
		err = c.d.Wait(slice, func() bool {
			n, err := c.ring.Waiting()
			t := deadline()
			return n > 0 || err != nil || c.closed.Load() || !t.IsZero() && time.Until(t) <= 0
		})
		if err != nil && !errors.Is(err, xen.ErrTimeout) {
			return 0, fmt.Errorf("console: %w", err)
		}
	}
}

// took tells the other end that there is room for more input.
func (c *Console) took() error {
	if err := c.conn.Notify(); err != nil {
		return fmt.Errorf("console: %w", err)
	}
	return nil
}

// Drain waits up to limit until the other end has taken all output.
func (c *Console) Drain(limit time.Duration) error {
	if err := c.d.Wait(limit, c.ring.Drained); err != nil {
		return fmt.Errorf("console: output not taken: %w", err)
	}
	return nil
}

// Close ends reads and writes and waits, for a short time, until all output is
// taken. The page and the port serve the next kernel as they are: output that
// is left in the ring comes before the kernel's own. So no such thing is an
// error.
func (c *Console) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.writeMu.Lock() // a Write under way ends first
	defer c.writeMu.Unlock()
	c.readMu.Lock()
	defer c.readMu.Unlock()
	if !c.stalled {
		_ = c.Drain(drainLimit)
	}
	return nil
}

// Stats counts bytes.
type Stats struct {
	Written int64 // put into the ring
	Read    int64
	Dropped int64 // not written, because nobody took the output
}

// Stats returns the counters.
func (c *Console) Stats() Stats {
	return Stats{Written: c.written.Load(), Read: c.read.Load(), Dropped: c.dropped.Load()}
}

// Connected is false while the toolstack says that nobody serves the console.
// Older toolstacks never say so.
func (c *Console) Connected() bool { return c.ring.Connected() }
