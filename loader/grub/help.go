package grub

import (
	"fmt"
	"strings"
)

// usage is the line that --usage shows.
func (cmd *Command) usage() string {
	return strings.TrimRight("Usage: "+cmd.Name+" "+cmd.Usage, " ") + "\n"
}

// Manual is what `help NAME` and --help show: usage, help and the option
// table.
func (cmd *Command) Manual() string {
	var b strings.Builder
	b.WriteString(cmd.usage())
	fmt.Fprintf(&b, "%s\n", cmd.Help)
	if cmd.Flags&RawArgs != 0 {
		return b.String()
	}
	b.WriteByte('\n')
	for _, o := range cmd.Options {
		b.WriteString(o.line())
	}
	for _, o := range helpOptions {
		if cmd.uses(o.Short) {
			o.Short = 0
		}
		b.WriteString(o.line())
	}
	return b.String()
}

func (cmd *Command) uses(short byte) bool {
	for _, o := range cmd.Options {
		if o.Short == short {
			return true
		}
	}
	return false
}

// line is an option's line in the manual.
func (o *Option) line() string {
	short, long := "    ", ""
	if o.Short != 0 {
		short = fmt.Sprintf("-%c  ", o.Short)
	}
	if o.Long != "" {
		if o.Short != 0 {
			short = fmt.Sprintf("-%c, ", o.Short)
		}
		long = "--" + o.Long
		if o.Arg != "" {
			long += "=" + o.Arg
		}
	}
	if len(long) >= 20 {
		long += "   "
	}
	return fmt.Sprintf("%s%-20s%s\n", short, long, o.Help)
}
