package loader

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"path"
	"slices"
	"strings"

	"pvboot/loader/fs"
)

// configPaths are the places of a configuration, in the order in which pygrub
// looks on each disk and partition (tools/pygrub, read_config); GRUB's $prefix
// is one of the first two.
var configPaths = []string{
	"boot/grub/grub.cfg",
	"grub/grub.cfg",
	"boot/grub2/grub.cfg",
	"grub2/grub.cfg",
}

// efiFolder holds a folder for each distribution on an EFI system partition;
// its grub.cfg leads to the real one. GRUB's EFI builds begin there.
const efiFolder = "EFI"

// maxVendors bounds the folders below efiFolder that are looked into.
const maxVendors = 64

// config is a configuration file that was found.
type config struct {
	device *device
	path   string // without a leading slash
}

// String is GRUB's name of the file: "(xen/xvda,gpt1)/boot/grub/grub.cfg".
func (c config) String() string { return fmt.Sprintf("(%s)/%s", c.device.Name, c.path) }

// directory is GRUB's prefix: the file's folder.
func (c config) directory() string {
	return fmt.Sprintf("(%s)/%s", c.device.Name, path.Dir(c.path))
}

// find looks for a configuration on each disk in order, first on the whole
// disk and then on its partitions; the first one wins. Beside a configuration
// the guest's own loader comes first; see chain. EFI system partitions come
// last, as what they hold only leads to another one. When there is none, find
// tells where it looked.
func (s *session) find(ctx context.Context) (config, bool) {
	var seen []string
	var mounted []*device
	for _, disk := range s.devices.disks {
		for _, dev := range s.devices.of(disk) {
			if ctx.Err() != nil {
				return config{}, false
			}
			fsys, err := s.devices.mount(dev)
			switch {
			case errors.Is(err, fs.ErrUnknown):
				if len(disk.parts) == 0 || dev != disk.whole {
					seen = append(seen, dev.Name+" (unknown filesystem)")
				}
				continue
			case err != nil:
				s.say("error: %v.", err)
				seen = append(seen, dev.Name+" (unreadable)")
				continue
			}
			mounted = append(mounted, dev)
			seen = append(seen, fmt.Sprintf("%s (%s)", dev.Name, fsys.Type()))
			if s.chain(ctx, dev); ctx.Err() != nil {
				return config{}, false
			}
			if name, ok := s.first(dev, configPaths); ok {
				return config{dev, name}, true
			}
		}
	}
	for _, dev := range mounted {
		if name, ok := s.first(dev, vendorPaths(dev.fs)); ok {
			return config{dev, name}, true
		}
	}
	if len(seen) == 0 {
		seen = []string{"no disks"}
	}
	s.say("error: no grub.cfg found on %s.", strings.Join(seen, ", "))
	return config{}, false
}

// first is the first of the paths that is a file on the device. Errors other
// than that there is no such file are told.
func (s *session) first(dev *device, paths []string) (string, bool) {
	for _, name := range paths {
		info, err := dev.fs.Stat(name)
		switch {
		case err == nil && info.Mode().IsRegular():
			return name, true
		case err == nil:
			s.say("error: %s: not a regular file.", config{dev, name})
		case !errors.Is(err, iofs.ErrNotExist):
			s.say("error: %s: %v.", config{dev, name}, err)
		}
	}
	return "", false
}

// vendorPaths lists the configurations of an EFI system partition that may
// exist, the removable-media folder BOOT last.
func vendorPaths(fsys fs.FS) []string {
	entries, err := fsys.ReadDir(efiFolder)
	if err != nil {
		return nil
	}
	var paths, last []string
	for _, e := range entries[:min(len(entries), maxVendors)] {
		p := path.Join(efiFolder, e.Name(), "grub.cfg")
		if strings.EqualFold(e.Name(), "BOOT") {
			last = append(last, p)
		} else if iofs.ValidPath(p) {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return append(paths, last...)
}
