package command

import "pvboot/loader/grub"

// modules are commands about GRUB's modules. Everything is built in here:
// insmod says that the module is there, whatever it is, because scripts ask
// for modules that they could do without.
var modules = []*grub.Command{
	{
		Name: "insmod", Usage: "MODULE", Help: "Insert a module: every one is built in.",
		Flags: grub.RawArgs, Run: needModule,
	},
	{
		Name: "rmmod", Usage: "MODULE", Help: "Remove a module: built-in ones stay.",
		Flags: grub.RawArgs, Run: needModule,
	},
	{
		Name: "lsmod", Help: "Show loaded modules: none, all are built in.",
		Flags: grub.RawArgs,
		Run: func(c *grub.Call) error {
			c.Printf("Name\tRef Count\tDependencies\n")
			return nil
		},
	},
}

func needModule(c *grub.Call) error {
	if len(c.Args) == 0 {
		return grub.Errorf(grub.BadArgument, "one argument expected")
	}
	return nil
}
