package lzo

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pvboot/loader/image/codec/codectest"
)

// unpack1X on streams by hand (lzo.rst).
func TestInstructions(t *testing.T) {
	end := []byte{0x11, 0, 0}
	stream := func(b ...byte) []byte { return append(b, end...) }
	tests := []struct {
		name string
		in   []byte
		want string // or the error
	}{
		{"nothing", end, ""},
		{"literals first", stream(17+5, 'a', 'b', 'c', 'd', 'e'), "abcde"},
		{"long literals", stream(append([]byte{0, 2}, "aaaaaaaaaaaaaaaaaaaa"...)...), "aaaaaaaaaaaaaaaaaaaa"},
		{"short match", stream(17+4, 'a', 'b', 'c', 'd', 0x40|3<<2|1<<5, 0), "abcdabcd"},
		{"match of 5 and a literal", stream(17+4, 'a', 'b', 'c', 'd', 0x80|3<<2|1, 0, 'x'), "abcdabcdax"},
		{"match that overlaps", stream(17+4, 'a', 'b', 'c', 'd', 0x20|7, 0, 0), "abcdddddddddd"},
		{"two bytes behind few literals", stream(17+2, 'a', 'b', 0|1<<2, 0), "abab"},
		{"empty", nil, "damaged: block cut off"},
		{"no end", []byte{17 + 4, 'a', 'b', 'c', 'd'}, "damaged: block cut off"},
		{"before the beginning", stream(17+4, 'a', 'b', 'c', 'd', 0x40|4<<2, 0), "damaged: bad match"},
		{"bytes behind the end", append(stream(17+4, 'a', 'b', 'c', 'd'), 1), "damaged: bytes behind the end of a block"},
		{"literals cut off", []byte{17 + 4, 'a'}, "damaged: literals too long"},
		{"length cut off", make([]byte, 1000), "damaged: block cut off"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dst := make([]byte, 100)
			n, err := unpack1X(dst, tt.in)
			got := string(dst[:n])
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	good := codectest.Sample(t, "sample.lzo", "lzop", "-c")
	dst := make([]byte, 1<<16)
	if n, err := Unpack(dst, bytes.NewReader(good)); err != nil || !bytes.Equal(dst[:n], codectest.Contents()) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	for at := range 38 {
		bad := bytes.Clone(good)
		bad[at] ^= 0x40
		if _, err := Unpack(dst, bytes.NewReader(bad)); err == nil {
			t.Errorf("byte %d of the header: no error", at)
		}
		if _, err := Unpack(dst, bytes.NewReader(good[:at])); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d bytes of the header: error %v", at, err)
		}
	}
}

func FuzzUnpack1X(f *testing.F) {
	f.Add([]byte{17 + 4, 'a', 'b', 'c', 'd', 0x40 | 3<<2 | 1<<5, 0, 0x11, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		dst := make([]byte, 5000)
		if n, err := unpack1X(dst[:4000], data); n > 4000 {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}
