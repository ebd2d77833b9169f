// Package compress runs the host's compressors as the kernel's makefiles do
// (scripts/Makefile.lib), for test disks: gzip, xz, zstd, bzip2, lzop, lz4. The
// loader's own decoders are in loader/image/codec, and are tested with what
// comes from here.
package compress

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
)

// A Format is a way to compress.
type Format struct {
	Name  string // as in the kernel's CONFIG_KERNEL_…, lower case
	magic string // what compressed data starts with

	pack    []string // compresses standard input to standard output
	encoder []string // the end of pack, behind filters
	unpack  []string // the opposite
}

// formats have the options of the kernel, but for faster levels.
var formats = []Format{
	{"gzip", "\x1f\x8b\x08", []string{"gzip", "-nc", "-9"}, nil, []string{"gzip", "-dc"}},
	{"xz", "\xfd7zXZ\x00", []string{"xz", "-zc", "--check=crc32"}, []string{"--lzma2=dict=32MiB,preset=1"}, []string{"xz", "-dc", "--single-stream"}},
	{"zstd", "\x28\xb5\x2f\xfd", []string{"zstd", "-c", "-q", "-10", "--long=27"}, nil, []string{"zstd", "-dc"}},
	{"bzip2", "BZh", []string{"bzip2", "-zc", "-9"}, nil, []string{"bzip2", "-dc"}},
	{"lzma", "\x5d\x00\x00", []string{"xz", "-zc", "--format=lzma", "-1"}, nil, []string{"xz", "-dc", "--format=lzma"}},
	{"lzo", "\x89LZO\x00\r\n\x1a\n", []string{"lzop", "-c", "-9"}, nil, []string{"lzop", "-dc"}},
	{"lz4", "\x02\x21\x4c\x18", []string{"lz4", "-lc", "-9"}, nil, []string{"lz4", "-dc"}},
}

// Names lists the formats.
func Names() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.Name)
	}
	return names
}

// Named finds a format; false when there is none of that name.
func Named(name string) (Format, bool) {
	return find(func(f Format) bool { return f.Name == name })
}

// Detect finds the format by the first bytes of compressed data.
func Detect(data []byte) (Format, bool) {
	return find(func(f Format) bool { return bytes.HasPrefix(data, []byte(f.magic)) })
}

func find(is func(Format) bool) (Format, bool) {
	if i := slices.IndexFunc(formats, is); i >= 0 {
		return formats[i], true
	}
	return Format{}, false
}

// Pack compresses data, in xz's case through filters ("--x86").
func (f Format) Pack(data []byte, filters ...string) ([]byte, error) {
	return run(data, slices.Concat(f.pack, filters, f.encoder))
}

// Unpack decompresses data.
func (f Format) Unpack(data []byte) ([]byte, error) { return run(data, f.unpack) }

// run passes data through a tool.
func run(data []byte, tool []string) ([]byte, error) {
	var out, msg bytes.Buffer
	cmd := exec.Command(tool[0], tool[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", tool[0], err, bytes.TrimSpace(msg.Bytes()))
	}
	return out.Bytes(), nil
}
