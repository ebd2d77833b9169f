package term

import (
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestDecoder(t *testing.T) {
	tests := []struct {
		name, in string
		want     []Key
	}{
		{"letters", "cv^", []Key{'c', 'v', '^'}},
		{"enter forms", "\r\n\r\r\n\n", []Key{Enter, Enter, Enter, Enter}},
		{"controls", "\x10\x0e\x0c\x00", []Key{Ctrl('p'), Ctrl('n'), Ctrl('l'), 0}},
		{"both backspaces", "\x7f\x08", []Key{Backspace, Backspace}},
		{"arrows", "\x1b[A\x1b[B\x1b[C\x1b[D", []Key{Up, Down, Right, Left}},
		{"application arrows", "\x1bOA\x1bOB", []Key{Up, Down}},
		{"modified arrow", "\x1b[1;5A", []Key{Up}},
		{"paging", "\x1b[5~\x1b[6~", []Key{PageUp, PageDown}},
		{"home and end", "\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1bOH\x1bOF", []Key{Home, End, Home, End, Home, End, Home, End}},
		{"insert and delete", "\x1b[2~\x1b[3~", []Key{Insert, Delete}},
		{"function keys", "\x1bOP\x1b[[E\x1b[15~\x1b[24~", []Key{F1, F5, F5, F12}},
		{"esc alone", "\x1b", []Key{Esc}},
		{"esc twice", "\x1b\x1b", []Key{Esc, Esc}},
		{"esc and a letter", "\x1bc", []Key{Esc, 'c'}},
		{"esc before a sequence", "\x1b\x1b[A", []Key{Esc, Up}},
		{"unknown sequences are swallowed", "\x1b[99~\x1b[?1;2c\x1b[24;80R\x1bOzx", []Key{'x'}},
		{"sequence cut off by a control", "\x1b[1\rv", []Key{Enter, 'v'}},
		{"sequence cut off by a sequence", "\x1b[1\x1b[A", []Key{Up}},
		{"stump", "\x1b[1;", nil},
		{"endless parameters", "\x1b[1111111111111111111111111111111111111111A", []Key{Up}},
		{"huge number", "\x1b[18446744073709551621~", nil},
		{"utf-8", "é€😀", []Key{'é', '€', '😀'}},
		{"broken utf-8", "\xc3(\xff", []Key{utf8.RuneError, '(', utf8.RuneError}},
		{"cut utf-8", "\xe2\x82", []Key{utf8.RuneError}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for size := 1; size <= len(tt.in); size++ {
				if diff := cmp.Diff(tt.want, decode([]byte(tt.in), size)); diff != "" {
					t.Errorf("in pieces of %d: (-want +got)\n%s", size, diff)
				}
			}
		})
	}
}

// decode feeds p in pieces and flushes at the end.
func decode(p []byte, size int) []Key {
	var d Decoder
	var keys []Key
	for len(p) > 0 {
		n := min(size, len(p))
		keys = d.Feed(keys, p[:n])
		p = p[n:]
	}
	if d.Pending() {
		keys = d.Flush(keys)
	}
	return keys
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte("\x1b[A\x1b[1;5B\x1bOP\x1b[[A\x1b"), 1)
	f.Add([]byte("c\r\n\x7f\xe2\x82\xac\x1b[5~"), 3)
	f.Fuzz(func(t *testing.T, p []byte, size int) {
		size = max(1, size%17)
		whole, pieces := decode(p, len(p)+1), decode(p, size)
		if diff := cmp.Diff(whole, pieces); diff != "" {
			t.Errorf("pieces of %d change the keys of %q:\n%s", size, p, diff)
		}
		if len(whole) > len(p)+1 {
			t.Errorf("%d keys from %d bytes", len(whole), len(p))
		}
	})
}

func TestKeyNames(t *testing.T) {
	for k, want := range map[Key]string{
		'a': "a", Enter: "enter", Ctrl('p'): "ctrl-p", Up: "up", F12: "f12", 0x7f: "key-0x7f",
		Ctrl('j'): "enter", Ctrl('h'): "backspace",
	} {
		if got := k.String(); got != want {
			t.Errorf("Key(%#x).String() = %q, want %q", int32(k), got, want)
		}
	}
}

func TestParseHotkey(t *testing.T) {
	for in, want := range map[string]Key{"a": 'a', "delete": Delete, "f1": F1, "f12": F12, "é": 'é', "up": 'u', "": 0} {
		got, ok := ParseHotkey(in)
		if got != want || ok != (in != "") {
			t.Errorf("ParseHotkey(%q) = %v, %v, want %v", in, got, ok, want)
		}
	}
}
