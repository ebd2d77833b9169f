package menu

import (
	"context"
	"errors"

	"pvboot/loader/term"
)

// page is how far PageUp and PageDown move, as in GRUB.
const page = 10

// session is a menu while it is on the screen.
type session struct {
	menu    *Menu
	term    *term.Terminal
	clock   *countdown
	view    *view
	stopped bool // a countdown, by a key
}

// run draws the menu and follows the keys until one of them ends it.
func (s *session) run(ctx context.Context) (Choice, error) {
	s.view.draw(s.menu, s.clock)
	for {
		wait := term.Forever
		if s.clock.left >= 0 {
			wait = s.clock.untilTick(s.term.Now())
		}
		k, err := s.term.ReadKey(ctx, wait)
		switch {
		case err == nil:
			if choice, done := s.press(k); done {
				choice.Stopped = s.stopped
				return choice, nil
			}
			continue
		case ctx.Err() != nil:
			return Choice{}, ctx.Err()
		case !errors.Is(err, term.ErrNoKey):
			if s.clock.left < 0 {
				return Choice{}, err
			}
			s.clock.left = 0 // nobody can stop it any more
		case s.clock.tick(s.term.Now()) && s.clock.left > 0:
			s.view.timeout(s.clock)
		}
		if s.clock.left == 0 {
			return Choice{Index: s.menu.Selected, Auto: true}, nil
		}
	}
}

// press carries out a key and tells whether it ended the menu.
func (s *session) press(k term.Key) (Choice, bool) {
	if s.clock.left >= 0 {
		s.clock.left, s.stopped = NoTimeout, true
		s.view.timeout(s.clock)
	}
	last := len(s.menu.Items) - 1
	at := s.menu.Selected
	switch k {
	case term.Home, term.Ctrl('a'):
		at = 0
	case term.End, term.Ctrl('e'):
		at = last
	case term.Up, term.Ctrl('p'), '^':
		at--
	case term.Down, term.Ctrl('n'), 'v':
		at++
	case term.PageUp, term.Ctrl('g'):
		at -= page
	case term.PageDown, term.Ctrl('c'):
		at += page
	case term.Enter, term.Right, term.Ctrl('f'):
		return Choice{Action: Boot, Index: at}, true
	case term.Esc:
		return Choice{Action: Leave}, s.menu.Nested
	case term.Ctrl('l'):
		s.view.draw(s.menu, s.clock)
	default:
		if k == 'c' && !s.menu.Locked {
			return Choice{Action: CommandLine, Index: at}, true
		}
		if i := s.menu.hotkey(k); i >= 0 {
			return Choice{Action: Boot, Index: i}, true
		}
	}
	s.view.move(s.menu, min(max(at, 0), last))
	return Choice{}, false
}
