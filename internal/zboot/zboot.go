// Package zboot packs arm64 kernels as Linux's build does (make Image.gz and
// vmlinuz.efi), and unpacks them: for test disks, with the usual tools of the
// host. An EFI zboot image is an EFI application that unpacks its payload, a
// compressed Image; the header in front (drivers/firmware/efi/libstub,
// zboot-header.S) tells other loaders where that is. The application itself is
// left out, so firmware cannot start what Pack returns.
package zboot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"pvboot/internal/compress"
	"pvboot/internal/linuximage"
)

// offImageSize is where an arm64 Image says how much memory it takes
// (Documentation/arch/arm64/booting.rst).
const offImageSize = 16

// Offsets in the header of a zboot image.
const (
	offType          = 4 // "zimg"
	offPayloadOffset = 8
	offPayloadSize   = 12
	offCompression   = 24 // name, ends with a zero
	offLinuxMagic    = 0x38
	offPEHeader      = 0x3c
	zbootHeader      = 0x40

	zbootMagic = "MZ\x00\x00zimg"
	linuxMagic = 0x818223cd // LINUX_PE_MAGIC of Linux's linux/pe.h
)

// maxImage bounds what an Image may say of its size, in bytes.
const maxImage = 1 << 30

// prefix stands before the names of the codecs of zboot images.
const prefix = "zboot-"

// compressions are the names that zboot headers give formats of package
// compress (the kernel's drivers/firmware/efi/libstub/Makefile.zboot).
var compressions = map[string]string{
	"gzip": "gzip", "lz4": "lz4", "lzma": "lzma", "lzo": "lzo", "xz": "xzkern", "zstd": "zstd22",
}

// Codecs lists what Pack knows: none (an Image), gzip (an Image.gz), and zboot
// images.
func Codecs() []string {
	names := []string{"gzip", "none"}
	for name := range compressions {
		names = append(names, prefix+name)
	}
	slices.Sort(names)
	return names
}

// ErrNotImage is returned for a kernel that is no arm64 Image.
var ErrNotImage = errors.New("zboot: not an arm64 Image")

// Pack packs an Image.
func Pack(image []byte, name string) ([]byte, error) {
	if !linuximage.ARM64.Is(image) {
		return nil, ErrNotImage
	}
	format, zboot := strings.CutPrefix(name, prefix)
	compression, known := compressions[format]
	switch {
	case name == "none":
		return image, nil
	case name == "gzip":
		return pack(image, name)
	case !zboot || !known:
		return nil, fmt.Errorf("zboot: codec %q: want one of %v", name, Codecs())
	}
	// The build pads the Image up to what it takes in memory.
	size := binary.LittleEndian.Uint64(image[offImageSize:])
	if size < uint64(len(image)) || size > maxImage {
		return nil, fmt.Errorf("zboot: Image of %d bytes says that it takes %d in memory", len(image), size)
	}
	padded := append(slices.Clip(image), make([]byte, size-uint64(len(image)))...)
	payload, err := pack(padded, format)
	if err != nil {
		return nil, err
	}
	return wrap(payload, compression, uint32(size)), nil
}

// pack and unpack are package compress's by name, with errors of this one.
func pack(data []byte, format string) ([]byte, error) {
	f, _ := compress.Named(format)
	return named(f.Pack(data))
}

func unpack(data []byte, format string) ([]byte, error) {
	f, _ := compress.Named(format)
	return named(f.Unpack(data))
}

func named(data []byte, err error) ([]byte, error) {
	if err != nil {
		err = fmt.Errorf("zboot: %w", err)
	}
	return data, err
}

// payloadOffset is where Pack puts the payload, in bytes.
const payloadOffset = 0x1000

// wrap returns a zboot image. The size of what was compressed stands behind
// the payload and, as gzip has it already, counts in gzip's payload only.
func wrap(payload []byte, compression string, size uint32) []byte {
	le := binary.LittleEndian
	out := make([]byte, payloadOffset)
	copy(out, zbootMagic)
	le.PutUint32(out[offPayloadOffset:], payloadOffset)
	le.PutUint32(out[offPayloadSize:], uint32(len(payload)))
	copy(out[offCompression:], compression)
	le.PutUint32(out[offLinuxMagic:], linuxMagic)
	le.PutUint32(out[offPEHeader:], zbootHeader)
	putPEHeader(out[zbootHeader:])
	out = append(out, payload...)
	if compression != "gzip" {
		out = le.AppendUint32(out, size)
	}
	// Code and data follow in a real one, up to a multiple of 512 bytes.
	return append(out, make([]byte, 512+-len(out)&511)...)
}

// putPEHeader writes the start of a PE header without sections (the PE format,
// section COFF File Header).
func putPEHeader(b []byte) {
	const machineARM64, executable = 0xaa64, 0x0002
	copy(b, "PE\x00\x00")
	binary.LittleEndian.PutUint16(b[4:], machineARM64)
	binary.LittleEndian.PutUint16(b[22:], executable)
}

// Unpack returns the Image in a kernel that is packed in any of the ways.
func Unpack(kernel []byte) ([]byte, error) {
	image := kernel
	var err error
	switch {
	case bytes.HasPrefix(kernel, []byte("\x1f\x8b\x08")):
		image, err = unpack(kernel, "gzip")
	case bytes.HasPrefix(kernel, []byte(zbootMagic)) && len(kernel) >= zbootHeader:
		image, err = unwrap(kernel)
	}
	if err != nil {
		return nil, err
	}
	if !linuximage.ARM64.Is(image) {
		return nil, ErrNotImage
	}
	return image, nil
}

// unwrap decompresses the payload of a zboot image.
func unwrap(kernel []byte) ([]byte, error) {
	le := binary.LittleEndian
	start := uint64(le.Uint32(kernel[offPayloadOffset:]))
	size := uint64(le.Uint32(kernel[offPayloadSize:]))
	if start+size > uint64(len(kernel)) {
		return nil, fmt.Errorf("zboot: payload of %d bytes at %#x ends outside the file of %d bytes", size, start, len(kernel))
	}
	compression, _, _ := bytes.Cut(kernel[offCompression:offLinuxMagic], []byte{0})
	for format, name := range compressions {
		if name == string(compression) {
			return unpack(kernel[start:start+size], format)
		}
	}
	return nil, fmt.Errorf("zboot: unknown compression %q", compression)
}
