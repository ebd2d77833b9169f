package command

import "pvboot/loader/grub"

var unset = &grub.Command{
	Name: "unset", Usage: "ENVVAR", Help: "Remove an environment variable.",
	Flags: grub.RawArgs, Run: runUnset,
}

func runUnset(c *grub.Call) error {
	if len(c.Args) < 1 {
		return grub.Errorf(grub.BadArgument, "one argument expected")
	}
	c.Env().Unset(c.Args[0])
	return nil
}
