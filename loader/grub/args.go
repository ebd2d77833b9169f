package grub

import (
	"strconv"
	"strings"
)

// help options that every command with an option table has.
var helpOptions = []Option{
	{Long: "help", Short: 'h', Help: "Display this help and exit."},
	{Long: "usage", Short: 'u', Help: "Display the usage of this command and exit."},
}

// parse splits Args into options and arguments as GRUB's lib/arg does. help
// says that help was asked for and shown.
func (c *Call) parse(cmd *Command) (help bool, err error) {
	p := parser{call: c, cmd: cmd, rest: c.Args}
	c.values = map[string][]string{}
	c.Args = nil
	for len(p.rest) > 0 && err == nil && !p.done {
		arg := p.rest[0]
		p.rest = p.rest[1:]
		switch {
		case len(c.Args) > 0 && cmd.Flags&OptionsAtStart != 0, len(arg) < 2, arg[0] != '-':
			c.Args = append(c.Args, arg)
		case arg == "--":
			c.Args = append(c.Args, p.rest...)
			p.rest = nil
		case arg[1] == '-':
			err = p.long(arg)
		default:
			err = p.short(arg)
		}
	}
	return p.done, err
}

// parser is one run of parse.
type parser struct {
	call *Call
	cmd  *Command
	rest []string
	done bool // help was shown
}

// long reads --name, --name=value or --name value.
func (p *parser) long(arg string) error {
	name, value, hasValue := strings.Cut(arg[2:], "=")
	opt := p.find(func(o *Option) bool { return o.Long == name && name != "" })
	if opt == nil {
		if p.cmd.Flags&AcceptDash != 0 {
			p.call.Args = append(p.call.Args, arg)
			return nil
		}
		return Errorf(BadArgument, "unknown argument `%s'", arg)
	}
	if !hasValue && opt.Arg != "" && len(p.rest) > 0 && !strings.HasPrefix(p.rest[0], "-") {
		value, hasValue, p.rest = p.rest[0], true, p.rest[1:]
	}
	return p.set(opt, value, hasValue, arg)
}

// short reads -a, -abc, -f value.
func (p *parser) short(arg string) error {
	letters := arg[1:]
	find := func(l byte) *Option { return p.find(func(o *Option) bool { return o.Short == l }) }
	if p.cmd.Flags&AcceptDash != 0 {
		for i := range len(letters) {
			if find(letters[i]) == nil {
				p.call.Args = append(p.call.Args, arg)
				return nil
			}
		}
	}
	for i := range len(letters) {
		opt := find(letters[i])
		if opt == nil {
			return Errorf(BadArgument, "unknown argument `-%c'", letters[i])
		}
		value, hasValue := "", false
		if last := i == len(letters)-1; last && opt.Arg != "" && len(p.rest) > 0 &&
			(opt.Flags&OptionalArg == 0 || len(p.rest[0]) < 2 || p.rest[0][0] != '-') {
			value, hasValue, p.rest = p.rest[0], true, p.rest[1:]
		}
		if err := p.set(opt, value, hasValue, arg); err != nil || p.done {
			return err
		}
	}
	return nil
}

// find looks an option up, the command's own before the common ones.
func (p *parser) find(is func(*Option) bool) *Option {
	for _, table := range [][]Option{p.cmd.Options, helpOptions} {
		for i := range table {
			if is(&table[i]) {
				return &table[i]
			}
		}
	}
	return nil
}

// set keeps an option's value, after a look at its type.
func (p *parser) set(opt *Option, value string, hasValue bool, arg string) error {
	switch {
	case opt == &helpOptions[0]:
		p.done = true
		p.call.Printf("%s", p.cmd.Manual())
		return nil
	case opt == &helpOptions[1]:
		p.done = true
		p.call.Printf("%s", p.cmd.usage())
		return nil
	case opt.Arg != "" && !hasValue && opt.Flags&OptionalArg == 0:
		return Errorf(BadArgument, "missing mandatory option for `%s'", opt.name())
	case opt.Flags&IntArg != 0 && hasValue:
		if _, err := strconv.ParseUint(value, 0, 64); err != nil {
			return Errorf(BadArgument, "the argument `%s' requires an integer", arg)
		}
	}
	key := opt.key()
	if opt.Flags&Repeatable == 0 {
		p.call.values[key] = nil
	}
	if hasValue {
		p.call.values[key] = append(p.call.values[key], value)
	} else if p.call.values[key] == nil {
		p.call.values[key] = []string{}
	}
	return nil
}

// key is how Call.Has and its like name an option.
func (o *Option) key() string {
	if o.Long != "" {
		return o.Long
	}
	return string(rune(o.Short))
}

// name is the option for messages.
func (o *Option) name() string {
	if o.Long != "" {
		return o.Long
	}
	return "-" + string(rune(o.Short))
}
