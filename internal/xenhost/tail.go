package xenhost

import (
	"io"
	"strings"
	"sync"
)

// tailSize is how much of the log is kept for LogTail, in bytes.
const tailSize = 32 << 10

// tail is a log: it passes what is written to out, when that is not nil, and
// keeps the end of it.
type tail struct {
	mu  sync.Mutex
	out io.Writer
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*tailSize {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailSize:]...)
	}
	if t.out != nil {
		return t.out.Write(p)
	}
	return len(p), nil
}

// String returns the last lines.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := string(t.buf[max(0, len(t.buf)-tailSize):])
	if len(t.buf) > tailSize {
		_, s, _ = strings.Cut(s, "\n")
	}
	return s
}
