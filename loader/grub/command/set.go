package command

import (
	"strings"

	"pvboot/loader/grub"
)

var set = &grub.Command{
	Name: "set", Usage: "[ENVVAR=VALUE]", Help: "Set an environment variable.",
	Flags: grub.RawArgs, Run: runSet,
}

// runSet sets a variable, or lists all.
func runSet(c *grub.Call) error {
	env := c.Env()
	if len(c.Args) == 0 {
		for _, name := range env.Names() {
			c.Printf("%s=%s\n", name, env.Get(name))
		}
		return nil
	}
	name, value, ok := strings.Cut(c.Args[0], "=")
	if !ok {
		return grub.Errorf(grub.BadArgument, "not an assignment")
	}
	return env.Set(name, value)
}
