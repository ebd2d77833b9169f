package grub

var menuentryOptions = []Option{
	{Long: "class", Arg: "STRING", Help: "Menu entry type.", Flags: Repeatable},
	{Long: "users", Arg: "USERNAME[,USERNAME]", Help: "List of users allowed to boot this entry.", Flags: OptionalArg},
	{Long: "hotkey", Arg: "KEY", Help: "Keyboard key to quickly boot this entry."},
	{Long: "source", Arg: "STRING", Help: "Use STRING as menu entry body."},
	{Long: "id", Arg: "STRING", Help: "Menu entry identifier."},
	{Long: "unrestricted", Help: "This entry can be booted by any user."},
}

// menuentry makes the command that adds an entry to the current menu.
func menuentry(name, help string) *Command {
	return &Command{
		Name: name, Usage: "BLOCK", Help: help, Options: menuentryOptions,
		Flags: AcceptBlock | AcceptDash,
		Run: func(c *Call) error {
			e, err := newEntry(c)
			if err != nil {
				return err
			}
			return c.Interp.addEntry(e)
		},
	}
}

// newEntry makes an entry from menuentry's arguments.
func newEntry(c *Call) (*Entry, error) {
	source := c.Has("source")
	switch {
	case source && c.Block != nil:
		return nil, Errorf(BadArgument, "multiple menuentry definitions")
	case !source && c.Block == nil:
		return nil, Errorf(BadArgument, "no menuentry definition")
	case len(c.Args) == 0:
		return nil, Errorf(MenuError, "menuentry is missing title")
	}
	e := &Entry{
		Title:      c.Args[0],
		ID:         c.Args[0],
		Args:       c.Args,
		Classes:    c.Values("class"),
		Hotkey:     c.Value("hotkey"),
		Users:      c.Value("users"),
		Restricted: !c.Has("unrestricted"),
		Submenu:    c.Name == "submenu",
		Name:       c.Interp.place.name,
		At:         c.Interp.place.at,
	}
	if c.Has("id") {
		e.ID = c.Value("id")
	}
	if source {
		e.Source = c.Value("source")
		return e, nil
	}
	e.Source, e.body = c.Block.Source, c.Block.Body
	return e, nil
}

// size is what an entry takes of a menu's memory; its source is part of the
// script.
func (e *Entry) size() int {
	n := overhead + len(e.ID) + len(e.Hotkey) + len(e.Users)
	if e.body == nil {
		n += len(e.Source)
	}
	for _, list := range [][]string{e.Args, e.Classes} {
		for _, s := range list {
			n += len(s) + 16
		}
	}
	return n
}

// addEntry appends to the current menu.
func (in *Interp) addEntry(e *Entry) error {
	m := in.menu
	if len(m.Entries) >= in.limits.Menu {
		return Errorf(OutOfMemory, "menuentry `%.40s': more than %d entries", e.Title, in.limits.Menu)
	}
	if m.size += e.size(); m.size > in.limits.Memory {
		return Errorf(OutOfMemory, "menuentry `%.40s': menu larger than %d bytes", e.Title, in.limits.Memory)
	}
	m.Entries = append(m.Entries, e)
	return nil
}

// runBody runs an entry's commands with its arguments as parameters.
func (in *Interp) runBody(e *Entry) Errno {
	oldScope, oldFlow, oldPlace := in.scope, in.flow, in.place
	in.scope, in.flow = &scope{args: e.Args}, flow{}
	in.place = place{name: e.Name, at: e.At}
	status := OK
	if e.body != nil {
		status = in.runList(e.body)
	} else {
		status = in.runSource("", e.Source)
	}
	in.scope, in.flow, in.place = oldScope, oldFlow, oldPlace
	return status
}
