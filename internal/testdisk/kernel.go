package testdisk

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"pvboot/internal/cache"
	"pvboot/internal/vmlinux"
)

// kernelImage returns the kernel as it goes onto the disk.
func (d *disk) kernelImage() ([]byte, error) {
	image, err := os.ReadFile(d.Kernel.Image)
	if err != nil || d.Codec == "" {
		return image, err
	}
	_, stock, err := vmlinux.Payload(image)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Kernel.Image, err)
	}
	if stock.Name == d.Codec {
		return image, nil
	}
	// Compressing takes a while.
	key := cache.Key("1", d.Codec, cache.Key(string(image)))
	dir, err := d.Cache.Build("kernel", key, func(dir string) error {
		other, err := vmlinux.Recompress(image, d.Codec)
		if err != nil {
			return err
		}
		// A kernel that does not come back as it was is no test of anything.
		before, err := vmlinux.Extract(image)
		if err != nil {
			return err
		}
		after, err := vmlinux.Extract(other)
		if err != nil {
			return err
		}
		if !bytes.Equal(before, after) {
			return fmt.Errorf("%s: does not decompress to the same kernel", d.Codec)
		}
		return os.WriteFile(filepath.Join(dir, "vmlinuz"), other, 0o644)
	})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "vmlinuz"))
}
