package command

import (
	"pvboot/loader/grub"
	"pvboot/loader/image"
)

// multiboot is the commands of both versions of the Multiboot protocol. GRUB
// has them in PVH domains, too.
var multiboot = []*grub.Command{
	onPC(&grub.Command{
		Name: "multiboot", Usage: "[--quirk-bad-kludge] [--quirk-modules-after-kernel] FILE [ARGS...]",
		Help: "Load a multiboot kernel.", Flags: grub.RawArgs,
		Run: func(c *grub.Call) error { return runMultiboot(c, 1) },
	}),
	onPC(&grub.Command{
		Name: "module", Usage: "[--nounzip] FILE [ARGS...]", Help: "Load a multiboot module.", Flags: grub.RawArgs,
		Run: func(c *grub.Call) error { return runModule(c, 1) },
	}),
	onPC(&grub.Command{
		Name: "multiboot2", Usage: "FILE [ARGS...]", Help: "Load a multiboot 2 kernel.", Flags: grub.RawArgs,
		Run: func(c *grub.Call) error { return runMultiboot(c, 2) },
	}),
	onPC(&grub.Command{
		Name: "module2", Usage: "[--nounzip] FILE [ARGS...]", Help: "Load a multiboot 2 module.", Flags: grub.RawArgs,
		Run: func(c *grub.Call) error { return runModule(c, 2) },
	}),
}

// runMultiboot keeps a kernel for boot, as linux does. Its command line does
// not begin with the file's name.
func runMultiboot(c *grub.Call, version int) error {
	c.Interp.Unload()
	how := image.Multiboot{Version: version}
	args := c.Args
	for version == 1 && len(args) > 0 {
		if args[0] == "--quirk-bad-kludge" {
			how.PreferELF = true
		} else if args[0] == "--quirk-modules-after-kernel" {
			how.ModulesBehind = true
		} else {
			break
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return grub.Errorf(grub.BadArgument, "filename expected")
	}
	f, err := c.Interp.Open(args[0])
	if err != nil {
		return err
	}
	if f.Size() == 0 {
		f.Close()
		return grub.Errorf(grub.BadOS, "`%s' is empty", f)
	}
	c.Interp.SetMultiboot(f, commandLine(args[1:]), how)
	return nil
}

// runModule keeps a module for the kernel. Where it cannot, the kernel is
// forgotten, too: without its modules it would come up wrong.
func runModule(c *grub.Call, version int) error {
	args, noUnzip := c.Args, false
	if len(args) > 0 && args[0] == "--nounzip" {
		args, noUnzip = args[1:], true
	}
	if len(args) == 0 {
		return grub.Errorf(grub.BadArgument, "filename expected")
	}
	if c.Interp.MultibootVersion() != version {
		c.Interp.Unload()
		return grub.Errorf(grub.BadArgument, "you need to load the kernel first")
	}
	f, err := c.Interp.Open(args[0])
	if err != nil {
		c.Interp.Unload()
		return err
	}
	c.Interp.AddModule(f, commandLine(args[1:]), noUnzip)
	return nil
}
