package command

import "pvboot/loader/grub"

var probe = &grub.Command{
	Name: "probe", Usage: "DEVICE", Help: "Retrieve device info.",
	Options: []grub.Option{
		{Long: "set", Short: 's', Arg: "VARNAME", Help: "Set a variable to return value."},
		{Long: "driver", Short: 'd', Help: "Determine driver."},
		{Long: "partmap", Short: 'p', Help: "Determine partition map type."},
		{Long: "fs", Short: 'f', Help: "Determine filesystem type."},
		{Long: "fs-uuid", Short: 'u', Help: "Determine filesystem UUID."},
		{Long: "label", Short: 'l', Help: "Determine filesystem label."},
		{Long: "part-uuid", Help: "Determine partition UUID."},
	},
	Run: runProbe,
}

func runProbe(c *grub.Call) error {
	if len(c.Args) == 0 {
		return grub.Errorf(grub.BadArgument, "device name required")
	}
	d, err := c.Interp.Device(c.Args[0])
	if err != nil {
		return err
	}
	value, err := probed(c, d)
	if err != nil {
		return err
	}
	if c.Has("set") {
		return c.Env().Set(c.Value("set"), value)
	}
	c.Printf("%s", value)
	return nil
}

// probed finds what the options ask for.
func probed(c *grub.Call, d grub.Device) (string, error) {
	switch {
	case c.Has("driver"):
		return "xen", nil
	case c.Has("partmap"):
		return orNone(d.PartMap), nil
	case c.Has("part-uuid"):
		return orNone(d.PartUUID), nil
	}
	f, err := c.Interp.Mount(d)
	if err != nil {
		return "", err
	}
	switch {
	case c.Has("fs"):
		return f.Type(), nil
	case c.Has("fs-uuid"):
		if f.UUID() == "" {
			return "", grub.Errorf(grub.NotImplemented, "%s does not support UUIDs", f.Type())
		}
		return f.UUID(), nil
	case c.Has("label"):
		return f.Label(), nil
	}
	return "", grub.Errorf(grub.BadArgument, "unrecognised target")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
