package grub

import (
	"context"
	"fmt"

	"pvboot/loader/grub/script"
)

// Command is a command of the script language. The commands in package
// command, one file each, are made of it.
type Command struct {
	Name    string
	Usage   string // arguments, as `help` shows them after the name
	Help    string // one sentence
	Options []Option
	Flags   Flag
	Archs   []string // where GRUB has it, by GOARCH's names; nil for everywhere
	Run     func(*Call) error
}

// Option is one option of a command's table.
type Option struct {
	Long  string // without dashes
	Short byte   // 0 for none
	Arg   string // name of the argument in the help; "" when it takes none
	Help  string
	Flags OptionFlag
}

// Flag changes how a command's arguments are read.
type Flag uint8

const (
	// RawArgs passes every argument as it is; the option table is not used.
	RawArgs Flag = 1 << iota
	// AcceptDash takes unknown options as arguments.
	AcceptDash
	// OptionsAtStart takes everything after the first argument as arguments.
	OptionsAtStart
	// AcceptBlock allows a block in braces as the last argument.
	AcceptBlock
)

// OptionFlag changes how an option is read.
type OptionFlag uint8

const (
	// Repeatable options keep every value.
	Repeatable OptionFlag = 1 << iota
	// OptionalArg options may stand without their argument.
	OptionalArg
	// IntArg options take a number.
	IntArg
)

// Call is one run of a command.
type Call struct {
	Context context.Context // done when the user interrupts
	Interp  *Interp
	Name    string   // by which the command was called
	Args    []string // without options; a block is not among them
	Block   *script.Block

	values map[string][]string
}

// Has says whether the option was given. Options are named by their long
// name, or by their letter where there is none.
func (c *Call) Has(long string) bool {
	_, ok := c.values[long]
	return ok
}

// Value is the option's last argument, "" when it has none.
func (c *Call) Value(long string) string {
	v := c.values[long]
	if len(v) == 0 {
		return ""
	}
	return v[len(v)-1]
}

// Values are all arguments of a repeatable option.
func (c *Call) Values(long string) []string { return c.values[long] }

// Env is the variables of the current context.
func (c *Call) Env() *Env { return c.Interp.env }

// Host is what the script acts on.
func (c *Call) Host() Host { return c.Interp.host }

// Printf writes to the console.
func (c *Call) Printf(format string, args ...any) {
	n, _ := fmt.Fprintf(c.Interp.host, format, args...)
	c.Interp.Charge(n / 8)
}
