package main

import (
	"errors"
	"io"
	"strconv"

	"pvboot/guest"
	"pvboot/loader"
	"pvboot/loader/image"
	"pvboot/loader/volume"
	"pvboot/memdisk"
	"pvboot/serial"
)

// errNoDisk is the end of a loader that has nothing to boot from.
var errNoDisk = errors.New("no Xen below, and no disk image as initrd")

// machine is the world without Xen: the disks are the files that the machine's
// own loader has put into memory, QEMU's -initrd, and the console is the
// machine's.
type machine struct {
	con     *serial.Console
	modules []guest.Module
}

func newMachine() (*machine, error) {
	m := &machine{modules: guest.Start().Modules}
	if len(m.modules) == 0 {
		return nil, errNoDisk
	}
	port, err := guest.OpenPort()
	if err != nil {
		return nil, err
	}
	m.con = serial.New(port)
	return m, nil
}

func (m *machine) String() string { return "a machine without Xen" }

func (m *machine) console() terminal { return m.con }

// guestLoader: what guests bring is for Xen's domains.
func (m *machine) guestLoader() string { return "" }

// disks are called memdisk, as GRUB calls its disk in memory, memdisk1, ….
func (m *machine) disks(io.Writer) []loader.Disk {
	var disks []loader.Disk
	for i, module := range m.modules {
		name := "memdisk"
		if i > 0 {
			name += strconv.Itoa(i)
		}
		disks = append(disks, loader.Disk{
			Name:     name,
			ReadOnly: true,
			Open: func() (volume.Device, error) {
				image, err := module.Data()
				if err != nil {
					return nil, err
				}
				return memdisk.New(image)
			},
		})
	}
	return disks
}

// busy is the disks: a kernel is loaded from there.
func (m *machine) busy() []image.Range {
	const page = 4096
	var list []image.Range
	for _, module := range m.modules {
		start := module.Start &^ (page - 1)
		end := (module.Start + module.Size + page - 1) &^ (page - 1)
		list = append(list, image.Range{Start: start, Size: end - start, Type: image.RAM})
	}
	return list
}

func (m *machine) giveBack(io.Writer) error { return nil }
