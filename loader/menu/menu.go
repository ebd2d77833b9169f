// Package menu shows a list of boot entries on a text terminal and lets the
// user choose: GRUB's text menu as its manual describes it, with the same
// keys, texts and time-out styles. It chooses only; what an entry does is the
// caller's business.
package menu

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pvboot/loader/term"
)

// NoTimeout is the Timeout of a menu that waits for ever.
const NoTimeout = -1

// maxTimeout bounds the countdown, in seconds, so that it fits the arithmetic
// of time.Duration: 68 years.
const maxTimeout = 1<<31 - 1

// Style is GRUB's timeout_style.
type Style int

const (
	Shown     Style = iota // the menu, with the countdown below it
	Countdown              // one line that counts down, the menu after a key
	Hidden                 // nothing, the menu after a key
)

// ParseStyle reads the value of timeout_style; anything but "countdown" and
// "hidden" means Shown, as in GRUB.
func ParseStyle(s string) Style {
	switch s {
	case "countdown":
		return Countdown
	case "hidden":
		return Hidden
	}
	return Shown
}

// Item is one line of the menu.
type Item struct {
	Title  string
	Hotkey term.Key // chooses the item at once; 0 for none
}

// Menu is a list to choose from.
type Menu struct {
	Title    string // above the list
	Items    []Item // at least one
	Selected int    // the default entry; moves with the user's keys
	Nested   bool   // Esc leaves
	Locked   bool   // there is no command line
	Timeout  int    // seconds until the selected entry runs, NoTimeout for none
	Style    Style
	Notes    []string // shown below the hints: what went wrong before
}

// Action is what the user wants.
type Action int

const (
	Boot        Action = iota // run the entry
	Leave                     // back to where a nested menu came from
	CommandLine               // type commands
)

// Choice is the outcome of a menu.
type Choice struct {
	Action Action
	Index  int  // of the entry, for Boot
	Auto   bool // the time was over: nobody chose
	Quiet  bool // with Auto: nothing should be shown before the entry runs
	// Stopped says that a key stopped a countdown or kept one from
	// beginning: the time-out is not to run again.
	Stopped bool
}

// Run shows the menu until the user has chosen or the time is over. The
// screen is empty afterwards, unless it was never drawn. The error is that of
// the context or of the console; but a console that fails during a countdown
// counts as one where no key is pressed.
func (m *Menu) Run(ctx context.Context, t *term.Terminal) (Choice, error) {
	if len(m.Items) == 0 {
		return Choice{}, errors.New("menu: no entries")
	}
	m.Timeout = min(m.Timeout, maxTimeout)
	if m.Selected < 0 || m.Selected >= len(m.Items) {
		m.Selected = 0
	}
	c := &countdown{left: m.Timeout, last: t.Now()}
	stopped := false
	if m.Timeout >= 0 && (m.Style != Shown || m.Timeout == 0) {
		choice, done, err := m.wait(ctx, t, c)
		if done || err != nil {
			return choice, err
		}
		c.left, stopped = NoTimeout, true
	}
	s := &session{menu: m, term: t, clock: c, view: newView(m, t), stopped: stopped}
	choice, err := s.run(ctx)
	if err == nil {
		t.Clear()
	}
	return choice, err
}

// wait lets the time pass without a menu. It is done when the time is over or
// a hotkey was pressed; any other key asks for the menu.
func (m *Menu) wait(ctx context.Context, t *term.Terminal, c *countdown) (Choice, bool, error) {
	auto := Choice{Index: m.Selected, Auto: true, Quiet: m.Style == Hidden}
	if m.Style == Shown { // and no time at all
		return auto, true, ctx.Err()
	}
	for {
		if m.Style == Countdown && c.left > 0 {
			t.Printf("\r%d    ", c.left)
		}
		k, err := t.ReadKey(ctx, c.untilTick(t.Now()))
		switch {
		case ctx.Err() != nil:
			return Choice{}, false, ctx.Err()
		case errors.Is(err, term.ErrNoKey):
			if c.tick(t.Now()); c.left > 0 {
				continue
			}
			fallthrough
		case err != nil:
			if m.Style == Countdown {
				t.Printf("\r     \r")
			}
			return auto, true, nil
		}
		if i := m.hotkey(k); i >= 0 {
			return Choice{Index: i, Stopped: true}, true, nil
		}
		return Choice{}, false, nil
	}
}

// hotkey is the item that a key chooses, -1 when there is none.
func (m *Menu) hotkey(k term.Key) int {
	for i, item := range m.Items {
		if item.Hotkey != 0 && item.Hotkey == k {
			return i
		}
	}
	return -1
}

// countdown counts seconds down.
type countdown struct {
	left int // seconds, NoTimeout when it does not run
	last time.Time
}

// untilTick is the wait until the next second.
func (c *countdown) untilTick(now time.Time) time.Duration {
	if c.left == 0 {
		return 0
	}
	return max(0, time.Second-now.Sub(c.last))
}

// tick counts the whole seconds that have passed and tells whether there were
// any.
func (c *countdown) tick(now time.Time) bool {
	n := int(now.Sub(c.last) / time.Second)
	if n <= 0 || c.left <= 0 {
		return false
	}
	c.left = max(0, c.left-n)
	c.last = c.last.Add(time.Duration(n) * time.Second)
	return true
}

// text is GRUB's line below the menu.
func (c *countdown) text() string {
	return fmt.Sprintf("The highlighted entry will be executed automatically in %ds.", c.left)
}
