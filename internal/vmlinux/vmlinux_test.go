package vmlinux

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"pvboot/internal/compress"
)

// kernel is something that compresses and starts like a kernel.
var kernel = []byte("\x7fELF" + strings.Repeat("text and data of a kernel. ", 4000))

// bzImage returns a bzImage with a payload at an offset behind its setup code,
// and some code behind it.
func bzImage(sectors byte, payload []byte) []byte {
	const offset = 0x300
	setup := int(sectors)
	if setup == 0 {
		setup = 4
	}
	image := make([]byte, (setup+1)*sector)
	image[offSetupSects] = sectors
	copy(image[offMagic:], "HdrS")
	le := binary.LittleEndian
	le.PutUint16(image[offVersion:], 0x20f)
	le.PutUint16(image[offXLoadFlags:], 0x7f)
	le.PutUint32(image[offPayloadOffset:], offset)
	le.PutUint32(image[offPayloadLength:], uint32(len(payload)))
	image = append(image, bytes.Repeat([]byte{0x90}, offset)...)
	image = append(image, payload...)
	return append(image, "code that decompresses"...)
}

func TestRecompress(t *testing.T) {
	for _, sectors := range []byte{0, 4, 27} {
		first := bzImage(sectors, kernel)
		for _, codec := range Codecs() {
			image, err := Recompress(first, codec)
			if err != nil {
				t.Errorf("%s: %v", codec, err)
				continue
			}
			payload, got, err := Payload(image)
			if err != nil || got != codec {
				t.Errorf("%s: payload of codec %q, %v", codec, got, err)
			}
			if codec != "none" && len(payload) > len(kernel)/10 {
				t.Errorf("%s: payload of %d bytes is hardly compressed", codec, len(payload))
			}
			if elf, err := Extract(image); err != nil || !bytes.Equal(elf, kernel) {
				t.Errorf("%s: another kernel of %d bytes came out: %v", codec, len(elf), err)
			}
			if flags := binary.LittleEndian.Uint16(image[offXLoadFlags:]); flags&xlfEntries != 0 {
				t.Errorf("%s: the header offers entries: %#x", codec, flags)
			}
			if size := uint64(binary.LittleEndian.Uint32(image[offSysSize:])) * 16; size+setupSize(image) != uint64(len(image)) {
				t.Errorf("%s: the header says %d bytes, have %d", codec, size, len(image))
			}
		}
	}
	if !slices.Contains(Codecs(), "xz") {
		t.Errorf("codecs %v lack Debian's own", Codecs())
	}
	if _, err := Recompress(bzImage(4, kernel), "rot13"); err == nil {
		t.Error("an unknown codec: no error")
	}
}

func TestBadImages(t *testing.T) {
	good := bzImage(4, kernel)
	change := func(edit func(b []byte)) []byte {
		b := slices.Clone(good)
		edit(b)
		return b
	}
	le := binary.LittleEndian
	for name, c := range map[string]struct {
		image []byte
		want  string
	}{
		"empty":        {nil, ErrNotBzImage.Error()},
		"short":        {good[:headerEnd-1], ErrNotBzImage.Error()},
		"no magic":     {change(func(b []byte) { b[offMagic] = 'h' }), ErrNotBzImage.Error()},
		"old protocol": {change(func(b []byte) { le.PutUint16(b[offVersion:], 0x207) }), ErrNotBzImage.Error()},
		"offset":       {change(func(b []byte) { le.PutUint32(b[offPayloadOffset:], 1<<31) }), "ends outside the file"},
		"length":       {change(func(b []byte) { le.PutUint32(b[offPayloadLength:], 1<<32-1) }), "ends outside the file"},
		"unknown":      {bzImage(4, []byte("some text")), "of no known codec"},
		"corrupt gzip": {bzImage(4, []byte("\x1f\x8b\x08 and then nothing")), "gzip payload"},
		"no kernel":    {bzImage(4, gzipped(t, "not a kernel")), "gzip payload is no ELF file"},
	} {
		if _, err := Extract(c.image); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := Extract(nil); !errors.Is(err, ErrNotBzImage) {
		t.Errorf("%v is not ErrNotBzImage", err)
	}
}

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	gzip, _ := compress.Named("gzip")
	data, err := gzip.Pack([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func FuzzPayload(f *testing.F) {
	f.Add(bzImage(4, kernel[:100]))
	f.Add(bzImage(0, []byte("\x1f\x8b\x08")))
	f.Add([]byte("HdrS"))
	f.Fuzz(func(t *testing.T, image []byte) {
		if payload, _, err := Payload(image); err == nil && len(payload) > len(image) {
			t.Errorf("payload of %d bytes in %d", len(payload), len(image))
		}
	})
}
