package menu

import (
	"strings"

	"pvboot/loader/term"
)

// maxNotes is how many lines of notes are shown at most; the list keeps the
// rest of the screen.
const maxNotes = 3

// view draws a menu. Rows and columns count from 0: the title in row 1, the
// frame around rows top to top+rows-1, hints below it, then the countdown.
type view struct {
	term  *term.Terminal
	title string
	hints []string
	notes []string
	top   int // row of the first visible entry
	rows  int // visible entries
	width int // of an entry, in columns, without its mark
	first int // index of the first visible entry
}

// newView lays a menu out on the terminal's screen.
func newView(m *Menu, t *term.Terminal) *view {
	v := &view{term: t, title: m.Title, top: 4, width: max(8, t.Width-6)}
	v.hints = wrap("Use the ^ and v keys to select which entry is highlighted.", t.Width-12)
	keys := "Press enter to boot the selected OS or `c' for a command-line."
	if m.Locked {
		keys = "Press enter to boot the selected OS."
	}
	if m.Nested {
		keys += " ESC to return previous menu."
	}
	v.hints = append(v.hints, wrap(keys, t.Width-12)...)
	for _, note := range m.Notes[max(0, len(m.Notes)-maxNotes):] {
		v.notes = append(v.notes, strings.TrimRight(term.Fit(note, t.Width-6), " "))
	}
	// Below the list: frame, empty line, hints, notes, two lines for the
	// countdown and one that stays empty.
	v.rows = max(3, t.Height-v.top-5-len(v.hints)-len(v.notes))
	return v
}

// wrap breaks text into lines of at most width columns.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// draw shows everything anew.
func (v *view) draw(m *Menu, c *countdown) {
	var d term.Drawing
	d.Clear()
	d.Cursor(false)
	d.Goto(max(0, (v.term.Width-term.Width(v.title))/2), 1)
	d.Text(v.title)
	v.frame(&d)
	v.scroll(m.Selected)
	v.entries(&d, m, true)
	row := v.top + v.rows + 2
	for _, hint := range v.hints {
		d.Goto(6, row)
		d.Text(hint)
		row++
	}
	for _, note := range v.notes {
		d.Goto(3, row)
		d.Text(note)
		row++
	}
	v.clock(&d, c)
	v.park(&d, m)
	v.term.Draw(&d)
}

// frame draws the box around the entries.
func (v *view) frame(d *term.Drawing) {
	edge := "+" + strings.Repeat("-", v.width+2) + "+"
	d.Goto(1, v.top-1)
	d.Text(edge)
	d.Goto(1, v.top+v.rows)
	d.Text(edge)
}

// entries draws the visible part of the list, and beside it the marks that
// tell where it goes on. On a fresh screen it leaves out the spaces.
func (v *view) entries(d *term.Drawing, m *Menu, fresh bool) {
	for i := range v.rows {
		v.entry(d, m, v.first+i, fresh)
		mark := " "
		switch {
		case i == 0 && v.first > 0:
			mark = "^"
		case i == v.rows-1 && v.first+v.rows < len(m.Items):
			mark = "v"
		}
		d.Text("|" + mark)
	}
}

// entry draws the line of one entry with the frame at its left; the cursor
// stays where the frame at the right belongs.
func (v *view) entry(d *term.Drawing, m *Menu, i int, fresh bool) {
	title := ""
	if i < len(m.Items) {
		title = m.Items[i].Title
	}
	row := v.top + i - v.first
	d.Goto(1, row)
	d.Text("|")
	title = term.Fit(title, v.width)
	switch {
	case i == m.Selected:
		d.Highlight(true)
		d.Text("*" + title)
		d.Highlight(false)
		d.Text(" ")
	case fresh:
		d.Text(strings.TrimRight(" "+title, " "))
		d.Goto(v.width+4, row)
	default:
		d.Text(" " + title + " ")
	}
}

// scroll makes an entry visible and tells whether the list moved.
func (v *view) scroll(i int) bool {
	first := min(max(v.first, i-v.rows+1), i)
	moved := first != v.first
	v.first = first
	return moved
}

// move selects entry i, drawing only what changes.
func (v *view) move(m *Menu, i int) {
	old := m.Selected
	if i == old {
		return
	}
	m.Selected = i
	var d term.Drawing
	if v.scroll(i) {
		v.entries(&d, m, false)
	} else {
		v.entry(&d, m, old, false)
		v.entry(&d, m, i, false)
	}
	v.park(&d, m)
	v.term.Draw(&d)
}

// timeout shows the seconds that are left.
func (v *view) timeout(c *countdown) {
	var d term.Drawing
	v.clock(&d, c)
	v.term.Draw(&d)
}

// clock draws the countdown, or clears it when it does not run.
func (v *view) clock(d *term.Drawing, c *countdown) {
	d.Goto(3, v.top+v.rows+2+len(v.hints)+len(v.notes))
	if c.left > 0 {
		d.Text(c.text())
	}
	d.EraseLine()
}

// park leaves the cursor at the selected entry, for terminals that cannot hide
// it.
func (v *view) park(d *term.Drawing, m *Menu) {
	d.Goto(1, v.top+m.Selected-v.first)
}
