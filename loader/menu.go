package loader

import (
	"context"
	"strconv"
	"strings"
	"time"

	"pvboot/loader/grub"
	"pvboot/loader/menu"
	"pvboot/loader/term"
)

// fallbackDelay is how long the message about a failed entry stays before the
// fallback entry runs, as in GRUB.
const fallbackDelay = 2500 * time.Millisecond

// showMenu shows a menu and runs what is chosen, until a nested menu is left.
// With auto nobody chose the menu: its default entry runs, and its error is
// the result, so that the menu it came from can fall back. Other errors are
// those of the context and of the console.
func (s *session) showMenu(ctx context.Context, m *grub.Menu, nested, auto bool) error {
	for {
		choice, err := s.choose(ctx, m, nested, auto)
		if err != nil || choice.Action == menu.Leave {
			return err
		}
		e := m.Entries[choice.Index]
		switch {
		case choice.Auto && auto:
			return s.runEntry(ctx, e, true)
		case choice.Auto:
			s.runWithFallback(ctx, m, e, choice.Quiet)
		default:
			s.announce("Booting", e)
			s.runEntry(ctx, e, false)
		}
		if auto || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// choose shows the menu with what the variables say of it, and serves its
// command line. The variables of the time-out are used up by it, as in GRUB.
func (s *session) choose(ctx context.Context, m *grub.Menu, nested, auto bool) (menu.Choice, error) {
	env := s.interp.Env()
	view := menu.Menu{
		Title:    strings.TrimSpace("pvboot " + s.Version),
		Items:    menuItems(m),
		Selected: m.Default(env),
		Nested:   nested,
		Locked:   s.locked(),
		Timeout:  timeout(env),
		Style:    menu.ParseStyle(env.Get("timeout_style")),
		Notes:    s.seen,
	}
	if auto {
		view.Timeout = 0
	}
	s.seen = nil
	for {
		choice, err := view.Run(ctx, s.term)
		env.Unset("timeout")
		env.Unset("timeout_style")
		if choice.Stopped {
			env.Unset("fallback")
		}
		if err != nil || choice.Action != menu.CommandLine {
			return choice, err
		}
		if err := s.commandLine(ctx, true); err != nil {
			return choice, err
		}
		view.Selected, view.Timeout, view.Style = choice.Index, menu.NoTimeout, menu.Shown
		view.Items, view.Locked = menuItems(m), s.locked()
	}
}

// menuItems are a menu's entries as lines to choose from.
func menuItems(m *grub.Menu) []menu.Item {
	items := make([]menu.Item, 0, len(m.Entries))
	for _, e := range m.Entries {
		key, _ := term.ParseHotkey(e.Hotkey)
		items = append(items, menu.Item{Title: e.Title, Hotkey: key})
	}
	return items
}

// timeout is the variable's value in seconds, read as GRUB's strtoul does: the
// leading number counts, decimal, 0x hexadecimal or 0 octal. Without one, and
// for a negative one, the menu waits for ever.
func timeout(env *grub.Env) int {
	s := strings.TrimSpace(env.Get("timeout"))
	base, digits := 10, "0123456789"
	switch {
	case strings.HasPrefix(s, "0x"), strings.HasPrefix(s, "0X"):
		s, base, digits = s[2:], 16, "0123456789abcdefABCDEF"
	case len(s) > 1 && s[0] == '0':
		base, digits = 8, "01234567"
	}
	end := len(s) - len(strings.TrimLeft(s, digits))
	n, err := strconv.ParseInt(s[:end], base, 32)
	if err != nil {
		return menu.NoTimeout
	}
	return int(n)
}

// runWithFallback runs an entry that nobody chose, and when it fails those
// that the variable fallback names.
func (s *session) runWithFallback(ctx context.Context, m *grub.Menu, e *grub.Entry, quiet bool) {
	if !quiet {
		s.announce("Booting", e)
	}
	if s.runEntry(ctx, e, true) == nil {
		return
	}
	// A fallback entry may name further ones; no more than there are.
	for range m.Entries {
		i := m.Fallback(s.interp.Env())
		if i < 0 || i >= len(m.Entries) {
			break
		}
		s.announce("Falling back to", m.Entries[i])
		s.term.Sleep(ctx, fallbackDelay)
		if s.runEntry(ctx, m.Entries[i], true) == nil || ctx.Err() != nil {
			return
		}
	}
	if ctx.Err() == nil {
		s.term.Printf("\n  Failed to boot both default and fallback entries.\n")
		(*host)(s).Pause(ctx)
	}
}

// announce tells what runs now.
func (s *session) announce(what string, e *grub.Entry) {
	s.term.Printf("  %s `%s'\n\n", what, term.Plain(e.Title))
}

// runEntry runs an entry. Its error was told; what the user had no time to
// read yet stays on the screen for a while.
func (s *session) runEntry(ctx context.Context, e *grub.Entry, auto bool) error {
	s.paused = s.interp.Errors()
	bug, err := s.interruptible(ctx, func(ctx context.Context) error {
		return s.interp.RunEntry(ctx, e, auto)
	})
	if ctx.Err() == nil && (bug || s.interp.Errors() > s.paused) {
		(*host)(s).Pause(ctx)
	}
	return err
}
