package console

import (
	"bytes"
	"io"
	"sync"
)

// A Text is a writer of plain text for a terminal in raw mode, as a console
// is: it makes each line feed a carriage return and a line feed. A carriage
// return that is there already is kept and not doubled, also across writes.
// Several goroutines may write.
type Text struct {
	w io.Writer

	mu sync.Mutex
	cr bool // the last byte was a carriage return
}

// NewText returns a writer of text to w, usually a [Console].
func NewText(w io.Writer) *Text { return &Text{w: w} }

// Write writes p in one Write. It returns how much of p was surely written.
func (t *Text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]byte, 0, len(p)+bytes.Count(p, []byte{'\n'}))
	ends := make([]int, len(p)) // where each byte of p ends in out
	for i, c := range p {
		if c == '\n' && !t.cr {
			out = append(out, '\r')
		}
		out = append(out, c)
		ends[i] = len(out)
		t.cr = c == '\r'
	}
	n, err := t.w.Write(out)
	if err == nil {
		return len(p), nil
	}
	whole := 0
	for whole < len(p) && ends[whole] <= n {
		whole++
	}
	return whole, err
}
