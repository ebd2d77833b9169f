package hypervisor

import (
	"bytes"
	"io"
	"sync"
)

// Screen is a console that the guest and its hypervisor share: Write is the
// guest's, and what goes to [Screen.Lines] starts lines of its own.
type Screen struct {
	w io.Writer

	mu     sync.Mutex
	within bool // a line
}

// NewScreen returns a screen that writes to w, a terminal in raw mode.
func NewScreen(w io.Writer) *Screen { return &Screen{w: w} }

// Write implements [io.Writer].
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p) > 0 {
		s.within = p[len(p)-1] != '\n'
	}
	return s.w.Write(p)
}

// Lines is a writer of whole lines of text.
func (s *Screen) Lines() io.Writer { return lineWriter{s} }

type lineWriter struct{ s *Screen }

// Write ends the guest's line before it writes its own.
func (l lineWriter) Write(p []byte) (int, error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	text := bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))
	if l.s.within {
		text = append([]byte("\r\n"), text...)
	}
	l.s.within = false
	if _, err := l.s.w.Write(text); err != nil {
		return 0, err
	}
	return len(p), nil
}
