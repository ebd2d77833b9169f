package loader

import (
	"context"
	"errors"

	"pvboot/loader/grub"
	"pvboot/loader/term"
)

// maxInput bounds a command that goes on over several lines, in bytes.
const maxInput = 64 << 10

// commandLine reads commands and runs them. When it is nested in a menu, Esc
// leaves it. Else it ends with the context or with the console's error only.
func (s *session) commandLine(ctx context.Context, nested bool) error {
	if s.locked() {
		return s.refuse(ctx)
	}
	if nested {
		s.term.Clear()
	}
	s.term.Printf("\nType `help' for a list of commands.")
	if nested {
		s.term.Printf(" ESC at any time exits.")
	}
	s.term.Printf("\n\n")
	for {
		src, err := s.readCommand(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, term.ErrCancelled):
			if nested {
				return nil
			}
			continue
		case err != nil:
			return err
		}
		s.interruptible(ctx, func(ctx context.Context) error {
			return s.interp.RunLine(ctx, src) // tells its errors itself
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// refuse is what a command line does that asks for a password, when there is
// no menu either: it waits for the domain's end.
func (s *session) refuse(ctx context.Context) error {
	s.say("error: access denied: the command line asks for a password, which is not supported.")
	for {
		if _, err := s.term.ReadKey(ctx, term.Forever); err != nil {
			return err
		}
	}
}

// readCommand reads a line, and further ones while a quote, block or loop is
// open.
func (s *session) readCommand(ctx context.Context) (string, error) {
	src, err := s.shell.Read(ctx, "grub> ")
	for err == nil && len(src) < maxInput && grub.Incomplete(src) {
		var more string
		more, err = s.shell.Read(ctx, "> ")
		src += "\n" + more
	}
	return src, err
}
