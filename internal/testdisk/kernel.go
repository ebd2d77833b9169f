package testdisk

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"pvboot/internal/cache"
	"pvboot/internal/compress"
	"pvboot/internal/vmlinux"
)

// packing is how an architecture's kernels are packed.
type packing struct {
	codecs func() []string
	pack   func(kernel []byte, codec string) ([]byte, error)
	unpack func(kernel []byte) ([]byte, error)
}

// packBzImage compresses a bzImage's payload anew. With its own codec it stays
// as it is, which, other than what Recompress makes, is no matter of PV only.
func packBzImage(image []byte, codec string) ([]byte, error) {
	_, stock, err := vmlinux.Payload(image)
	if err != nil || stock == codec {
		return image, err
	}
	return vmlinux.Recompress(image, codec)
}

// gzipPacking is that of kernels whose own build makes them plain or, as Image.gz
// and vmlinux.gz, compressed by gzip as a whole.
func gzipPacking(is func(kernel []byte) bool) packing {
	gzip, _ := compress.Named("gzip")
	unpack := func(kernel []byte) ([]byte, error) {
		var err error
		if f, ok := compress.Detect(kernel); ok && f.Name == gzip.Name {
			kernel, err = gzip.Unpack(kernel)
		}
		if err == nil && !is(kernel) {
			err = errors.New("not a kernel of this architecture")
		}
		return kernel, err
	}
	return packing{
		codecs: func() []string { return []string{gzip.Name, "none"} },
		unpack: unpack,
		pack: func(kernel []byte, codec string) ([]byte, error) {
			plain, err := unpack(kernel)
			if err != nil || codec != gzip.Name {
				return plain, err
			}
			return gzip.Pack(plain)
		},
	}
}

// isPPC64LE says whether a kernel is a vmlinux for 64-bit PowerPC,
// little-endian (System V gABI, chapter 4, "ELF Header").
func isPPC64LE(kernel []byte) bool {
	f, err := elf.NewFile(bytes.NewReader(kernel))
	return err == nil && f.Class == elf.ELFCLASS64 && f.Data == elf.ELFDATA2LSB && f.Machine == elf.EM_PPC64
}

// Codecs lists what Config.Codec can be on an architecture.
func Codecs(arch string) []string { return architectures[arch].codecs() }

// kernelImage returns the kernel as it goes onto the disk.
func (d *disk) kernelImage(codec string) ([]byte, error) {
	image, err := os.ReadFile(d.Kernel.Image)
	if err != nil || codec == "" {
		return image, err
	}
	other, err := PackKernel(d.Cache, d.Arch, codec, image)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Kernel.Image, err)
	}
	return other, nil
}

// PackKernel returns a kernel packed with one of [Codecs]. Compressing takes a
// while, so the result is kept in the cache.
func PackKernel(keep cache.Dir, arch, codec string, image []byte) ([]byte, error) {
	key := cache.Key("2", arch, codec, cache.Key(string(image)))
	dir, err := keep.Build("kernel", key, func(dir string) error {
		other, err := repack(architectures[arch].packing, image, codec)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "vmlinuz"), other, 0o644)
	})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "vmlinuz"))
}

// repack packs a kernel anew. One that does not come back as it was would be
// no test of anything.
func repack(p packing, image []byte, codec string) ([]byte, error) {
	before, err := p.unpack(image)
	if err != nil {
		return nil, err
	}
	other, err := p.pack(image, codec)
	if err != nil {
		return nil, err
	}
	after, err := p.unpack(other)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(after, before) || len(bytes.Trim(after[len(before):], "\x00")) != 0 {
		return nil, fmt.Errorf("%s: does not decompress to the same kernel", codec)
	}
	return other, nil
}
