package command

import "pvboot/loader/grub"

var boot = &grub.Command{
	Name: "boot", Help: "Boot an operating system.", Flags: grub.RawArgs,
	Run: func(c *grub.Call) error { return c.Interp.Boot() },
}
