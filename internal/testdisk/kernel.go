package testdisk

import (
	"fmt"
	"os"
)

// kernelImage returns the kernel as it goes onto the disk.
func (d *disk) kernelImage() ([]byte, error) {
	image, err := os.ReadFile(d.Kernel.Image)
	if err != nil {
		return nil, err
	}
	if d.Codec != "" {
		return nil, fmt.Errorf("codec %s: not known", d.Codec)
	}
	return image, nil
}
