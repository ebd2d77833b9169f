// Package grub runs GRUB scripts: the language (package script parses it),
// its variables, menu entries and the commands that belong to the language
// itself. All other commands are in package command and are handed to New.
// It follows the GRUB manual 2.12 and, where that is silent, GRUB's
// observable behaviour. What scripts act on is a Host.
package grub

import (
	"context"
)

// Limits bound what a script may use. Zero fields take the defaults.
type Limits struct {
	Depth  int // nesting of commands and calls; default 64, GRUB's own
	Steps  int // commands run by one call of Run, RunLine or RunEntry; default 1 000 000
	Source int // bytes of a configuration file; default 2 MiB
	Word   int // bytes of one expanded word or variable; default 128 KiB
	Memory int // bytes of all variables, or of one command's words; default 1 MiB
	Menu   int // entries of one menu; default 4096
}

// Interp runs scripts against a Host. It is used from one goroutine.
type Interp struct {
	host     Host
	env      *Env
	commands map[string]*Command
	limits   Limits
}

// New makes an interpreter with GRUB's own variables (grub_cpu, feature_…)
// set; root, prefix and the like are the caller's to set.
func New(host Host, commands []*Command, limits Limits) *Interp { panic("skeleton") }

// Env is the variables of the current context.
func (in *Interp) Env() *Env { return in.env }

// Menu is the current context's menu; scripts that have run added to it.
func (in *Interp) Menu() *Menu { panic("skeleton") }

// Run runs a whole script as GRUB reads a configuration file: statement by
// statement; a syntax error or a failing command is printed ("error: …") and
// the next statement runs. The error is that of the last statement, or
// ErrInterrupted or ErrLimit, printed too.
func (in *Interp) Run(ctx context.Context, name string, src []byte) error { panic("skeleton") }

// RunFile reads "(dev)/path" or "/path" (on $root) and runs it with Run.
func (in *Interp) RunFile(ctx context.Context, path string) error { panic("skeleton") }

// RunLine runs one line of the command line. Syntax errors show the column.
func (in *Interp) RunLine(ctx context.Context, line string) error { panic("skeleton") }

// Incomplete says whether a command line needs another line (open quote,
// block or if), so that a command line can ask for it.
func Incomplete(src string) bool { panic("skeleton") }

// RunEntry runs a menu entry as GRUB does: sets chosen and default, runs the
// body, boots when a kernel was loaded; a submenu's body runs in a context of
// its own whose menu goes to Host.ShowMenu. Host.Pause is called when
// messages were printed. auto says that the entry runs because of a timeout.
// It returns when the boot failed or nothing was loaded.
func (in *Interp) RunEntry(ctx context.Context, e *Entry, auto bool) error { panic("skeleton") }

// Errors counts the error lines that were printed.
func (in *Interp) Errors() int { panic("skeleton") }

// Loaded says whether a kernel waits for boot; Unload forgets it.
func (in *Interp) Loaded() bool { panic("skeleton") }
func (in *Interp) Unload()      { panic("skeleton") }
