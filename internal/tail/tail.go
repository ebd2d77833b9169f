// Package tail keeps the end of a log.
package tail

import (
	"io"
	"strings"
	"sync"
)

// tailSize is how much of the log is kept, in bytes.
const tailSize = 32 << 10

// Log passes what is written on, and keeps the end of it. Several goroutines may
// write.
type Log struct {
	mu  sync.Mutex
	out io.Writer
	buf []byte
}

// New returns a log that passes what is written to out; nil for nowhere.
func New(out io.Writer) *Log { return &Log{out: out} }

// Write never fails but by what the log is passed to.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, p...)
	if len(l.buf) > 2*tailSize {
		l.buf = append(l.buf[:0], l.buf[len(l.buf)-tailSize:]...)
	}
	if l.out != nil {
		return l.out.Write(p)
	}
	return len(p), nil
}

// String returns the last lines.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := string(l.buf[max(0, len(l.buf)-tailSize):])
	if len(l.buf) > tailSize {
		_, s, _ = strings.Cut(s, "\n")
	}
	return s
}
