package command

import "pvboot/loader/grub"

var devicetree = &grub.Command{
	Name: "devicetree", Usage: "[FILE]", Help: "Load a device tree, or use the machine's own.",
	Flags: grub.RawArgs, Archs: []string{"arm64", "riscv64"}, Run: runDevicetree,
}

// runDevicetree keeps a tree for boot. Like GRUB it takes no notice of more
// than one argument.
func runDevicetree(c *grub.Call) error {
	if len(c.Args) == 0 {
		c.Interp.UnloadDeviceTree()
		return nil
	}
	return c.Interp.LoadDeviceTree(c.Args[0])
}
