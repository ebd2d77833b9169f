// Package all lists the filesystem readers and opens the one that fits a
// device. A new reader is one package below loader/fs and one line here.
package all

import (
	"errors"

	"pvboot/loader/fs"
	"pvboot/loader/fs/ext4"
	"pvboot/loader/volume"
)

// readers are tried in this order.
var readers = []func(volume.Device) (fs.FS, error){
	func(d volume.Device) (fs.FS, error) { return ext4.Open(d) },
}

// Open finds out which filesystem a device holds and opens it. The error
// wraps fs.ErrUnknown when no reader knows it; any other error is of the
// reader that recognized its filesystem but cannot read it.
func Open(dev volume.Device) (fs.FS, error) {
	for _, open := range readers {
		f, err := open(dev)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, fs.ErrUnknown) {
			return nil, err
		}
	}
	return nil, fs.ErrUnknown
}
