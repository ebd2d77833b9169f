// Package vt is a small VT100 screen for tests: it takes what a program sends
// to a terminal and tells what a person would see.
//
// It knows the sequences that package loader/term sends (ECMA-48: CUP, ED, EL,
// SGR 0 and 7, and xterm's cursor visibility) and reports any other.
package vt

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Screen is the terminal's screen. The zero value is not ready; use New.
type Screen struct {
	Width, Height int
	X, Y          int  // cursor, from 0
	Hidden        bool // cursor
	Unknown       []string

	cells   [][]cell
	reverse bool
	pending []byte
}

type cell struct {
	r       rune
	reverse bool
}

// New returns an empty screen.
func New(width, height int) *Screen {
	s := &Screen{Width: width, Height: height}
	s.cells = make([][]cell, height)
	for y := range s.cells {
		s.cells[y] = s.blank()
	}
	return s
}

func (s *Screen) blank() []cell {
	row := make([]cell, s.Width)
	for x := range row {
		row[x].r = ' '
	}
	return row
}

// Write shows p; pieces of sequences and characters may be split over calls.
func (s *Screen) Write(p []byte) (int, error) {
	s.pending = append(s.pending, p...)
	for len(s.pending) > 0 {
		n := s.step(s.pending)
		if n == 0 {
			break
		}
		s.pending = s.pending[n:]
	}
	return len(p), nil
}

// step shows the first character or sequence of p and returns its length, 0
// when it is not complete.
func (s *Screen) step(p []byte) int {
	if p[0] == 0x1b {
		return s.sequence(p)
	}
	if !utf8.FullRune(p) {
		return 0
	}
	r, n := utf8.DecodeRune(p)
	switch {
	case r == '\r':
		s.X = 0
	case r == '\n':
		s.down()
	case r == '\b':
		s.X = max(0, s.X-1)
	case r < ' ' || r == 0x7f:
		s.Unknown = append(s.Unknown, strconv.QuoteRune(r))
	default:
		s.put(r)
	}
	return n
}

func (s *Screen) put(r rune) {
	if s.X >= s.Width {
		s.X = 0
		s.down()
	}
	s.cells[s.Y][s.X] = cell{r, s.reverse}
	s.X++
}

func (s *Screen) down() {
	if s.Y < s.Height-1 {
		s.Y++
		return
	}
	s.cells = append(s.cells[1:], s.blank())
}

func (s *Screen) sequence(p []byte) int {
	if len(p) < 2 {
		return 0
	}
	if p[1] != '[' {
		s.Unknown = append(s.Unknown, strconv.Quote(string(p[:2])))
		return 2
	}
	for i := 2; i < len(p); i++ {
		if p[i] >= 0x40 && p[i] <= 0x7e {
			s.control(string(p[2:i]), p[i])
			return i + 1
		}
	}
	return 0
}

func (s *Screen) control(params string, final byte) {
	switch seq := params + string(final); {
	case final == 'H':
		y, x, _ := strings.Cut(params, ";")
		s.Y, s.X = number(y, s.Height)-1, number(x, s.Width)-1
	case seq == "2J":
		for y := range s.cells {
			s.cells[y] = s.blank()
		}
	case seq == "K":
		for x := s.X; x < s.Width; x++ {
			s.cells[s.Y][x] = cell{r: ' '}
		}
	case seq == "0m", seq == "m":
		s.reverse = false
	case seq == "7m":
		s.reverse = true
	case seq == "?25l":
		s.Hidden = true
	case seq == "?25h":
		s.Hidden = false
	default:
		s.Unknown = append(s.Unknown, fmt.Sprintf("%q", "\x1b["+seq))
	}
}

// number reads a parameter that counts from 1 up to limit; absent means 1.
func number(s string, limit int) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 1
	}
	return min(max(n, 1), limit)
}

// String is the screen's text, lines without trailing spaces, and without the
// empty lines at its end. A line in reverse video is marked by '«' and '»'
// around that part.
func (s *Screen) String() string {
	var lines []string
	for _, row := range s.cells {
		var b strings.Builder
		reverse := false
		for _, c := range row {
			if c.reverse != reverse {
				reverse = c.reverse
				if reverse {
					b.WriteRune('«')
				} else {
					b.WriteRune('»')
				}
			}
			b.WriteRune(c.r)
		}
		if reverse {
			b.WriteRune('»')
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n") + "\n"
}
