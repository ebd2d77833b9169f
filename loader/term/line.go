package term

import (
	"context"
	"errors"
	"strings"
)

// ErrCancelled says that Esc or Ctrl-C ended the input of a line.
var ErrCancelled = errors.New("cancelled")

// maxLine bounds a line in characters.
const maxLine = 4096

// maxHistory bounds the lines that Up and Down go through.
const maxHistory = 100

// Line reads lines of text: a prompt, characters, Backspace, Ctrl-U to begin
// anew, Up and Down (Ctrl-P, Ctrl-N) for earlier lines. The zero value with a
// Terminal is ready.
type Line struct {
	Term    *Terminal
	Silent  bool // show nothing of what is typed, and forget it
	history []string
}

// Read shows prompt and returns the line that ends with Enter, ErrCancelled
// when Esc or Ctrl-C was pressed, or the error of Terminal.ReadKey. The
// cursor is on a new line afterwards.
func (l *Line) Read(ctx context.Context, prompt string) (string, error) {
	e := edit{line: l, prompt: prompt, back: len(l.history)}
	e.redraw()
	for {
		k, err := l.Term.ReadKey(ctx, Forever)
		if err != nil {
			return "", err
		}
		switch {
		case k == Enter:
			l.Term.Printf("\n")
			s := string(e.text)
			l.remember(s)
			return s, nil
		case k == Esc || k == Ctrl('c'):
			l.Term.Printf("\n")
			return "", ErrCancelled
		default:
			e.key(k)
		}
	}
}

// remember adds a line to the history, but no empty one and none twice in a row.
func (l *Line) remember(s string) {
	n := len(l.history)
	if l.Silent || strings.TrimSpace(s) == "" || n > 0 && l.history[n-1] == s {
		return
	}
	l.history = append(l.history, s)
	if len(l.history) > maxHistory {
		l.history = l.history[1:]
	}
}

// edit is one line while it is typed.
type edit struct {
	line   *Line
	prompt string
	text   []rune
	back   int // index in the history, its length for the new line
}

// key carries out one editing key; others do nothing.
func (e *edit) key(k Key) {
	switch {
	case k.Printable() && len(e.text) < maxLine:
		fits := e.width()+runeWidth(rune(k)) < e.line.Term.Width
		e.text = append(e.text, rune(k))
		if fits {
			e.line.Term.Printf("%s", e.shown(e.text[len(e.text)-1:]))
		} else {
			e.redraw()
		}
	case k == Backspace && len(e.text) > 0:
		e.text = e.text[:len(e.text)-1]
		e.redraw()
	case k == Ctrl('u'):
		e.text = nil
		e.redraw()
	case k == Up || k == Ctrl('p'):
		e.recall(e.back - 1)
	case k == Down || k == Ctrl('n'):
		e.recall(e.back + 1)
	}
}

// recall takes line i of the history; one past its end is an empty line.
func (e *edit) recall(i int) {
	h := e.line.history
	if i < 0 || i > len(h) {
		return
	}
	e.back, e.text = i, nil
	if i < len(h) {
		e.text = []rune(h[i])
	}
	e.redraw()
}

// shown is how characters appear.
func (e *edit) shown(text []rune) string {
	if e.line.Silent {
		return ""
	}
	return Plain(string(text))
}

// width is the number of columns up to the cursor.
func (e *edit) width() int { return Width(e.prompt) + Width(e.shown(e.text)) }

// redraw shows the whole line, or of a long one its end, on one screen line.
func (e *edit) redraw() {
	text := e.text
	room := max(8, e.line.Term.Width-1-Width(e.prompt))
	for Width(e.shown(text)) > room {
		text = text[1:]
	}
	var d Drawing
	d.buf.WriteByte('\r')
	d.Text(e.prompt)
	d.Text(e.shown(text))
	d.EraseLine()
	e.line.Term.con.Write(d.Bytes()) // as Printf: nobody is left to tell
}
