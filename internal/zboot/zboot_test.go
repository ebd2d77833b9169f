package zboot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// image returns something that starts like an Image, takes extra bytes more in
// memory than in the file, and can be compressed.
func image(extra int) []byte {
	b := make([]byte, 64)
	copy(b, "MZ")
	copy(b[56:], "ARM\x64")
	b = append(b, strings.Repeat("text and data of a kernel. ", 4000)...)
	binary.LittleEndian.PutUint64(b[offImageSize:], uint64(len(b)+extra))
	return b
}

func TestPack(t *testing.T) {
	want := []string{"gzip", "none", "zboot-gzip", "zboot-lz4", "zboot-lzma", "zboot-lzo", "zboot-xz", "zboot-zstd"}
	if diff := cmp.Diff(want, Codecs()); diff != "" {
		t.Errorf("codecs (-want +got):\n%s", diff)
	}
	kernel := image(5000)
	for _, codec := range Codecs() {
		packed, err := Pack(kernel, codec)
		if err != nil {
			t.Errorf("%s: %v", codec, err)
			continue
		}
		if codec != "none" && len(packed) > len(kernel)/5 {
			t.Errorf("%s: %d bytes are hardly compressed", codec, len(packed))
		}
		got, err := Unpack(packed)
		if err != nil {
			t.Errorf("%s: %v", codec, err)
			continue
		}
		want := kernel
		if strings.HasPrefix(codec, prefix) {
			want = append(slices.Clone(kernel), make([]byte, 5000)...)
			checkHeader(t, codec, packed, uint32(len(want)))
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: another kernel of %d bytes came out, want %d", codec, len(got), len(want))
		}
	}
}

// checkHeader checks what other loaders read, by fixed offsets.
func checkHeader(t *testing.T, codec string, packed []byte, size uint32) {
	t.Helper()
	le := binary.LittleEndian
	compression := map[string]string{"zboot-gzip": "gzip\x00", "zboot-lz4": "lz4\x00", "zboot-lzma": "lzma\x00",
		"zboot-lzo": "lzo\x00", "zboot-xz": "xzkern\x00", "zboot-zstd": "zstd22\x00"}[codec]
	if string(packed[:8]) != "MZ\x00\x00zimg" || !strings.HasPrefix(string(packed[24:]), compression) {
		t.Errorf("%s: header % x", codec, packed[:0x40])
	}
	if pe := le.Uint32(packed[0x3c:]); string(packed[pe:pe+6]) != "PE\x00\x00\x64\xaa" {
		t.Errorf("%s: PE header % x", codec, packed[pe:pe+24])
	}
	end := le.Uint32(packed[8:]) + le.Uint32(packed[12:])
	if codec == "zboot-gzip" {
		end -= 4
	}
	if got := le.Uint32(packed[end:]); got != size {
		t.Errorf("%s: size %d behind the payload, want %d", codec, got, size)
	}
}

func TestPackRefuses(t *testing.T) {
	short := image(0)
	binary.LittleEndian.PutUint64(short[offImageSize:], 100)
	huge := image(0)
	binary.LittleEndian.PutUint64(huge[offImageSize:], 1<<40)
	for name, c := range map[string]struct {
		image []byte
		codec string
		want  string
	}{
		"empty":       {nil, "none", ErrNotImage.Error()},
		"no image":    {make([]byte, 1000), "gzip", ErrNotImage.Error()},
		"codec":       {image(0), "xz", `codec "xz": want one of`},
		"zboot codec": {image(0), "zboot-rot13", `codec "zboot-rot13": want one of`},
		"too small":   {short, "zboot-gzip", "says that it takes 100 in memory"},
		"too large":   {huge, "zboot-gzip", "says that it takes 1099511627776 in memory"},
	} {
		if _, err := Pack(c.image, c.codec); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestUnpackRefuses(t *testing.T) {
	good, err := Pack(image(0), "zboot-gzip")
	if err != nil {
		t.Fatal(err)
	}
	edit := func(offset int, value uint32) []byte {
		b := slices.Clone(good)
		binary.LittleEndian.PutUint32(b[offset:], value)
		return b
	}
	for name, c := range map[string]struct {
		kernel []byte
		want   string
	}{
		"empty":       {nil, ErrNotImage.Error()},
		"header":      {good[:zbootHeader-1], ErrNotImage.Error()},
		"offset":      {edit(offPayloadOffset, 1<<32-1), "ends outside the file"},
		"size":        {edit(offPayloadSize, 1<<32-1), "ends outside the file"},
		"compression": {edit(offCompression, 0x3174_6f72), `unknown compression "rot1"`},
		"payload":     {edit(payloadOffset+20, 0), "zboot: gzip: "},
		"no kernel":   {wrap(gzipped(t, "text"), "gzip", 4), ErrNotImage.Error()},
	} {
		if _, err := Unpack(c.kernel); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := Unpack(nil); !errors.Is(err, ErrNotImage) {
		t.Errorf("%v is not ErrNotImage", err)
	}
}

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	data, err := pack([]byte(s), "gzip")
	if err != nil {
		t.Fatal(err)
	}
	return data
}
