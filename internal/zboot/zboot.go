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
	"os/exec"
	"slices"
	"strings"
)

// Offsets in the header of an arm64 Image (Documentation/arch/arm64/booting.rst).
const (
	offImageSize  = 16
	offImageMagic = 56
	imageHeader   = 64

	imageMagic = "ARM\x64"
)

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

// codec is a way in which an Image is compressed.
type codec struct {
	compression string // its name in the header
	pack        []string
	unpack      []string
}

// codecs have the options of the kernel's scripts/Makefile.lib, but for faster
// levels.
var codecs = map[string]codec{
	"gzip": {"gzip", []string{"gzip", "-nc", "-9"}, []string{"gzip", "-dc"}},
	"lz4":  {"lz4", []string{"lz4", "-lc", "-9"}, []string{"lz4", "-dc"}},
	"lzma": {"lzma", []string{"xz", "-zc", "--format=lzma", "-1"}, []string{"xz", "-dc", "--format=lzma"}},
	"lzo":  {"lzo", []string{"lzop", "-c", "-9"}, []string{"lzop", "-dc"}},
	"xz":   {"xzkern", []string{"xz", "-zc", "--check=crc32", "--lzma2=dict=32MiB,preset=1"}, []string{"xz", "-dc"}},
	"zstd": {"zstd22", []string{"zstd", "-c", "-q", "-10", "--long=27"}, []string{"zstd", "-dc"}},
}

// Codecs lists what Pack knows: none (an Image), gzip (an Image.gz), and zboot
// images.
func Codecs() []string {
	names := []string{"gzip", "none"}
	for name := range codecs {
		names = append(names, prefix+name)
	}
	slices.Sort(names)
	return names
}

// ErrNotImage is returned for a kernel that is no arm64 Image.
var ErrNotImage = errors.New("zboot: not an arm64 Image")

// Pack packs an Image.
func Pack(image []byte, name string) ([]byte, error) {
	if len(image) < imageHeader || string(image[offImageMagic:offImageMagic+4]) != imageMagic {
		return nil, ErrNotImage
	}
	c, zboot := codecs[strings.TrimPrefix(name, prefix)], strings.HasPrefix(name, prefix)
	switch {
	case name == "none":
		return image, nil
	case name == "gzip":
		return run(image, c.pack)
	case !zboot || c.pack == nil:
		return nil, fmt.Errorf("zboot: codec %q: want one of %v", name, Codecs())
	}
	// The build pads the Image up to what it takes in memory.
	size := binary.LittleEndian.Uint64(image[offImageSize:])
	if size < uint64(len(image)) || size > maxImage {
		return nil, fmt.Errorf("zboot: Image of %d bytes says that it takes %d in memory", len(image), size)
	}
	padded := append(slices.Clip(image), make([]byte, size-uint64(len(image)))...)
	payload, err := run(padded, c.pack)
	if err != nil {
		return nil, err
	}
	return wrap(payload, c.compression, uint32(size)), nil
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
		image, err = run(kernel, codecs["gzip"].unpack)
	case bytes.HasPrefix(kernel, []byte(zbootMagic)) && len(kernel) >= zbootHeader:
		image, err = unwrap(kernel)
	}
	if err != nil {
		return nil, err
	}
	if len(image) < imageHeader || string(image[offImageMagic:offImageMagic+4]) != imageMagic {
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
	for _, c := range codecs {
		if c.compression == string(compression) {
			return run(kernel[start:start+size], c.unpack)
		}
	}
	return nil, fmt.Errorf("zboot: unknown compression %q", compression)
}

// run passes data through a tool.
func run(data []byte, tool []string) ([]byte, error) {
	var out, msg bytes.Buffer
	cmd := exec.Command(tool[0], tool[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("zboot: %s: %w: %s", tool[0], err, bytes.TrimSpace(msg.Bytes()))
	}
	return out.Bytes(), nil
}
