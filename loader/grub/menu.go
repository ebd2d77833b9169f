package grub

import "pvboot/loader/grub/script"

// Menu is the entries that a script defined, in order.
type Menu struct {
	Entries []*Entry
}

// Entry is a menuentry or submenu.
type Entry struct {
	Title      string
	ID         string   // the title where --id was not given
	Args       []string // $1 and on for the body; Args[0] is the title
	Classes    []string
	Hotkey     string // as given: "a", "f2", "delete"; "" for none
	Users      string
	Restricted bool // --unrestricted was not given
	Submenu    bool

	Source string // the body's text, for an editor
	Name   string // of the script that holds it
	At     script.Pos

	body script.List
}
