// Package loader is the boot loader itself: it finds the guest's boot
// configuration on its disks, shows the menu and starts what the user or the
// time-out chooses, as GRUB and pygrub do. It knows nothing of Xen: disks,
// console and the jump into the kernel are the caller's.
package loader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pvboot/loader/grub"
	"pvboot/loader/image"
	"pvboot/loader/term"
	"pvboot/loader/volume"
)

// Loader is what the boot loader works with. Disks, Console and Boot must be
// set.
type Loader struct {
	// Version is shown above the menu.
	Version string
	// Disks in the order in which the toolstack gave them.
	Disks []Disk
	// Console is where the user is.
	Console term.Console
	// Arch is the machine's architecture by GOARCH's name, which scripts ask
	// for; "" means that of this program.
	Arch string
	// CmdLine is the loader's own command line, xl's extra=; see Params.
	CmdLine string
	// GuestLoader is the file name of a boot loader that the guest may bring,
	// "pvboot-x86_64.elf"; "" for machines that have no such protocol.
	GuestLoader string
	// Boot starts a kernel and returns only when that fails. A Boot that
	// returns nil, as a test's does, ends Run.
	Boot func(context.Context, image.Request) error
	// Halt powers the domain off, Reboot restarts it; as Boot, they return
	// when that fails or in tests. nil is for a machine that cannot.
	Halt, Reboot func() error
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Limits bound what the configuration may use; zero fields take grub's
	// defaults.
	Limits grub.Limits
}

// Disk is a disk that the domain was given.
type Disk struct {
	// Name is what scripts call the disk: "xen/xvda", "memdisk". By its place
	// among the disks they call it "hd0", too (CD-ROMs: "cd0").
	Name string
	// CDROM and ReadOnly disks are never written.
	CDROM, ReadOnly bool
	// Open connects to the disk. It is called once, when the disk is first
	// looked at.
	Open func() (volume.Device, error)
}

// errDone ends a session after a Boot, Halt or Reboot that returned nil.
var errDone = errors.New("done")

// Run finds the configuration, runs it and serves its menu, or a command line
// when there is none. It returns nil when a Boot, Halt or Reboot did, and an
// error when the context ends or when it waits for a key and the console's
// input is broken. Everything else that goes wrong is told on the console and
// ends in the menu or the command line.
func (l *Loader) Run(ctx context.Context) error {
	if l.Console == nil || l.Boot == nil {
		return errors.New("loader: no console or no way to boot")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := newSession(l, cancel)
	err := s.run(ctx)
	if cause := context.Cause(ctx); errors.Is(cause, errDone) {
		return nil
	} else if cause != nil {
		return cause
	}
	if err == nil {
		err = errors.New("no menu and no command line")
	}
	return fmt.Errorf("loader: %w", err)
}
