package command

import "pvboot/loader/grub"

// cpuid answers for the only processors that the loader itself runs on:
// 64-bit ones, which all have PAE.
var cpuid = &grub.Command{
	Name: "cpuid", Usage: "[-l | -p]", Help: "Check for CPU features.", Archs: []string{"amd64"},
	Options: []grub.Option{
		{Long: "long-mode", Short: 'l', Help: "Check if CPU supports 64-bit (long) mode (default)."},
		{Long: "pae", Short: 'p', Help: "Check if CPU supports Physical Address Extension."},
	},
	Run: func(*grub.Call) error { return nil },
}
