// Command pvboot is the boot loader image: an administrator names it as
// kernel= in an xl config, and inside the guest it reads the guest's own boot
// configuration, shows the menu, loads kernel and initrd and leaves nothing of
// itself behind. On a machine without Xen it does the same with a disk image
// that it was given as initrd. Package loader does the work; this program
// connects it with what lies below.
package main

import (
	"context"
	"fmt"
	"os"

	"pvboot/console"
	"pvboot/guest"
	"pvboot/loader"
)

const version = "0.1.0"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pvboot:", err)
		os.Exit(1)
	}
}

func run() error {
	w, err := findWorld()
	if err != nil {
		return err
	}
	con := w.console()
	guest.SetConsole(con.Raw())
	defer con.Close()

	b := &boot{world: w, text: console.NewText(con)}
	fmt.Fprintf(b.text, "pvboot %s on %v\n", version, w)
	l := loader.Loader{
		Version:     version,
		Disks:       w.disks(b.text),
		Console:     con,
		CmdLine:     guest.Start().CmdLine,
		GuestLoader: w.guestLoader(),
		Boot:        b.start,
		Halt:        func() error { return b.end(guest.PowerOff) },
		Reboot:      func() error { return b.end(guest.Reboot) },
	}
	return l.Run(context.Background())
}
