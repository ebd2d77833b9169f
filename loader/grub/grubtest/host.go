// Package grubtest has a grub.Host in memory, for tests of scripts and of
// what is built upon them.
package grubtest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	iofs "io/fs"
	"time"

	"pvboot/loader/fs"
	"pvboot/loader/grub"
	"pvboot/loader/image"
	"pvboot/loader/volume"
)

// Host keeps what scripts did to it.
type Host struct {
	GOARCH string // what Arch gives; "" for amd64

	Disks []Disk

	Out    bytes.Buffer // the console
	Input  []string     // lines for ReadLine; io.EOF after the last
	Escape bool         // Sleep is interrupted when it can be

	Booted  []Boot // what Boot got
	BootErr error  // what Boot returns
	Halted  int
	Reset   int // reboots
	Cleared int
	Paused  int
	Slept   time.Duration
	Menus   []*grub.Menu // that ShowMenu got
	// OnMenu stands for the user in front of a nested menu.
	OnMenu func(ctx context.Context, m *grub.Menu, auto bool) error
}

// Disk is a device with what stands on it.
type Disk struct {
	grub.Device
	FS     fs.FS         // nil where there is none
	Err    error         // of Mount
	Volume volume.Device // nil where bytes are not wanted
}

// Boot is one call of Boot, with the files read.
type Boot struct {
	Kernel, CmdLine string
	Initrd          []string
	Bytes           []string // of kernel and initrds
	// Multiboot is the version, and how modules and kernel are loaded.
	Multiboot string
	Modules   []string // "FILE ARGS: CONTENTS"
	// DeviceTree is the file's name and content, "" without one.
	DeviceTree, Tree string
}

func (h *Host) Write(b []byte) (int, error) { return h.Out.Write(b) }

// Arch gives GOARCH.
func (h *Host) Arch() string { return cmp.Or(h.GOARCH, "amd64") }

// Clear counts.
func (h *Host) Clear() { h.Cleared++ }

// Devices lists Disks.
func (h *Host) Devices() []grub.Device {
	var all []grub.Device
	for _, d := range h.Disks {
		all = append(all, d.Device)
	}
	return all
}

// Lookup finds a disk by name or alias.
func (h *Host) Lookup(name string) (grub.Device, error) {
	for _, d := range h.Disks {
		for _, n := range append([]string{d.Name}, d.Aliases...) {
			if n == name {
				return d.Device, nil
			}
		}
	}
	return grub.Device{}, grub.ErrNoDevice
}

func (h *Host) disk(dev grub.Device) *Disk {
	for i := range h.Disks {
		if h.Disks[i].Name == dev.Name {
			return &h.Disks[i]
		}
	}
	return &Disk{Err: grub.ErrNoDevice}
}

// Mount gives a disk's FS.
func (h *Host) Mount(dev grub.Device) (fs.FS, error) {
	d := h.disk(dev)
	if d.FS == nil && d.Err == nil {
		return nil, grub.Errorf(grub.UnknownFS, "unknown filesystem")
	}
	return d.FS, d.Err
}

// Volume gives a disk's bytes.
func (h *Host) Volume(dev grub.Device) (volume.Device, error) {
	if v := h.disk(dev).Volume; v != nil {
		return v, nil
	}
	return nil, grub.ErrNoDevice
}

// ReadLine takes the next line of Input.
func (h *Host) ReadLine(_ context.Context, echo bool) (string, error) {
	if len(h.Input) == 0 {
		return "", io.EOF
	}
	line := h.Input[0]
	h.Input = h.Input[1:]
	if echo {
		fmt.Fprintln(h, line)
	}
	return line, nil
}

// Sleep only counts.
func (h *Host) Sleep(_ context.Context, d time.Duration, interruptible bool) (bool, error) {
	if h.Escape && interruptible {
		return true, nil
	}
	h.Slept += d
	return false, nil
}

// Pause counts.
func (h *Host) Pause(context.Context) { h.Paused++ }

// ShowMenu keeps the menu and calls OnMenu.
func (h *Host) ShowMenu(ctx context.Context, m *grub.Menu, auto bool) error {
	h.Menus = append(h.Menus, m)
	if h.OnMenu == nil {
		return nil
	}
	return h.OnMenu(ctx, m, auto)
}

// Boot keeps the request, and reads its files.
func (h *Host) Boot(_ context.Context, req image.Request) error {
	b := Boot{Kernel: req.Name, CmdLine: req.CmdLine, Bytes: []string{contents(req.Kernel)}}
	for _, i := range req.Initrd {
		b.Initrd = append(b.Initrd, i.Name)
		b.Bytes = append(b.Bytes, contents(i.Data))
	}
	if req.DeviceTree != nil {
		b.DeviceTree, b.Tree = req.DeviceTree.Name, contents(req.DeviceTree.Data)
	}
	if mb := req.Multiboot; mb != nil {
		b.Multiboot = fmt.Sprintf("%d ELF %v behind %v", mb.Version, mb.PreferELF, mb.ModulesBehind)
		for _, m := range mb.Modules {
			b.Modules = append(b.Modules, fmt.Sprintf("%s %s: %s as it is %v", m.Name, m.CmdLine, contents(m.Data), m.NoUnzip))
		}
	}
	h.Booted = append(h.Booted, b)
	return h.BootErr
}

func contents(s image.Source) string {
	b := make([]byte, s.Size())
	if n, err := s.ReadAt(b, 0); n < len(b) {
		return err.Error()
	}
	return string(b)
}

// Halt counts.
func (h *Host) Halt() error { h.Halted++; return nil }

// Reboot counts.
func (h *Host) Reboot() error { h.Reset++; return nil }

var _ grub.Host = (*Host)(nil)
var _ iofs.FS = FS{}
