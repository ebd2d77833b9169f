package command

import "pvboot/loader/grub"

// keystatus is false: a console sends characters and knows no modifiers.
var keystatus = &grub.Command{
	Name: "keystatus", Usage: "[--shift] [--ctrl] [--alt]", Help: "Check key modifier status.",
	Options: []grub.Option{
		{Long: "shift", Short: 's', Help: "Check Shift key."},
		{Long: "ctrl", Short: 'c', Help: "Check Control key."},
		{Long: "alt", Short: 'a', Help: "Check Alt key."},
	},
	Run: func(*grub.Call) error { return grub.ErrFalse },
}
