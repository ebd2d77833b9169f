// Command pvboot is the boot loader image: an administrator names it as
// kernel= in an xl config, and inside the guest it reads the guest's own boot
// configuration, shows the menu, loads kernel and initrd and leaves nothing of
// itself behind. Package loader does the work; this program connects it with
// Xen.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"pvboot/console"
	"pvboot/guest"
	"pvboot/loader"
	"pvboot/xen"
)

const version = "0.1.0"

// guestLoader is the loader that a guest may bring, by GOARCH's name (Xen
// docs/misc/x86-xenpv-bootloader.pandoc, which has no file for arm64).
var guestLoader = map[string]string{"amd64": "pvboot-x86_64.elf"}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pvboot:", err)
		os.Exit(1)
	}
}

func run() error {
	domain, err := xen.New(guest.Platform())
	if err != nil {
		return err
	}
	con, err := console.Open(domain)
	if err != nil {
		return err
	}
	guest.SetConsole(con.Raw())
	defer con.Close()

	b := &boot{domain: domain, console: con, text: console.NewText(con)}
	fmt.Fprintf(b.text, "pvboot %s on Xen %v\n", version, domain.Version())
	start := guest.Start()
	l := loader.Loader{
		Version:     version,
		Disks:       b.findDisks(),
		Console:     con,
		CmdLine:     start.CmdLine,
		GuestLoader: ownLoader(start),
		Boot:        b.start,
		Halt:        func() error { return b.end(func() { guest.Exit(0) }) },
		Reboot:      func() error { return b.end(guest.Reboot) },
	}
	return l.Run(context.Background())
}

// ownLoader is the name of the loader that a guest may bring. If a boot loader
// started this one it is not looked for: it may be that very boot loader.
func ownLoader(start guest.StartInfo) string {
	if start.BootLoader != "" {
		return ""
	}
	return guestLoader[runtime.GOARCH]
}
