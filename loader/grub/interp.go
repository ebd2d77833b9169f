// Package grub runs GRUB scripts: the language (package script parses it),
// its variables, menu entries and the commands that belong to the language
// itself. All other commands are in package command and are handed to New.
// It follows the GRUB manual 2.12 and, where that is silent, GRUB's
// observable behaviour. What scripts act on is a Host.
package grub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"pvboot/loader/grub/script"
)

// Interp runs scripts against a Host. It is used from one goroutine.
type Interp struct {
	host     Host
	commands map[string]*Command
	limits   Limits

	// contexts: the current one, and those that it was opened from.
	env   *Env
	menu  *Menu
	outer []outer

	functions map[string]*function
	scope     *scope // positional parameters, nil outside functions and entries
	flow      flow
	place     place
	errors    int   // lines printed
	unread    bool  // some since the last Host.Pause
	last      error // the last one
	boot      bootable
	tree      deviceTree

	ctx   context.Context
	depth int
	steps int
	stop  error // ErrInterrupted or ErrLimit: ends everything
	runs  int   // nested calls of Run and its like
}

// outer is a context that waits for an inner one to close.
type outer struct {
	env  *Env
	menu *Menu
	tree deviceTree
}

// place is where the running command stands, for messages.
type place struct {
	name string // of the script; "" for the command line
	at   script.Pos
}

// function is a defined function.
type function struct {
	name string // of the script that defines it
	body script.List
}

// New makes an interpreter with the commands that the host's architecture
// has, and with GRUB's own variables (grub_cpu, feature_…) set; root, prefix
// and the like are the caller's to set.
func New(host Host, commands []*Command, limits Limits) *Interp {
	limits = limits.withDefaults()
	in := &Interp{
		host:      host,
		limits:    limits,
		commands:  map[string]*Command{},
		functions: map[string]*function{},
		env:       newEnv(limits),
		menu:      new(Menu),
		ctx:       context.Background(),
	}
	for _, c := range slices.Concat(language, commands) {
		if c.Archs == nil || slices.Contains(c.Archs, host.Arch()) {
			in.commands[c.Name] = c
		}
	}
	in.setBuiltins()
	return in
}

// Env is the variables of the current context.
func (in *Interp) Env() *Env { return in.env }

// Menu is the current context's menu; scripts that have run added to it.
func (in *Interp) Menu() *Menu { return in.menu }

// Errors counts the error lines that were printed.
func (in *Interp) Errors() int { return in.errors }

// Commands are all commands, sorted by name.
func (in *Interp) Commands() []*Command {
	all := make([]*Command, 0, len(in.commands))
	for _, c := range in.commands {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *Command) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Run runs a whole script as GRUB reads a configuration file: piece by
// piece; a syntax error or a failing command is printed ("error: …") and the
// next one runs. The error is that of the last command, or ErrInterrupted or
// ErrLimit; it has been printed already.
func (in *Interp) Run(ctx context.Context, name string, src []byte) error {
	defer in.begin(ctx)()
	return in.finish(in.runSource(name, string(src)))
}

// RunFile reads "(dev)/path" or "/path" (on $root) and runs it with Run,
// with config_file and config_directory set meanwhile.
func (in *Interp) RunFile(ctx context.Context, path string) error {
	defer in.begin(ctx)()
	if err := in.source(path); err != nil {
		in.place = place{}
		return in.finish(in.report(err))
	}
	return nil
}

// RunLine runs what a user typed at the command line.
func (in *Interp) RunLine(ctx context.Context, line string) error {
	defer in.begin(ctx)()
	return in.finish(in.runSource("", line))
}

// Incomplete says whether a command line needs another line (open quote,
// block or if), so that a command line can ask for it.
func Incomplete(src string) bool {
	p := script.New("", src)
	for {
		_, err := p.Next()
		var e *script.Error
		switch {
		case err == io.EOF:
			return false
		case errors.As(err, &e) && e.Incomplete:
			return true
		case err != nil:
			return false
		}
	}
}

// begin starts a run; the function that it returns ends it. Inner runs
// (source, a submenu's entries) count against the limits of the outermost.
func (in *Interp) begin(ctx context.Context) (end func()) {
	old, oldPlace, oldFlow := in.ctx, in.place, in.flow
	in.ctx, in.flow = ctx, flow{}
	if in.runs++; in.runs == 1 {
		in.steps, in.depth, in.stop, in.last = 0, 0, nil, nil
	}
	return func() {
		in.runs--
		in.ctx, in.place, in.flow = old, oldPlace, oldFlow
	}
}

// finish makes a run's error from its status.
func (in *Interp) finish(n Errno) error {
	if in.stop != nil {
		return in.stop
	}
	if n == OK {
		return nil
	}
	if Number(in.last) == n {
		return in.last
	}
	return Status(n)
}

// runSource runs a script's pieces one by one.
func (in *Interp) runSource(name, src string) Errno {
	saved := in.place
	defer func() { in.place = saved }()
	if len(src) > in.limits.Source {
		return in.report(Errorf(OutOfRange, "script of %d bytes is longer than %d", len(src), in.limits.Source))
	}
	in.Charge(len(src) / 64)
	p := script.New(name, src)
	status := OK
	for in.stop == nil && !in.flow.returning && in.flow.breaks == 0 {
		list, err := p.Next()
		if err == io.EOF {
			break
		}
		if in.Charge(4 * p.Words()); in.stop != nil {
			break // what is parsed may stay in memory
		}
		if err != nil {
			in.place = place{}
			status = in.report(&Error{Errno: InvalidCommand, Err: syntaxError(err)})
			continue
		}
		in.place.name = name
		status = in.runList(list)
	}
	return status
}

// syntaxError drops the empty name from the errors of a command line.
func syntaxError(err error) error {
	var e *script.Error
	if errors.As(err, &e) && e.Name == "" {
		return fmt.Errorf("syntax error at %s: %s", e.Pos, e.Msg)
	}
	return err
}

// report prints an error once and gives its number.
func (in *Interp) report(err error) Errno {
	if err == nil {
		return OK
	}
	in.last = err
	var e *Error
	if errors.As(err, &e) && e.Quiet {
		return e.Errno
	}
	in.errors++
	in.unread = true
	in.steps += 100 // lines on a console take their time
	msg := oneLine(err.Error())
	if in.place.name != "" {
		msg = fmt.Sprintf("%s:%s: %s", in.place.name, in.place.at, msg)
	}
	fmt.Fprintf(in.host, "error: %s.\n", strings.TrimSuffix(msg, "."))
	return Number(err)
}

// oneLine keeps a message that quotes hostile input to one short line of
// printable characters.
func oneLine(s string) string {
	const most = 400
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// Charge takes n steps from the run's budget. Commands call it for work
// that a script could ask for again and again, a step for about a
// microsecond's work.
func (in *Interp) Charge(n int) {
	before := in.steps
	in.steps += n
	if in.steps/64 != before/64 {
		runtime.Gosched() // bare metal has one processor and no preemption
	}
	switch {
	case in.stop != nil:
	case in.ctx.Err() != nil:
		in.halt(ErrInterrupted)
	case in.steps > in.limits.Steps:
		in.halt(fmt.Errorf("%w: more than %d steps", ErrLimit, in.limits.Steps))
	}
}

// Stopped says that the run was interrupted or reached a limit; a command
// that loops must then return.
func (in *Interp) Stopped() bool { return in.stop != nil }

// halt ends every script that runs, unless that has happened.
func (in *Interp) halt(err error) Errno {
	if in.stop == nil {
		in.report(err)
		in.stop = err
	}
	return Number(err)
}
