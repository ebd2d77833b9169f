package lz4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

func frame(blocks ...string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, magic)
	for _, block := range blocks {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(block))), block...)
	}
	return b
}

func TestUnpack(t *testing.T) {
	long := "\xf0\xff\x02" + string(bytes.Repeat([]byte("x"), 15+255+2))
	tests := []struct {
		name string
		in   []byte
		want string // or the error
	}{
		{"nothing", frame(), ""},
		{"literals", frame("\x30abc"), "abc"},
		{"match", frame("\x31abc\x03\x00\x10d"), "abcabcabd"},
		{"match that repeats a byte", frame("\x12a\x01\x00\x10b"), "aaaaaaab"},
		{"long literals", frame(long), string(bytes.Repeat([]byte("x"), 272))},
		{"two blocks", frame("\x10a", "\x10b"), "ab"},
		{"two frames", append(frame("\x10a"), frame("\x10b")...), "ab"},
		{"no frame", []byte("hello"), "damaged: no frame"},
		{"empty", nil, "unexpected EOF"},
		{"cut size", frame("\x10a")[:6], "unexpected EOF"},
		{"cut block", frame("\x30abc")[:10], "unexpected EOF"},
		{"zero block", append(frame("\x10a"), 0, 0, 0, 0), "damaged: bad block size"},
		{"huge block", append(frame("\x10a"), 0, 0, 0, 0x7f), "damaged: bad block size"},
		{"literals cut off", frame("\x40abc"), "damaged: literals cut off"},
		{"length cut off", frame("\xf0\xff"), "damaged: length cut off"},
		{"distance 0", frame("\x31abc\x00\x00\x10d"), "damaged: match before the beginning"},
		{"into the block before", frame("\x30abc", "\x11a\x02\x00\x10d"), "damaged: match before the beginning"},
		{"no last literals", frame("\x31abc\x03\x00"), "damaged: block without an end"},
		{"half a distance", frame("\x31abc\x03"), "damaged: block without an end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dst := make([]byte, 300)
			n, err := Unpack(dst, bytes.NewReader(tt.in))
			got := string(dst[:n])
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if err != nil || n == 0 {
				return
			}
			if _, err := Unpack(dst[:n-1], bytes.NewReader(tt.in)); !errors.Is(err, ErrTooLarge) {
				t.Errorf("no room: error %v", err)
			}
			if head, err := Head(bytes.NewReader(tt.in), 2); err != nil || string(head) != tt.want[:min(2, n)] {
				t.Errorf("head %q, %v", head, err)
			}
		})
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(frame("\x31abc\x03\x00\x10d"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dst := make([]byte, 5000)
		if n, err := Unpack(dst[:4000], bytes.NewReader(data)); n > 4000 {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}
