package hypervisor

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

func TestScreen(t *testing.T) {
	var b bytes.Buffer
	s := NewScreen(&b)
	fmt.Fprintln(s.Lines(), "one")
	fmt.Fprint(s, "a\r\nb")
	fmt.Fprint(s, "")
	fmt.Fprintln(s.Lines(), "two")
	fmt.Fprint(s, "c\r\n")
	fmt.Fprintln(s.Lines(), "three")
	if got, want := b.String(), "one\r\na\r\nb\r\ntwo\r\nc\r\nthree\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestBrokenScreen(t *testing.T) {
	if n, err := NewScreen(brokenWriter{}).Lines().Write([]byte("x\n")); n != 0 || err == nil {
		t.Error(n, err)
	}
}
