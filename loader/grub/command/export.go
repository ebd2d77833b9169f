package command

import "pvboot/loader/grub"

var export = &grub.Command{
	Name: "export", Usage: "ENVVAR [ENVVAR] ...", Help: "Export variables.",
	Flags: grub.RawArgs, Run: runExport,
}

func runExport(c *grub.Call) error {
	if len(c.Args) < 1 {
		return grub.Errorf(grub.BadArgument, "one argument expected")
	}
	for _, name := range c.Args {
		if err := c.Env().Export(name); err != nil {
			return err
		}
	}
	return nil
}
