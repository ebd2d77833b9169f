package main

import (
	"fmt"
	"io"
	"runtime"

	"pvboot/blkfront"
	"pvboot/console"
	"pvboot/guest"
	"pvboot/loader"
	"pvboot/loader/image"
	"pvboot/loader/volume"
	"pvboot/xen"
)

// guestLoaders are the loaders that a guest may bring, by GOARCH's name (Xen
// docs/misc/x86-xenpv-bootloader.pandoc, which has no file for arm64).
var guestLoaders = map[string]string{"amd64": "pvboot-x86_64.elf"}

// domain is the world of a Xen domain.
type domain struct {
	*xen.Domain
	con    *console.Console
	opened []*blkfront.Device // those that the loader has asked for
}

func newDomain(d *xen.Domain) (*domain, error) {
	con, err := console.Open(d)
	if err != nil {
		return nil, err
	}
	return &domain{Domain: d, con: con}, nil
}

func (d *domain) String() string { return fmt.Sprintf("Xen %v", d.Version()) }

func (d *domain) console() terminal { return d.con }

// guestLoader: if a boot loader started this one it is not looked for, for it may
// be that very boot loader.
func (d *domain) guestLoader() string {
	if guest.Start().BootLoader != "" {
		return ""
	}
	return guestLoaders[runtime.GOARCH]
}

// disks connects to all of the domain's disks at once: each handshake takes a few
// round trips through dom0, and the loader asks for the first disk long before the
// last one answers.
func (d *domain) disks(text io.Writer) []loader.Disk {
	infos, errs := blkfront.Devices(d.Domain)
	for _, err := range errs {
		fmt.Fprintln(text, err)
	}
	var disks []loader.Disk
	for _, info := range infos {
		disks = append(disks, loader.Disk{
			Name:     "xen/" + info.Name(), // as GRUB's port to Xen has it
			CDROM:    info.CDROM,
			ReadOnly: info.ReadOnly,
			Open:     d.connect(info),
		})
	}
	return disks
}

// connect begins to connect to a disk and returns the function that waits for
// the end of that.
func (d *domain) connect(info blkfront.Info) func() (volume.Device, error) {
	type result struct {
		dev *blkfront.Device
		err error
	}
	done := make(chan result, 1)
	go func() {
		dev, err := blkfront.Open(info, blkfront.Options{})
		done <- result{dev, err}
	}()
	return func() (volume.Device, error) {
		r := <-done
		if r.err != nil {
			return nil, r.err
		}
		d.opened = append(d.opened, r.dev)
		return r.dev, nil
	}
}

func (d *domain) busy() []image.Range { return nil }

// Set by the build tags pvboot_leak and pvboot_keep, for the controls of the
// tests: leak leaves something behind on purpose, and overlook goes on over it.
var (
	leak     func(*xen.Domain)
	overlook bool
)

// giveBack leaves the console open, for it is the toolstack's.
func (d *domain) giveBack(text io.Writer) error {
	d.flush(text)
	if leak != nil {
		leak(d.Domain)
	}
	return d.Close()
}

// flush brings what save_env wrote to stable storage. A failure is told and
// no reason to stay: the kernel reads what the backend has.
func (d *domain) flush(text io.Writer) {
	for _, dev := range d.opened {
		if dev.Stats().BytesWritten == 0 {
			continue
		}
		if err := dev.Flush(); err != nil {
			fmt.Fprintln(text, err)
		}
	}
}
