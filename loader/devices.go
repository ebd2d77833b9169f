package loader

import (
	"fmt"
	"strconv"
	"strings"

	"pvboot/loader/fs"
	"pvboot/loader/fs/all"
	"pvboot/loader/grub"
	"pvboot/loader/volume"
)

// devices is the disks and their partitions under the names that scripts use.
// A disk is opened and its partition table read when it is first needed; what
// was found, or why not, is kept.
type devices struct {
	disks []*disk
	warn  func(format string, args ...any) // tells of odd tables, a line each
}

// disk is a Disk with what is on it.
type disk struct {
	Disk
	alias   string // "hd0", "cd0"
	whole   *device
	parts   []*device
	err     error // why there is no device
	scanned bool
}

// device is a disk or partition.
type device struct {
	grub.Device
	vol     volume.Device
	fs      fs.FS
	fsErr   error
	mounted bool // fs or fsErr is final
}

// readOnly hides a disk's way to be written.
type readOnly struct{ volume.Device }

func newDevices(list []Disk, warn func(string, ...any)) *devices {
	d := &devices{warn: warn}
	hd, cd := 0, 0
	for _, disk := range list {
		alias := "hd" + strconv.Itoa(hd)
		if disk.CDROM {
			alias = "cd" + strconv.Itoa(cd)
			cd++
		} else {
			hd++
		}
		d.disks = append(d.disks, newDisk(disk, alias))
	}
	return d
}

func newDisk(d Disk, alias string) *disk {
	return &disk{Disk: d, alias: alias, whole: &device{Device: grub.Device{
		Name: d.Name, Disk: d.Name, Aliases: []string{alias}, ReadOnly: d.ReadOnly || d.CDROM,
	}}}
}

// all lists every disk, each followed by its partitions. Disks that cannot be
// opened are left out; they were told of once.
func (d *devices) all() []*device {
	var list []*device
	for _, disk := range d.disks {
		list = append(list, d.of(disk)...)
	}
	return list
}

// of lists a disk and its partitions.
func (d *devices) of(disk *disk) []*device {
	d.scan(disk)
	if disk.err != nil {
		return nil
	}
	return append([]*device{disk.whole}, disk.parts...)
}

// scan opens a disk and reads its table, once.
func (d *devices) scan(disk *disk) {
	if disk.scanned {
		return
	}
	disk.scanned = true
	vol, err := disk.Open()
	if err != nil {
		disk.err = fmt.Errorf("%s: %w", disk.whole.Name, err)
		if !disk.CDROM { // an empty drive is nothing to tell of
			d.warn("error: %v.", disk.err)
		}
		return
	}
	if disk.whole.ReadOnly {
		vol = readOnly{vol}
	} else if _, ok := vol.(volume.WriterDevice); !ok {
		disk.whole.ReadOnly = true
	}
	disk.whole.vol, disk.whole.Size = vol, vol.Size()
	table, err := volume.Scan(vol)
	if err != nil {
		d.warn("error: %s: %v.", disk.whole.Name, err)
		return
	}
	for _, w := range table.Warnings {
		d.warn("warning: %s: %v", disk.whole.Name, w)
	}
	for _, p := range table.Partitions {
		disk.parts = append(disk.parts, partition(disk, p))
	}
}

// partition names a partition.
func partition(disk *disk, p *volume.Partition) *device {
	number := strconv.Itoa(p.Number)
	return &device{vol: p, Device: grub.Device{
		Name: disk.whole.Name + "," + p.Name(),
		Disk: disk.whole.Name,
		Aliases: []string{
			disk.alias + "," + p.Name(), disk.whole.Name + "," + number, disk.alias + "," + number,
		},
		PartMap:  string(p.Scheme),
		PartUUID: p.UUID,
		Size:     p.Size(),
		ReadOnly: disk.whole.ReadOnly,
	}}
}

// lookup finds a device by name or alias: "xen/xvda", "hd0", "hd0,gpt1",
// "xen/xvda,1". Only the disk that it names is opened.
func (d *devices) lookup(name string) (*device, error) {
	diskName, part, isPart := strings.Cut(name, ",")
	for _, disk := range d.disks {
		if diskName != disk.whole.Name && diskName != disk.alias {
			continue
		}
		if d.scan(disk); disk.err != nil {
			return nil, disk.err
		}
		if !isPart {
			return disk.whole, nil
		}
		for _, p := range disk.parts {
			if _, own, _ := strings.Cut(p.Name, ","); part == own || part == strings.TrimPrefix(own, p.PartMap) {
				return p, nil
			}
		}
		return nil, fmt.Errorf("%s: no partition `%s': %w", disk.whole.Name, part, grub.ErrNoDevice)
	}
	return nil, fmt.Errorf("disk `%s' not found: %w", name, grub.ErrNoDevice)
}

// mount opens the filesystem on a device, once.
func (d *devices) mount(dev *device) (fs.FS, error) {
	if !dev.mounted {
		dev.mounted = true
		if dev.fs, dev.fsErr = all.Open(dev.vol); dev.fsErr != nil {
			dev.fs, dev.fsErr = nil, fmt.Errorf("(%s): %w", dev.Name, dev.fsErr)
		}
	}
	return dev.fs, dev.fsErr
}
