package console

import (
	"bytes"
	"errors"
	"testing"
)

func TestText(t *testing.T) {
	for _, tt := range []struct {
		in   []string
		want string
	}{
		{[]string{"a\nb\n"}, "a\r\nb\r\n"},
		{[]string{"a\r\nb"}, "a\r\nb"},
		{[]string{"a\r", "\nb"}, "a\r\nb"},
		{[]string{"a", "\n", "\n"}, "a\r\n\r\n"},
		{[]string{"\n\n"}, "\r\n\r\n"},
		{[]string{"\rprogress\r"}, "\rprogress\r"},
		{[]string{"", "\x1b[2J"}, "\x1b[2J"},
	} {
		var b bytes.Buffer
		w := NewText(&b)
		for _, s := range tt.in {
			if n, err := w.Write([]byte(s)); n != len(s) || err != nil {
				t.Errorf("%q: wrote %d: %v", s, n, err)
			}
		}
		if got := b.String(); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

// short takes n bytes and then fails.
type short int

func (s short) Write(p []byte) (int, error) { return min(int(s), len(p)), errors.New("full") }

func TestTextCountsItsOwnBytes(t *testing.T) {
	for n, want := range []int{0, 1, 1, 2, 3} { // of "a\nbc" as a \r \n b c
		if got, err := NewText(short(n)).Write([]byte("a\nbc")); got != want || err == nil {
			t.Errorf("%d bytes taken: wrote %d, want %d: %v", n, got, want, err)
		}
	}
}
