package command

import "pvboot/loader/grub"

var trueCommand = &grub.Command{
	Name: "true", Help: "Do nothing, successfully.", Flags: grub.RawArgs,
	Run: func(*grub.Call) error { return nil },
}

var falseCommand = &grub.Command{
	Name: "false", Help: "Do nothing, unsuccessfully.", Flags: grub.RawArgs,
	Run: func(*grub.Call) error { return grub.ErrFalse },
}
