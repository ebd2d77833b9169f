package command

import "pvboot/loader/grub"

var initrd = []*grub.Command{
	initrdCommand("initrd"), initrdCommand("initrd16"), initrdCommand("initrdefi"),
}

func initrdCommand(name string) *grub.Command {
	return &grub.Command{
		Name: name, Usage: "[newc:PATH:]FILE [...]", Help: "Load initrd.",
		Flags: grub.RawArgs, Run: runInitrd,
	}
}

// runInitrd keeps initrds for boot. Where one cannot be opened the kernel is
// forgotten, too: without its initrd it would come up wrong.
func runInitrd(c *grub.Call) error {
	if len(c.Args) == 0 {
		return grub.Errorf(grub.BadArgument, "filename expected")
	}
	if !c.Interp.Loaded() || c.Interp.MultibootVersion() != 0 {
		c.Interp.Unload()
		return grub.Errorf(grub.BadArgument, "you need to load the kernel first")
	}
	files := make([]*grub.File, 0, len(c.Args))
	for _, name := range c.Args {
		f, err := openInitrd(c, name)
		if err != nil {
			for _, f := range files {
				f.Close()
			}
			c.Interp.Unload()
			return err
		}
		files = append(files, f)
	}
	c.Interp.SetInitrd(files)
	return nil
}

// openInitrd opens one file, as an archive where newc: asks for it.
func openInitrd(c *grub.Call, arg string) (*grub.File, error) {
	name, file, archive := cutNewc(arg)
	f, err := c.Interp.Open(file)
	if err != nil || !archive {
		return f, err
	}
	a, err := wrapNewc(f, name)
	if err != nil {
		f.Close()
	}
	return a, err
}
