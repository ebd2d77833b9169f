package grub

import (
	"strconv"
	"strings"
)

// language is the commands that are part of the language: they change how
// the script runs on.
var language = []*Command{
	{Name: "break", Usage: "[NUM]", Help: "Exit from loops.", Flags: RawArgs, Run: runBreak},
	{Name: "continue", Usage: "[NUM]", Help: "Continue loops.", Flags: RawArgs, Run: runBreak},
	{Name: "shift", Usage: "[NUM]", Help: "Shift positional parameters ($0, $1, $2, ...).", Flags: RawArgs, Run: runShift},
	{Name: "setparams", Usage: "[VALUE]...", Help: "Set positional parameters.", Flags: RawArgs, Run: runSetparams},
	{Name: "return", Usage: "[NUM]", Help: "Return from a function.", Flags: RawArgs, Run: runReturn},
	{Name: "eval", Usage: "STRING ...", Help: "Evaluate arguments as GRUB commands.", Flags: RawArgs, Run: runEval},
	{Name: "source", Usage: "FILE", Help: "Load another config file without changing context.", Flags: RawArgs, Run: runSourceFile},
	{Name: ".", Usage: "FILE", Help: "Load another config file without changing context.", Flags: RawArgs, Run: runSourceFile},
	{Name: "configfile", Usage: "FILE", Help: "Load another config file.", Flags: RawArgs, Run: runConfigfile},
	menuentry("menuentry", "Define a menu entry."),
	menuentry("submenu", "Define a submenu."),
}

// count reads the optional number of break, shift and their like.
func count(args []string) (int, error) {
	switch len(args) {
	case 0:
		return 1, nil
	case 1:
		n, err := strconv.ParseUint(args[0], 10, 31)
		if err != nil {
			return 0, Errorf(BadArgument, "unrecognized number")
		}
		return int(n), nil
	}
	return 0, Errorf(BadArgument, "one argument expected")
}

func runBreak(c *Call) error {
	n, err := count(c.Args)
	if err != nil {
		return err
	}
	if n == 0 {
		return Errorf(BadArgument, "can't break 0 loops")
	}
	f := &c.Interp.flow
	f.next = c.Name == "continue"
	f.breaks = min(n, f.loops)
	return nil
}

func runShift(c *Call) error {
	s := c.Interp.scope
	if s == nil {
		return nil
	}
	n, err := count(c.Args)
	if len(c.Args) > 1 || n > len(s.args) {
		return Status(BadArgument)
	}
	if err != nil {
		return err
	}
	s.args = s.args[n:]
	return nil
}

func runSetparams(c *Call) error {
	if c.Interp.scope == nil {
		return Status(InvalidCommand)
	}
	c.Interp.scope.args = c.Args
	return nil
}

func runReturn(c *Call) error {
	in := c.Interp
	if in.scope == nil || len(c.Args) > 1 {
		return Errorf(BadArgument, "not in function body")
	}
	n := int(in.status())
	if len(c.Args) == 1 {
		var err error
		if n, err = count(c.Args); err != nil {
			return err
		}
	}
	in.flow.returning = true
	return Status(Errno(n))
}

func runEval(c *Call) error {
	if len(c.Args) == 0 {
		return nil
	}
	in := c.Interp
	// Its lines are not the file's: errors are shown without a place.
	return Status(in.runSource("", strings.Join(c.Args, " ")))
}

func runSourceFile(c *Call) error {
	if len(c.Args) != 1 {
		return Errorf(BadArgument, "filename expected")
	}
	return c.Interp.source(c.Args[0])
}

// source runs a file in the current context. The script's own errors are
// printed and do not count, as in GRUB.
func (in *Interp) source(path string) error {
	f, err := in.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	src, err := f.ReadAll(in.limits.Source)
	if err != nil {
		return err
	}
	defer in.setConfigFile(f)()
	if !in.enter() {
		return Status(RecursionDepth)
	}
	defer in.leave()
	in.runSource(f.String(), string(src))
	return nil
}

// setConfigFile sets config_file and config_directory; the function that it
// returns sets them back.
func (in *Interp) setConfigFile(f *File) (restore func()) {
	name := f.String()
	restoreFile := in.setFor("config_file", name)
	restoreDir := in.setFor("config_directory", name[:strings.LastIndexByte(name, '/')])
	return func() { restoreFile(); restoreDir() }
}

// setFor sets and exports a variable and gives the way back.
func (in *Interp) setFor(name, value string) (restore func()) {
	old, ok := in.env.Lookup(name)
	if in.env.Set(name, value) == nil {
		in.env.Export(name)
	}
	return func() {
		if ok {
			in.env.Set(name, old)
		} else {
			in.env.Unset(name)
		}
	}
}

// runConfigfile runs a file in a context of its own and shows its menu.
func runConfigfile(c *Call) error {
	if len(c.Args) != 1 {
		return Errorf(BadArgument, "filename expected")
	}
	in := c.Interp
	if err := in.open(); err != nil {
		return err
	}
	defer in.close()
	c.Host().Clear()
	if err := in.source(c.Args[0]); err != nil {
		return err
	}
	if len(in.menu.Entries) == 0 || in.stop != nil {
		return nil
	}
	return in.showMenu(false)
}
