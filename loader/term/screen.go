package term

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Drawing collects pieces of a screen, so that they reach the slow console in
// one write. Columns and rows count from 0, as GRUB's do.
type Drawing struct {
	buf bytes.Buffer
}

// Clear empties the screen and puts the cursor top left, in normal colours.
func (d *Drawing) Clear() { d.buf.WriteString("\x1b[0m\x1b[2J\x1b[H") }

// Goto moves the cursor.
func (d *Drawing) Goto(col, row int) { fmt.Fprintf(&d.buf, "\x1b[%d;%dH", row+1, col+1) }

// Highlight begins (or ends) reverse video.
func (d *Drawing) Highlight(on bool) {
	if on {
		d.buf.WriteString("\x1b[7m")
	} else {
		d.buf.WriteString("\x1b[0m")
	}
}

// Cursor shows or hides the cursor.
func (d *Drawing) Cursor(visible bool) {
	if visible {
		d.buf.WriteString("\x1b[?25h")
	} else {
		d.buf.WriteString("\x1b[?25l")
	}
}

// EraseLine empties the line from the cursor to the right end.
func (d *Drawing) EraseLine() { d.buf.WriteString("\x1b[K") }

// Text adds text at the cursor. Control characters in it become spaces: titles
// come from disk and must not steer the terminal.
func (d *Drawing) Text(s string) { d.buf.WriteString(Plain(s)) }

// Bytes is what was drawn.
func (d *Drawing) Bytes() []byte { return d.buf.Bytes() }

// Draw sends a drawing to the terminal.
func (t *Terminal) Draw(d *Drawing) error {
	if _, err := t.con.Write(d.Bytes()); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	return nil
}

// Clear empties the screen and shows the cursor at its top left.
func (t *Terminal) Clear() {
	var d Drawing
	d.Clear()
	d.Cursor(true)
	t.con.Write(d.Bytes()) // as Printf: nobody is left to tell
}

// Plain is s with control characters, broken UTF-8 and characters that change
// the direction of text replaced, so that showing it cannot steer a terminal.
func Plain(s string) string {
	clean := func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case unicode.IsControl(r):
			return ' '
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x2028, r == 0x2029:
			return ' '
		}
		return r
	}
	return strings.Map(clean, s)
}

// Fit is s as Plain text in exactly width columns: filled with spaces, or cut
// with a '>' in the last column as GRUB's menu does.
func Fit(s string, width int) string {
	s = Plain(s)
	if n := Width(s); n <= width {
		return s + strings.Repeat(" ", width-n)
	}
	var b strings.Builder
	used := 0
	for _, r := range s {
		w := runeWidth(r)
		if used+w > width-1 {
			break
		}
		b.WriteRune(r)
		used += w
	}
	b.WriteString(strings.Repeat(" ", max(0, width-1-used)))
	if width > 0 {
		b.WriteByte('>')
	}
	return b.String()
}

// Width is the number of columns that s takes on a terminal.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// runeWidth is 0 for combining characters, 2 for the wide ones of East Asia and
// emoji (the blocks of Unicode's EastAsianWidth.txt, roughly), else 1.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1f64f, r >= 0x1f900 && r <= 0x1f9ff,
		r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
