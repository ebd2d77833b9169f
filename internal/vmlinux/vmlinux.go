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

	"pvboot/internal/compress"
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

// none is the codec of a payload that is the ELF file itself.
const none = "none"

const elfMagic = "\x7fELF"

// Payload returns the compressed kernel in a bzImage and the name of its codec,
// one of [Codecs].
func Payload(bz []byte) (payload []byte, codec string, err error) {
	if len(bz) < headerEnd || string(bz[offMagic:offMagic+4]) != "HdrS" ||
		binary.LittleEndian.Uint16(bz[offVersion:]) < minVersion {
		return nil, "", ErrNotBzImage
	}
	start := setupSize(bz) + uint64(binary.LittleEndian.Uint32(bz[offPayloadOffset:]))
	length := uint64(binary.LittleEndian.Uint32(bz[offPayloadLength:]))
	if start+length > uint64(len(bz)) {
		return nil, "", fmt.Errorf("vmlinux: payload of %d bytes at %#x ends outside the file of %d bytes", length, start, len(bz))
	}
	payload = bz[start : start+length]
	if bytes.HasPrefix(payload, []byte(elfMagic)) {
		return payload, none, nil
	}
	if f, ok := compress.Detect(payload); ok {
		return payload, f.Name, nil
	}
	return nil, "", fmt.Errorf("vmlinux: payload at %#x is of no known codec: starts with % x", start, payload[:min(8, len(payload))])
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

// Extract returns the ELF file in a bzImage.
func Extract(bz []byte) ([]byte, error) {
	payload, codec, err := Payload(bz)
	if err != nil {
		return nil, err
	}
	if codec == none {
		return payload, nil
	}
	if codec != "gzip" {
		payload, _ = cutSize(payload)
	}
	format, _ := compress.Named(codec)
	elf, err := format.Unpack(payload)
	if err != nil {
		return nil, fmt.Errorf("vmlinux: %s payload: %w", codec, err)
	}
	if !bytes.HasPrefix(elf, []byte(elfMagic)) {
		return nil, fmt.Errorf("vmlinux: %s payload is no ELF file", codec)
	}
	return elf, nil
}
