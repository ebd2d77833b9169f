//go:build ppc64 || ppc64le

package main

import (
	"bytes"
	"debug/elf"
	"io"

	"pvboot/guest"
	"pvboot/loader/image"
)

// Where the next image and the device tree go: the image where it is linked.
const (
	kernelAt = 0x400000
	treeAt   = 0x6000000
)

func entry(guest.StartInfo) image.Entry {
	return image.Entry{Mode: image.Real64, PC: kernelAt, Regs: map[string]uint64{"r3": treeAt, "r4": kernelAt}}
}

// memoryOf is what an image is as memory.
func memoryOf(file []byte) ([]byte, error) {
	f, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(f.Progs[0].Open())
}
