package main

import (
	"fmt"

	"pvboot/blkfront"
	"pvboot/loader"
	"pvboot/loader/volume"
)

// findDisks lists the domain's disks for the loader and connects to all of
// them at once: each handshake takes a few round trips through dom0, and the
// loader asks for the first disk long before the last one answers.
func (b *boot) findDisks() []loader.Disk {
	infos, errs := blkfront.Devices(b.domain)
	for _, err := range errs {
		fmt.Fprintln(b.text, err)
	}
	var disks []loader.Disk
	for _, info := range infos {
		disks = append(disks, loader.Disk{
			Name:     info.Name(),
			CDROM:    info.CDROM,
			ReadOnly: info.ReadOnly,
			Open:     b.connect(info),
		})
	}
	return disks
}

// connect begins to connect to a disk and returns the function that waits for
// the end of that.
func (b *boot) connect(info blkfront.Info) func() (volume.Device, error) {
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
		b.disks = append(b.disks, r.dev)
		return r.dev, nil
	}
}

// flush brings what save_env wrote to stable storage. A failure is told and
// no reason to stay: the kernel reads what the backend has.
func (b *boot) flush() {
	for _, dev := range b.disks {
		if dev.Stats().BytesWritten == 0 {
			continue
		}
		if err := dev.Flush(); err != nil {
			fmt.Fprintln(b.text, err)
		}
	}
}
