package loader

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"pvboot/loader/grub"
	"pvboot/loader/grub/command"
	"pvboot/loader/term"
)

// session is a Loader at work.
type session struct {
	*Loader
	term    *term.Terminal
	devices *devices
	interp  *grub.Interp
	done    context.CancelCauseFunc
	shell   term.Line // keeps the command line's history
	notes   *notes    // collects while the configuration runs, else nil
	seen    []string  // the notes to show below the menu
	paused  int       // error lines that the user had time to read
	stop    func()    // ends the script that runs, nil for none
}

func newSession(l *Loader, done context.CancelCauseFunc) *session {
	s := &session{Loader: l, term: term.New(l.Console, l.Now), done: done}
	s.shell.Term = s.term
	s.devices = newDevices(l.Disks, func(format string, args ...any) {
		fmt.Fprintf((*host)(s), format+"\n", args...)
	})
	s.interp = grub.New((*host)(s), command.All(), l.Limits)
	return s
}

// run goes from the search for a configuration to its menu. It returns when
// the context ends or the console fails.
func (s *session) run(ctx context.Context) error {
	s.notes = &notes{}
	s.attempt(s.setParams)
	s.attempt(func() error { return s.configure(ctx) })
	s.seen, s.notes = s.notes.lines, nil
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if m := s.interp.Menu(); len(m.Entries) > 0 {
		bug, err := s.guard(func() error { return s.showMenu(ctx, m, false, false) })
		if !bug {
			return err
		}
	}
	_, err := s.guard(func() error { return s.commandLine(ctx, false) })
	return err
}

// configure finds the configuration and runs it.
func (s *session) configure(ctx context.Context) error {
	c, ok := s.find(ctx)
	if !ok {
		return nil // find has told
	}
	s.term.Printf("reading %s\n", c)
	if err := s.export("root", c.device.Name); err != nil {
		return err
	}
	if err := s.export("prefix", c.directory()); err != nil {
		return err
	}
	before := s.interp.Errors()
	bug, _ := s.interruptible(ctx, func(ctx context.Context) error {
		return s.interp.RunFile(ctx, c.String()) // tells its errors itself
	})
	if bug {
		return nil
	}
	if ctx.Err() == nil && len(s.interp.Menu().Entries) == 0 && s.interp.Errors() == before {
		return fmt.Errorf("%s: no menu entries", c)
	}
	return nil
}

// attempt runs a part of the loader and tells its error.
func (s *session) attempt(part func() error) {
	if bug, err := s.guard(part); err != nil && !bug {
		s.say("error: %v.", err)
	}
}

// guard runs a part of the loader. A panic, which is a bug of ours, ends the
// part but not the loader: it is told with its trace.
func (s *session) guard(part func() error) (bug bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			bug, err = true, fmt.Errorf("internal error: %v", p)
			s.say("error: %v.\n%s", err, debug.Stack())
		}
	}()
	return false, part()
}

// interruptible is guard for a part that runs a script, which Ctrl-C can end.
func (s *session) interruptible(ctx context.Context, part func(context.Context) error) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	outer := s.stop
	s.stop = cancel
	defer func() {
		cancel()
		s.stop = outer
	}()
	return s.guard(func() error { return part(ctx) })
}

// locked tells whether the configuration asks for a password before anything
// but its unrestricted entries. No password can be checked yet, so nobody has
// it.
func (s *session) locked() bool { return s.interp.Env().Get("superusers") != "" }

// say writes a line to the console, noting it as a script's error is.
func (s *session) say(format string, args ...any) {
	fmt.Fprintf((*host)(s), format+"\n", args...)
}

// notes keeps the lines of the output that tell of trouble.
type notes struct {
	lines []string
	rest  []byte // a line that has not ended
}

// maxNotes bounds the lines that are kept, maxNote the bytes of each.
const (
	maxNotes = 16
	maxNote  = 512
)

// Write looks through output.
func (n *notes) Write(p []byte) (int, error) {
	for _, line := range bytes.SplitAfter(p, []byte("\n")) {
		if room := maxNote - len(n.rest); room > 0 {
			n.rest = append(n.rest, line[:min(len(line), room)]...)
		}
		if !bytes.HasSuffix(line, []byte("\n")) {
			continue
		}
		text := strings.TrimSpace(string(n.rest))
		n.rest = n.rest[:0]
		if strings.HasPrefix(text, "error:") || strings.HasPrefix(text, "warning:") {
			n.lines = append(n.lines, text)
			n.lines = n.lines[max(0, len(n.lines)-maxNotes):]
		}
	}
	return len(p), nil
}
