package command

import "pvboot/loader/grub"

var clear = &grub.Command{
	Name: "clear", Help: "Clear the screen.", Flags: grub.RawArgs,
	Run: func(c *grub.Call) error { c.Host().Clear(); return nil },
}
