package grub

import (
	"context"
	"io"
	"time"

	"pvboot/loader/fs"
	"pvboot/loader/image"
	"pvboot/loader/volume"
)

// Host is what scripts act on. Device names are GRUB's, without parentheses:
// "xen/xvda", "xen/xvda,gpt1", "hd0,msdos1", "hd0,1". The interpreter calls
// it from one goroutine.
type Host interface {
	// Arch is the machine's architecture by GOARCH's name.
	Arch() string
	// Devices lists disks, each followed by its partitions, in the order in
	// which search looks.
	Devices() []Device
	// Lookup resolves a device name or alias. Its error says why there is
	// none and wraps ErrNoDevice.
	Lookup(name string) (Device, error)
	// Mount opens the filesystem on a device that Lookup gave. Calls for
	// the same device are cheap after the first.
	Mount(dev Device) (fs.FS, error)
	// Volume gives a device's bytes: a volume.WriterDevice where the disk
	// can be written.
	Volume(dev Device) (volume.Device, error)

	// Writer is the console. Lines end in "\n".
	io.Writer
	// Clear clears the screen.
	Clear()
	// ReadLine reads one line, without its end, showing what is typed when
	// echo is set. io.EOF when the user cancels with Escape.
	ReadLine(ctx context.Context, echo bool) (string, error)
	// Sleep waits; when interruptible, Escape ends it early and gives true.
	Sleep(ctx context.Context, d time.Duration, interruptible bool) (bool, error)
	// Pause lets the user read messages: "Press any key to continue...".
	Pause(ctx context.Context)

	// ShowMenu shows a nested menu (submenu, configfile) and runs what the
	// user chooses with Interp.RunEntry; it returns when the user leaves it
	// or a boot was tried. auto says that no user chose: default entries
	// run at once.
	ShowMenu(ctx context.Context, m *Menu, auto bool) error

	// Boot starts a kernel and returns only when that fails. The request's
	// Machine is empty; files in it stay open until Boot returns.
	Boot(ctx context.Context, req image.Request) error
	// Halt powers the domain off, Reboot restarts it; they return only when
	// that fails.
	Halt() error
	Reboot() error
}

// Device is a disk or partition that scripts can name.
type Device struct {
	Name     string // "xen/xvda", "xen/xvda,gpt1"
	Disk     string // name of the whole disk: "xen/xvda"; Name for disks
	Aliases  []string
	PartMap  string // table that a partition stands in: "gpt", "msdos"; "" for disks
	PartUUID string // lower case with dashes, "" where there is none
	Size     int64  // bytes
	ReadOnly bool
}
