// Package command holds GRUB's commands, one file each: every file has the
// command's name, usage, help and option table beside the function that
// carries it out. Commands act through grub.Call and grub.Host only.
package command

import "pvboot/loader/grub"

// All lists every command, for grub.New.
func All() []*grub.Command { return nil }
