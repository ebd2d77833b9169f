package grub

import (
	"strconv"
	"strings"

	"pvboot/loader/grub/script"
)

// flow is the loops that run and the jumps out of them that are under way.
type flow struct {
	loops     int  // that run
	breaks    int  // still to leave
	next      bool // continue: the last of them goes on
	returning bool // leaving a function
}

// scope is the positional parameters of a function or menu entry.
type scope struct {
	args []string
}

// runList runs commands one after the other and gives the last status.
func (in *Interp) runList(list script.List) Errno {
	if !in.enter() {
		return RecursionDepth
	}
	defer in.leave()
	status := OK
	for _, c := range list {
		if in.flow.breaks > 0 || in.flow.returning || in.stop != nil {
			break
		}
		status = in.runCommand(c)
	}
	return in.setStatus(status)
}

// enter counts one level of nesting; the limit is GRUB's.
func (in *Interp) enter() bool {
	in.depth++
	if in.depth < in.limits.Depth {
		return true
	}
	in.depth--
	in.halt(Errorf(RecursionDepth, "maximum recursion depth exceeded"))
	return false
}

func (in *Interp) leave() { in.depth-- }

// setStatus sets $?.
func (in *Interp) setStatus(n Errno) Errno {
	in.env.Set("?", strconv.Itoa(int(n)))
	return n
}

func (in *Interp) runCommand(c script.Command) Errno {
	if !in.enter() {
		return RecursionDepth
	}
	defer in.leave()
	in.Charge(1)
	if in.stop != nil {
		return Timeout
	}
	in.place.at = c.Pos()
	switch c := c.(type) {
	case *script.Simple:
		return in.setStatus(in.runSimple(c))
	case *script.If:
		return in.setStatus(in.runIf(c))
	case *script.For:
		return in.setStatus(in.runFor(c))
	case *script.While:
		return in.setStatus(in.runWhile(c))
	case *script.Function:
		return in.define(c)
	}
	return OK
}

// define keeps a function. It has no status of its own.
func (in *Interp) define(c *script.Function) Errno {
	if _, ok := in.functions[c.Name]; !ok && len(in.functions) >= maxFunctions {
		return in.report(Errorf(OutOfMemory, "function `%s': more than %d functions", c.Name, maxFunctions))
	}
	in.functions[c.Name] = &function{in.place.name, c.Body}
	return OK
}

func (in *Interp) runIf(c *script.If) Errno {
	for _, cl := range c.Clauses {
		in.runList(cl.Cond)
		if in.flow.returning || in.stop != nil {
			return in.status()
		}
		// GRUB asks $? and not the status, which a jump may leave behind.
		if in.env.Get("?") == "0" {
			return in.runList(cl.Then)
		}
	}
	if c.Else == nil {
		return OK
	}
	return in.runList(c.Else)
}

// status is $? as a number.
func (in *Interp) status() Errno {
	n, _ := strconv.Atoi(in.env.Get("?"))
	return Errno(n)
}

func (in *Interp) runFor(c *script.For) Errno {
	words, err := in.expand(c.Words)
	if err != nil {
		return in.halt(err)
	}
	in.flow.loops++
	defer in.endLoop()
	status := OK
	for _, w := range words {
		if in.leaving() {
			break
		}
		in.Charge(1)
		if err := in.env.Set(c.Name, w); err != nil {
			return in.report(err)
		}
		status = in.runList(c.Body)
	}
	return status
}

func (in *Interp) runWhile(c *script.While) Errno {
	in.flow.loops++
	defer in.endLoop()
	status := OK
	for !in.leaving() {
		in.Charge(1)
		status = in.runList(c.Cond)
		if in.flow.returning || in.stop != nil || (status == OK) == c.Until {
			break
		}
		status = in.runList(c.Body)
	}
	return status
}

// leaving says whether a loop must not go round again. A continue that has
// reached its loop ends here.
func (in *Interp) leaving() bool {
	if in.flow.breaks == 1 && in.flow.next {
		in.flow.breaks = 0
	}
	return in.flow.breaks > 0 || in.flow.returning || in.stop != nil
}

func (in *Interp) endLoop() {
	if in.flow.breaks > 0 {
		in.flow.breaks--
	}
	in.flow.loops--
}

// runSimple runs a command line: a command, a function or an assignment,
// looked for in this order.
func (in *Interp) runSimple(c *script.Simple) Errno {
	words, err := in.expand(c.Words)
	if err != nil {
		return in.halt(err)
	}
	if len(words) == 0 {
		return OK
	}
	invert := words[0] == "!"
	if invert {
		if words = words[1:]; len(words) == 0 {
			return in.report(Errorf(BadArgument, "no command is specified"))
		}
	}
	var status Errno
	if cmd := in.commands[words[0]]; cmd != nil {
		status, err = in.call(cmd, words, c.Block)
	} else if f := in.functions[words[0]]; f != nil {
		status = in.callFunction(f, withBlock(words[1:], c.Block))
	} else {
		in.assign(words[0])
		return OK // GRUB's: not even `!' changes it
	}
	if !invert || in.stop != nil {
		in.report(err)
		return status
	}
	if status == OK {
		return TestFailure
	}
	in.report(err)
	return OK
}

// call runs a command. Its error is not reported yet.
func (in *Interp) call(cmd *Command, words []string, block *script.Block) (Errno, error) {
	call := &Call{Context: in.ctx, Interp: in, Name: words[0], Args: words[1:]}
	if cmd.Flags&AcceptBlock != 0 {
		call.Block = block
	} else {
		call.Args = withBlock(call.Args, block)
	}
	if cmd.Flags&RawArgs == 0 {
		if help, err := call.parse(cmd); help || err != nil {
			return Number(err), err
		}
	}
	at := in.place
	err := cmd.Run(call)
	in.place = at
	return Number(err), err
}

// withBlock gives a block as one more argument, as GRUB does for commands
// that know nothing of blocks.
func withBlock(args []string, block *script.Block) []string {
	if block == nil {
		return args
	}
	return append(args[:len(args):len(args)], "{"+block.Source+"}")
}

// callFunction runs a function in a scope of its own.
func (in *Interp) callFunction(f *function, args []string) Errno {
	oldScope, oldFlow, oldPlace := in.scope, in.flow, in.place
	in.scope, in.flow = &scope{args: args}, flow{}
	in.place.name = f.name
	status := in.runList(f.body)
	in.scope, in.flow, in.place = oldScope, oldFlow, oldPlace
	return status
}

// assign is what a word does that names no command: NAME=VALUE, or an error
// that leaves $? at 0 (GRUB's own way).
func (in *Interp) assign(word string) {
	name, value, ok := strings.Cut(word, "=")
	switch {
	case !ok:
		in.report(Errorf(UnknownCommand, "can't find command `%s'", word))
	case !settable(name):
		in.report(Errorf(BadArgument, "invalid variable name `%s'", name))
	default:
		if err := in.env.Set(name, value); err != nil {
			in.report(err)
		}
	}
}

// settable says whether a script may set a variable of this name.
func settable(name string) bool {
	return name != "" && !special(name)
}

// special names are the positional parameters.
func special(name string) bool {
	return name == "#" || name == "*" || name == "@" || name != "" && '0' <= name[0] && name[0] <= '9'
}
