package command

import "pvboot/loader/grub"

var halt = &grub.Command{
	Name: "halt", Help: "Halts the computer.", Flags: grub.RawArgs,
	Run: func(c *grub.Call) error { return c.Host().Halt() },
}

var reboot = &grub.Command{
	Name: "reboot", Help: "Reboot the computer.", Flags: grub.RawArgs,
	Run: func(c *grub.Call) error { return c.Host().Reboot() },
}

// exit leaves the loader; in a domain that is the end, as in GRUB for Xen.
var exit = &grub.Command{
	Name: "exit", Usage: "[VALUE]", Help: "Exit from GRUB: powers the domain off.", Flags: grub.RawArgs,
	Run: func(c *grub.Call) error { return c.Host().Halt() },
}

var fwsetup = &grub.Command{
	Name: "fwsetup", Usage: "[--is-supported]", Help: "Reboot into firmware setup menu: a domain has none.",
	Options: []grub.Option{{Long: "is-supported", Help: "Check if the firmware has a setup menu."}},
	Run: func(c *grub.Call) error {
		if c.Has("is-supported") {
			return grub.ErrFalse
		}
		return grub.Errorf(grub.NotImplemented, "reboot to firmware setup is not supported by the current firmware")
	},
}
