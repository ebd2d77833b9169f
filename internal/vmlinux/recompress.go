package vmlinux

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os/exec"
	"slices"
)

// More offsets in the boot sector of a bzImage.
const (
	offSysSize    = 0x1f4 // size of what follows the setup code, in 16 bytes
	offXLoadFlags = 0x236
)

// xlfEntries are the bits of xloadflags that offer entry points behind the
// setup code: 64-bit, and EFI's.
const xlfEntries = 1<<0 | 1<<2 | 1<<3

// compressors write what the kernel's own makefiles make, with the options of
// its scripts/Makefile.lib, a faster level apart.
var compressors = map[string][]string{
	"gzip":  {"gzip", "-nc", "-9"},
	"xz":    {"xz", "-zc", "--check=crc32", "--x86", "--lzma2=dict=32MiB,preset=1"},
	"zstd":  {"zstd", "-c", "-q", "-10", "--long=27"},
	"bzip2": {"bzip2", "-zc", "-9"},
	"lzma":  {"xz", "-zc", "--format=lzma", "-1"},
	"lzo":   {"lzop", "-c", "-9"},
	"lz4":   {"lz4", "-lc", "-9"},
	"none":  nil,
}

// Codecs lists the names of the codecs that Recompress knows.
func Codecs() []string {
	var names []string
	for _, c := range codecs {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return names
}

// Recompress returns a bzImage with the same kernel, compressed with another
// codec. It is for PV domains, whose builders and loaders take the payload out
// themselves. The code that would decompress it is of the old codec, so it is
// left out and the header offers no entry to it.
func Recompress(bz []byte, codec string) ([]byte, error) {
	args, ok := compressors[codec]
	if !ok {
		return nil, fmt.Errorf("vmlinux: codec %q: want one of %v", codec, Codecs())
	}
	elf, err := Extract(bz)
	if err != nil {
		return nil, err
	}
	payload := elf
	if args != nil {
		if payload, err = compress(elf, args); err != nil {
			return nil, err
		}
	}
	if codec != "gzip" && codec != "none" {
		payload = binary.LittleEndian.AppendUint32(payload, uint32(len(elf)))
	}
	offset := setupSize(bz) + uint64(binary.LittleEndian.Uint32(bz[offPayloadOffset:]))
	out := append(slices.Clone(bz[:offset]), payload...)
	out = append(out, make([]byte, -len(out)&15)...)
	le := binary.LittleEndian
	le.PutUint32(out[offPayloadLength:], uint32(len(payload)))
	le.PutUint32(out[offSysSize:], uint32((uint64(len(out))-setupSize(bz))/16))
	le.PutUint16(out[offXLoadFlags:], le.Uint16(out[offXLoadFlags:])&^xlfEntries)
	return out, nil
}

func compress(data []byte, args []string) ([]byte, error) {
	var out, msg bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("vmlinux: %s: %w: %s", args[0], err, bytes.TrimSpace(msg.Bytes()))
	}
	return out.Bytes(), nil
}
