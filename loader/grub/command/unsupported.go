package command

import "pvboot/loader/grub"

// unsupported are commands that grub-mkconfig writes for other systems
// beside Linux. Each fails with one line instead of doing something else.
var unsupported = []*grub.Command{
	refuse("chainloader", "FILE", "Load another boot loader."),
	onPC(refuse("ntldr", "FILE", "Load NTLDR or BootMGR.")),
	onPC(refuse("drivemap", "[-l | -r | [-s] grubdev osdisk]", "Manage the BIOS drive mappings.")),
	refuse("parttool", "PARTITION COMMANDS", "Modify partition table entries."),
	refuse("xen_hypervisor", "FILE [ARGS...]", "Load Xen hypervisor."),
	refuse("xen_module", "FILE [ARGS...]", "Load Xen module."),
	refuse("cryptomount", "SOURCE", "Mount a crypto device."),
	refuse("loopback", "[-d] DEVICENAME FILE", "Make a virtual drive from a file."),
	refuse("password", "USER PASSWORD", "Set user password."),
	refuse("password_pbkdf2", "USER PBKDF2_PASSWORD", "Set user password (PBKDF2)."),
}

func refuse(name, usage, help string) *grub.Command {
	return &grub.Command{
		Name: name, Usage: usage, Help: help + " Not supported.", Flags: grub.RawArgs,
		Run: func(c *grub.Call) error {
			// A kernel loaded before must not boot in its place.
			c.Interp.Unload()
			return grub.Errorf(grub.NotImplemented, "%s is not supported", name)
		},
	}
}

// onPC limits a command to the machines where GRUB knows a BIOS.
func onPC(c *grub.Command) *grub.Command {
	c.Archs = []string{"amd64"}
	return c
}
