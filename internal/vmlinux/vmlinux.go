// Package vmlinux takes the kernel proper, an ELF file, out of a bzImage as
// distributions ship it, and says how it was compressed. It speaks the Linux
// boot protocol (Documentation/arch/x86/boot.rst): payload_offset and
// payload_length of version 2.08.
package vmlinux

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os/exec"
)

// Offsets in the boot sector of a bzImage.
const (
	offSetupSects    = 0x1f1
	offMagic         = 0x202
	offVersion       = 0x206
	offPayloadOffset = 0x248
	offPayloadLength = 0x24c
	headerEnd        = 0x250
	minVersion       = 0x0208
	sector           = 512
)

// ErrNotBzImage is returned for a file that has no boot protocol header of
// version 2.08 or later.
var ErrNotBzImage = errors.New("vmlinux: not a bzImage of boot protocol 2.08 or later")

// Codec is a way in which a kernel's payload is compressed.
type Codec struct {
	Name  string   // as in the kernel's CONFIG_KERNEL_…, lower case
	magic string   // what the payload starts with
	tool  []string // decompresses standard input to standard output
}

// codecs are those of the kernel's scripts/extract-vmlinux. Each payload but
// gzip's ends with its uncompressed size, which is cut off first.
var codecs = []Codec{
	{"gzip", "\x1f\x8b\x08", []string{"gzip", "-dc"}},
	{"xz", "\xfd7zXZ\x00", []string{"xz", "-dc", "--single-stream"}},
	{"zstd", "\x28\xb5\x2f\xfd", []string{"zstd", "-dc"}},
	{"bzip2", "BZh", []string{"bzip2", "-dc"}},
	{"lzma", "\x5d\x00\x00", []string{"xz", "-dc", "--format=lzma"}},
	{"lzo", "\x89LZO\x00\r\n\x1a\n", []string{"lzop", "-dc"}},
	{"lz4", "\x02\x21\x4c\x18", []string{"lz4", "-dc"}},
	{"none", "\x7fELF", nil},
}

// Payload returns the compressed kernel in a bzImage and its codec.
func Payload(bz []byte) ([]byte, Codec, error) {
	if len(bz) < headerEnd || string(bz[offMagic:offMagic+4]) != "HdrS" ||
		binary.LittleEndian.Uint16(bz[offVersion:]) < minVersion {
		return nil, Codec{}, ErrNotBzImage
	}
	start := setupSize(bz) + uint64(binary.LittleEndian.Uint32(bz[offPayloadOffset:]))
	length := uint64(binary.LittleEndian.Uint32(bz[offPayloadLength:]))
	if start+length > uint64(len(bz)) {
		return nil, Codec{}, fmt.Errorf("vmlinux: payload of %d bytes at %#x ends outside the file of %d bytes", length, start, len(bz))
	}
	payload := bz[start : start+length]
	for _, c := range codecs {
		if bytes.HasPrefix(payload, []byte(c.magic)) {
			return payload, c, nil
		}
	}
	return nil, Codec{}, fmt.Errorf("vmlinux: payload at %#x is of no known codec: starts with % x", start, payload[:min(8, len(payload))])
}

// setupSize returns the size of a bzImage's boot sector and setup code, in
// bytes. The header's 0 stands for 4 sectors.
func setupSize(bz []byte) uint64 {
	setup := uint64(bz[offSetupSects])
	if setup == 0 {
		setup = 4
	}
	return (setup + 1) * sector
}

// Extract returns the ELF file in a bzImage. Decompression is left to the
// usual tools: gzip, xz, zstd, bzip2, lzop, lz4.
func Extract(bz []byte) ([]byte, error) {
	payload, codec, err := Payload(bz)
	if err != nil {
		return nil, err
	}
	if codec.tool == nil {
		return payload, nil
	}
	// Of gzip the size is a part, and of ELF the tool is nil above.
	if codec.Name != "gzip" && len(payload) > 4 {
		payload = payload[:len(payload)-4]
	}
	var out, msg bytes.Buffer
	cmd := exec.Command(codec.tool[0], codec.tool[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(payload), &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("vmlinux: %s payload: %w: %s", codec.Name, err, bytes.TrimSpace(msg.Bytes()))
	}
	if !bytes.HasPrefix(out.Bytes(), []byte("\x7fELF")) {
		return nil, fmt.Errorf("vmlinux: %s payload is no ELF file", codec.Name)
	}
	return out.Bytes(), nil
}
