package expect

import (
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// feed feeds text in chunks of n bytes; chunk i comes at the time i. It
// returns when the steps were seen, as the number of bytes fed by then.
func feed(s *Sequence, text string, n int) []int {
	for start := 0; start < len(text); start += n {
		end := min(start+n, len(text))
		s.Feed([]byte(text[start:end]), time.Unix(int64(end), 0))
	}
	seen := []int{}
	for _, t := range s.Seen() {
		seen = append(seen, int(t.Unix()))
	}
	return seen
}

func TestSequence(t *testing.T) {
	const text = "one two\r\nthree two four"
	for _, c := range []struct {
		name  string
		steps []string
		want  []int // bytes fed when seen, fed one by one
	}{
		{"none", nil, []int{}},
		{"in order", []string{"one", "three"}, []int{3, 14}},
		{"out of order", []string{"three", "one"}, []int{14}},
		{"each needs a match of its own", []string{"two", "two"}, []int{7, 18}},
		{"third is missing", []string{"two", "two", "two"}, []int{7, 18}},
		{"empty matches at once", []string{"", "one"}, []int{1, 3}},
		{"across lines", []string{`two\r\nthree`}, []int{14}},
		{"overlap is not seen twice", []string{"one tw", "two"}, []int{6, 18}},
		{"alternatives", []string{"four|three"}, []int{14}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var steps []*regexp.Regexp
			for _, s := range c.steps {
				steps = append(steps, regexp.MustCompile(s))
			}
			s := NewSequence(steps...)
			if diff := cmp.Diff(c.want, feed(s, text, 1)); diff != "" {
				t.Errorf("byte by byte (-want +got):\n%s", diff)
			}
			if done := len(c.want) == len(c.steps); s.Done() != done || (s.Next() == nil) != done {
				t.Errorf("done %v, next %v, want done %v", s.Done(), s.Next(), done)
			}
			// Chunks of other sizes see the same steps, if later.
			for _, n := range []int{2, 3, 5, 7, 1000} {
				if got := feed(NewSequence(steps...), text, n); len(got) != len(c.want) {
					t.Errorf("chunks of %d: %d steps seen, want %d", n, len(got), len(c.want))
				}
			}
		})
	}
}

func TestSequenceWindow(t *testing.T) {
	s := NewSequence(regexp.MustCompile("needle"))
	noise := make([]byte, 3*window)
	for i := range noise {
		noise[i] = '.'
	}
	s.Feed(append(noise, "nee"...), time.Unix(1, 0))
	if len(s.text) > window {
		t.Errorf("%d bytes kept, want at most %d", len(s.text), window)
	}
	if n := s.Feed([]byte("dle"), time.Unix(2, 0)); n != 1 {
		t.Errorf("a match across the cut was not seen")
	}
}

func TestTypist(t *testing.T) {
	var presses []Press
	for _, s := range []string{`menu=>\x1b[B\n`, `grub> =>ls\r`, `(?i)BOOT=>`, `end=>\0`} {
		p, err := ParsePress(s)
		if err != nil {
			t.Fatal(err)
		}
		presses = append(presses, p)
	}
	typist := NewTypist(presses)
	var got []string
	for _, chunk := range []string{"the me", "nu\r\n", "gr", "ub> ", "boot e", "nd", "menu grub> "} {
		got = append(got, string(typist.Feed([]byte(chunk), time.Time{})))
	}
	want := []string{"", "\x1b[B\n", "", "ls\r", "", "\x00", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if typist.Next() != nil {
		t.Errorf("waits for %v after the last", typist.Next())
	}
}

func TestParsePressErrors(t *testing.T) {
	for s, want := range map[string]string{
		"menu":       `keys "menu": want REGEX=>KEYS`,
		"(=>x":       "keys \"(=>x\": error parsing regexp: missing closing ): `(`",
		`menu=>\q`:   `keys "menu=>\\q": escape \q is not known`,
		`menu=>a\`:   `keys "menu=>a\\": escape \ at the end of the string`,
		`menu=>\x`:   `keys "menu=>\\x": escape \x is not known`,
		`menu=>\xg`:  `keys "menu=>\\xg": escape \x is not known`,
		`menu=>\777`: `keys "menu=>\\777": escape \777 is not known`,
	} {
		_, err := ParsePress(s)
		if err == nil || err.Error() != want {
			t.Errorf("ParsePress(%q): %v, want %s", s, err, want)
		}
	}
}

func TestUnescape(t *testing.T) {
	for s, want := range map[string]string{
		``:                 "",
		`plain =>`:         "plain =>",
		`\a\b\t\n\v\f\r\e`: "\a\b\t\n\v\f\r\x1b",
		`\\ \' \" \?`:      `\ ' " ?`,
		`\x1b[A\x7f\xAg`:   "\x1b[A\x7f\x0ag",
		`\0\12\1234`:       "\x00\nS4",
		`\x414`:            "A4",
		"\xff\u00e9":       "\xff\u00e9",
	} {
		got, err := Unescape(s)
		if err != nil || string(got) != want {
			t.Errorf("Unescape(%q) = %q, %v, want %q", s, got, err, want)
		}
	}
}

func FuzzUnescape(f *testing.F) {
	for _, s := range []string{`\n`, `\x1b[B`, `a\`, `\x`, `\777`, `\08`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Unescape(s)
		if err == nil && len(got) > len(s) {
			t.Errorf("Unescape(%q) is longer than its input: %q", s, got)
		}
	})
}
