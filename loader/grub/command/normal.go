package command

import "pvboot/loader/grub"

// normalExit would go back to rescue mode, which does not exist here.
var normalExit = &grub.Command{
	Name: "normal_exit", Help: "Exit from normal mode: there is no other.", Flags: grub.RawArgs,
	Run: func(*grub.Call) error { return nil },
}
