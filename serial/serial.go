// Package serial is a console at a machine's own port, for machines without
// Xen: a UART, or whatever the firmware writes and reads bytes by. Nothing tells
// of input there and of room for output, so it asks again and again.
//
// What speaks to the hardware is the caller's [Port]. Bytes pass unchanged. A port
// that takes nothing costs a limited time, then output is dropped and counted.
package serial

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Port moves bytes without waiting.
type Port interface {
	// Read takes the input that has come, up to len(p) bytes.
	Read(p []byte) int
	// Write puts out as much of p as there is room for.
	Write(p []byte) int
	// Idle reports whether all output has left.
	Idle() bool
}

const (
	// writeLimit is how long a Write waits while the port takes nothing.
	writeLimit = 5 * time.Second
	// drainLimit is how long Close waits for the last output to leave.
	drainLimit = 2 * time.Second
	// every is how often the port is looked at: at 115200 Bd and eight data
	// bits a byte takes 87 µs, and the smallest UARTs keep one.
	every = 50 * time.Microsecond
	// spins is how often a writer looks before it lets others run.
	spins = 100
)

// ErrStalled says that output was dropped, because the port had taken nothing for a
// while.
var ErrStalled = errors.New("serial: the port takes no output")

// A Console reads and writes a port. It may be used by several goroutines: a
// Write is never torn by another one, and reads and writes do not wait for each
// other.
type Console struct {
	port Port

	// WriteLimit is how long a Write waits while the port takes nothing; 5 s.
	// Set it before the first Write.
	WriteLimit time.Duration

	writeMu sync.Mutex
	stalled bool // the last wait was for nothing
	readMu  sync.Mutex
	closed  atomic.Bool
	dropped atomic.Int64
}

// New returns a console at a port.
func New(port Port) *Console { return &Console{port: port, WriteLimit: writeLimit} }

// Write puts p out, in order and unchanged. When the port takes nothing for
// WriteLimit the rest of p is dropped, with [ErrStalled]. From then on only what it
// takes at once is written, until it takes something again.
func (c *Console) Write(p []byte) (int, error) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	if c.closed.Load() {
		return 0, os.ErrClosed
	}
	var since time.Time // of the port's last progress, zero for now
	for n, tries := 0, 0; ; {
		k := c.port.Write(p[n:])
		if n += k; k > 0 {
			c.stalled, tries, since = false, 0, time.Time{}
		}
		switch {
		case n == len(p):
			return n, nil
		case c.stalled:
			c.dropped.Add(int64(len(p) - n))
			return n, ErrStalled
		}
		if tries++; tries < spins {
			continue
		}
		if since.IsZero() {
			since = time.Now()
		}
		c.stalled = time.Since(since) >= c.WriteLimit
		time.Sleep(every)
	}
}

// ReadTimeout waits for input, at most limit, and returns what there is; a limit of 0
// takes what has come already. It ends with os.ErrDeadlineExceeded when nothing
// came, and with io.EOF when the console is closed.
func (c *Console) ReadTimeout(p []byte, limit time.Duration) (int, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	for begin := time.Now(); ; {
		if c.closed.Load() {
			return 0, io.EOF
		}
		if n := c.port.Read(p); n > 0 {
			return n, nil
		}
		if time.Since(begin) >= limit {
			return 0, os.ErrDeadlineExceeded
		}
		time.Sleep(every)
	}
}

// Read waits for input and returns what there is, or io.EOF when the console is
// closed.
func (c *Console) Read(p []byte) (int, error) {
	for {
		n, err := c.ReadTimeout(p, time.Minute)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
}

// Close ends reads and writes and waits, for a short time, until all output has
// left: the next kernel may reset the port.
func (c *Console) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	c.writeMu.Lock() // a Write under way ends first
	defer c.writeMu.Unlock()
	c.readMu.Lock()
	defer c.readMu.Unlock()
	for begin := time.Now(); !c.stalled && !c.port.Idle() && time.Since(begin) < drainLimit; {
		time.Sleep(every)
	}
	return nil
}

// Dropped is how many bytes were not written, because the port took none.
func (c *Console) Dropped() int64 { return c.dropped.Load() }
