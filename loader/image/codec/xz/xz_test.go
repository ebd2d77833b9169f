package xz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"pvboot/loader/image/codec/codectest"
)

// sample has five blocks, filtered.
func sample(t testing.TB) []byte {
	return codectest.Sample(t, "sample.xz", "xz", "-c", "--block-size=2500", "--arm64", "--lzma2")
}

// The index and the footer are held against the blocks: whatever of the last
// bytes changes, even with its checksum made right, is found.
func TestEnd(t *testing.T) {
	good := sample(t)
	dst := make([]byte, 1<<16)
	if n, err := Unpack(dst, bytes.NewReader(good)); err != nil || !bytes.Equal(dst[:n], codectest.Contents()) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	le := binary.LittleEndian
	footer := len(good) - 12
	index := footer - int(le.Uint32(good[footer+4:])+1)*4
	for at := index; at < len(good); at++ {
		bad := bytes.Clone(good)
		bad[at] ^= 4
		le.PutUint32(bad[footer-4:], crc32.ChecksumIEEE(bad[index:footer-4]))
		le.PutUint32(bad[footer:], crc32.ChecksumIEEE(bad[footer+4:footer+10]))
		if bytes.Equal(bad, good) {
			continue // the checksum itself
		}
		if _, err := Unpack(dst, bytes.NewReader(bad)); err == nil {
			t.Errorf("byte %d of the %d at the end: no error", at-index, len(good)-index)
		}
	}
	for _, tt := range []struct {
		data []byte
		want error
	}{
		{append(bytes.Clone(good), 0), ErrDamaged},
		{good[:len(good)-1], io.ErrUnexpectedEOF},
		{good[:index], io.ErrUnexpectedEOF},
		{good[:20], io.ErrUnexpectedEOF},
		{nil, io.ErrUnexpectedEOF},
		{[]byte("hello, hello"), ErrDamaged},
	} {
		if _, err := Unpack(dst, bytes.NewReader(tt.data)); !errors.Is(err, tt.want) {
			t.Errorf("%d bytes: error %v, want %v", len(tt.data), err, tt.want)
		}
	}
}

// What is not known is named.
func TestUnsupported(t *testing.T) {
	stream := func(check byte, header ...byte) []byte {
		b := append([]byte(magic), 0, check)
		b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b[6:]))
		for len(header)%4 != 0 {
			header = append(header, 0)
		}
		if len(header) == 0 {
			return b
		}
		header[0] = byte(len(header) / 4)
		b = append(b, header...)
		return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(header))
	}
	for _, tt := range []struct {
		data []byte
		want string
	}{
		{stream(10), "check 10 is not supported"},
		{stream(1, 0, 1, 5, 0, 0x21, 1, 20), "filter 0x5 is not supported"},
		{stream(1, 0, 0, 3, 1, 0), "filter 0x3 is not supported"},
		{stream(1, 0, 0x3c, 0x21, 1, 20), "damaged: bad block flags"},
		{stream(1, 0, 0, 0x21, 9, 20), "damaged: bad block header"},
		{stream(1, 0, 0, 0x21, 1, 20, 1), "damaged: bad block header"},
		{append(stream(1, 0, 0, 0x21, 1, 20), 3), "damaged: bad chunk"},
		{append(stream(1, 0, 0, 0x21, 1, 20), 2), "damaged: chunk without a dictionary"},
		{append(stream(1, 0, 0, 0x21, 1, 20), 1, 0, 0, 7, 0x80, 0, 0, 0, 9), "damaged: chunk without properties"},
		{append(stream(1, 0, 0, 0x21, 1, 20), 0xe0, 0, 0, 0, 9, 224), "damaged: too many literal context bits"},
	} {
		_, err := Unpack(make([]byte, 100), bytes.NewReader(tt.data))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(sample(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		dst := make([]byte, 1<<17)
		if n, err := Unpack(dst, bytes.NewReader(data)); n > len(dst) || err == nil && n < 0 {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

func TestARM64Filter(t *testing.T) {
	le := binary.LittleEndian
	for _, tt := range []struct{ pc, in, want uint32 }{
		{0x1000, 0x94000500, 0x94000100}, // BL to 0x1400
		{0x1000, 0x94000000, 0x97fffc00}, // BL back to 0
		{0x5000, 0xb0000023, 0x90000003}, // ADRP of this page
		{0x1000, 0x90000003, 0xf0ffffe3}, // ADRP of the page before
		{0x1000, 0x14000500, 0x14000500}, // B stays
	} {
		b := le.AppendUint32(nil, tt.in)
		arm64(b, tt.pc)
		if got := le.Uint32(b); got != tt.want {
			t.Errorf("%#x at %#x: %#x, want %#x", tt.in, tt.pc, got, tt.want)
		}
	}
}

func TestX86Filter(t *testing.T) {
	for _, tt := range []struct {
		pc       uint32
		in, want string
	}{
		{0x1000, "\xe8\x05\x20\x00\x00-", "\xe8\x00\x10\x00\x00-"},                                       // CALL to 0x2005
		{0x1000, "\xe9\x05\x10\x00\x00-", "\xe9\x00\x00\x00\x00-"},                                       // JMP to the next one
		{0x1000, "-\xe8\x06\x00\x00\x00", "-\xe8\x00\xf0\xff\xff"},                                       // back to the start, 0
		{0x1000, "\xe8\x05\x20\x00\x01-", "\xe8\x05\x20\x00\x01-"},                                       // too far
		{0x1000, "\xe8\x05\x20\x00\x00\xe9\x0a\x20\x00\x00", "\xe8\x00\x10\x00\x00\xe9\x00\x10\x00\x00"}, // both
		{0x1000, "\xe8\xe8\x06\x20\x00\x00", "\xe8\xe3\xf6\x1f\x00\x00"},                                 // the first of them counts
		{0x1000, "\xe8\xe8\x06\x20\x07\x00", "\xe8\xe8\x00\x10\x07\x00"},                                 // the first of them is none
		{0x1000, "\xe8\x05\x20\x00", "\xe8\x05\x20\x00"},                                                 // cut off
	} {
		b := []byte(tt.in)
		x86(b, tt.pc)
		if string(b) != tt.want {
			t.Errorf("% x at %#x: % x, want % x", tt.in, tt.pc, b, tt.want)
		}
	}
}
