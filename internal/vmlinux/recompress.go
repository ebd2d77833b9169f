package vmlinux

import (
	"encoding/binary"
	"fmt"
	"slices"

	"pvboot/internal/compress"
)

// More offsets in the boot sector of a bzImage.
const (
	offSysSize    = 0x1f4 // size of what follows the setup code, in 16 bytes
	offXLoadFlags = 0x236
)

// xlfEntries are the bits of xloadflags that offer entry points behind the
// setup code: 64-bit, and EFI's.
const xlfEntries = 1<<0 | 1<<2 | 1<<3

// filters are xz's for x86 code.
var filters = map[string][]string{"xz": {"--x86"}}

// Codecs lists the names of the codecs that Recompress knows: the formats of
// package compress, and none.
func Codecs() []string {
	names := append(compress.Names(), none)
	slices.Sort(names)
	return names
}

// Recompress returns a bzImage with the same kernel, compressed with another
// codec. It is for PV domains, whose builders and loaders take the payload out
// themselves. The code that would decompress it is of the old codec, so it is
// left out and the header offers no entry to it.
func Recompress(bz []byte, codec string) ([]byte, error) {
	format, ok := compress.Named(codec)
	if !ok && codec != none {
		return nil, fmt.Errorf("vmlinux: codec %q: want one of %v", codec, Codecs())
	}
	elf, err := Extract(bz)
	if err != nil {
		return nil, err
	}
	payload := elf
	if codec != none {
		if payload, err = format.Pack(elf, filters[codec]...); err != nil {
			return nil, fmt.Errorf("vmlinux: %w", err)
		}
	}
	if codec != "gzip" && codec != none {
		payload = withSize(payload, len(elf))
	}
	return replacePayload(bz, payload), nil
}

// withSize returns a payload with the uncompressed size behind it, as each
// codec but gzip, whose format has it, wants it.
func withSize(payload []byte, size int) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clip(payload), uint32(size))
}

// replacePayload returns a bzImage with another payload, the last part of it.
func replacePayload(bz, payload []byte) []byte {
	offset := setupSize(bz) + uint64(binary.LittleEndian.Uint32(bz[offPayloadOffset:]))
	out := append(slices.Clone(bz[:offset]), payload...)
	out = append(out, make([]byte, -len(out)&15)...)
	le := binary.LittleEndian
	le.PutUint32(out[offPayloadLength:], uint32(len(payload)))
	le.PutUint32(out[offSysSize:], uint32((uint64(len(out))-setupSize(bz))/16))
	le.PutUint16(out[offXLoadFlags:], le.Uint16(out[offXLoadFlags:])&^xlfEntries)
	return out
}
