package grub

import (
	"context"
	"strings"
)

// RunEntry runs a menu entry as GRUB does: sets chosen and default, runs the
// body, boots when a kernel was loaded; a submenu's body runs in a context of
// its own whose menu goes to Host.ShowMenu. Host.Pause is called when
// messages were printed. auto says that no user chose the entry. It returns
// when the boot failed or nothing was loaded; its error has been printed.
func (in *Interp) RunEntry(ctx context.Context, e *Entry, auto bool) error {
	defer in.begin(ctx)()
	in.place, in.unread = place{}, false
	if err := in.allowed(e); err != nil {
		n := in.report(err)
		in.pause()
		return in.finish(n)
	}
	in.Unload()
	defer in.keepDeviceTree()()
	chosen, hadChosen := in.env.Lookup("chosen")
	def, hadDefault := in.env.Lookup("default")
	// Deferred: the caller may go on after a panic.
	restore := func() {
		in.restore("chosen", chosen, hadChosen)
		in.restore("default", def, hadDefault)
		in.env.Unset("timeout")
	}
	if !e.Submenu {
		defer restore()
		in.setChosen(e, def)
		return in.runAndBoot(e)
	}
	if err := in.open(); err != nil {
		return in.finish(in.report(err))
	}
	defer restore()
	defer in.close()
	if auto {
		in.env.Set("timeout", "0")
	}
	in.setChosen(e, def)
	return in.runSubmenu(in.runAndBoot(e), auto)
}

// allowed refuses entries that ask for a password, because there is no
// command yet that could check it.
func (in *Interp) allowed(e *Entry) error {
	if e.Restricted && in.env.Get("superusers") != "" {
		return Errorf(AccessDenied, "menuentry `%.60s': access denied: it asks for a password", e.Title)
	}
	return nil
}

// setChosen appends the entry to chosen and leaves in default what names the
// entry of a submenu.
func (in *Interp) setChosen(e *Entry, def string) {
	id := strings.ReplaceAll(e.ID, ">", ">>")
	if chosen, ok := in.env.Lookup("chosen"); ok {
		id = chosen + ">" + id
	}
	if in.env.Set("chosen", id) == nil {
		in.env.Export("chosen")
	}
	if rest := below(def); rest != "" {
		in.env.Set("default", rest)
	}
}

// runAndBoot runs the body, then boots what it loaded.
func (in *Interp) runAndBoot(e *Entry) error {
	err := in.finish(in.runBody(e))
	in.pause()
	if err == nil && in.Loaded() {
		in.place = place{name: e.Name, at: e.At}
		err = in.finish(in.report(in.Boot()))
		in.pause()
	}
	return err
}

// pause lets the user read errors that were printed since the last time.
func (in *Interp) pause() {
	if in.unread {
		in.host.Pause(in.ctx)
	}
	in.unread = false
}

// runSubmenu shows the menu that a submenu's body made.
func (in *Interp) runSubmenu(err error, auto bool) error {
	if len(in.menu.Entries) == 0 || in.ctx.Err() != nil {
		return err
	}
	return in.showMenu(auto)
}

// restore sets a variable back to what it was.
func (in *Interp) restore(name, value string, was bool) {
	if was {
		in.env.Set(name, value)
	} else {
		in.env.Unset(name)
	}
}
