// Package command holds GRUB's commands, one file each: every file has the
// command's name, usage, help and option table beside the function that
// carries it out. Commands act through grub.Call and grub.Host only. Names,
// options and wording are those of the GRUB manual 2.12, section
// "Available commands".
package command

import (
	"slices"

	"pvboot/loader/grub"
)

// All lists every command, for grub.New. A new command is a new file and a
// name here.
func All() []*grub.Command {
	return slices.Concat([]*grub.Command{
		boot, cat, clear, cmp, cpuid, devicetree, echo, exit, export,
		falseCommand, fwsetup, halt, help, keystatus, listEnv, loadEnv, ls, normalExit, probe, read,
		reboot, regexp, saveEnv, set, sleep, trueCommand, unset,
	}, linux, initrd, multiboot, modules, searches, terminals, tests, unsupported)
}
