package lzma

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pvboot/loader/image/codec/codectest"
)

// sample's length is not in its header, as it came out of a pipe.
func sample(t testing.TB) []byte { return codectest.Sample(t, "sample.lzma", "lzma", "-c") }

func TestLength(t *testing.T) {
	good := sample(t)
	want := codectest.Contents()
	n := len(want)
	// With a length and an end marker both are held against each other.
	withLength := func(v int) []byte {
		b := bytes.Clone(good)
		for i := range 8 {
			b[5+i] = byte(v >> (8 * i))
		}
		return b
	}
	for _, tt := range []struct {
		data []byte
		room int
		want error
	}{
		{good, n, nil},
		{good, n + 1, nil},
		{good, n - 1, ErrTooLarge},
		{withLength(n), n, nil},
		{withLength(n + 1), n + 1, ErrDamaged},
		{withLength(n), n - 1, ErrTooLarge},
		{withLength(n - 1), n, ErrDamaged},
		{append(bytes.Clone(good), 0), n, ErrDamaged},
		{good[:len(good)-1], n, io.ErrUnexpectedEOF},
		{good[:HeaderSize+3], n, io.ErrUnexpectedEOF},
		{good[:5], n, io.ErrUnexpectedEOF},
	} {
		got := make([]byte, tt.room)
		m, err := Unpack(got, bytes.NewReader(tt.data))
		if !errors.Is(err, tt.want) || err == nil && !bytes.Equal(got[:m], want) {
			t.Errorf("room for %d of %d, %d bytes of %d: error %v, want %v", tt.room, n, len(tt.data), len(good), err, tt.want)
		}
	}
}

func TestProperties(t *testing.T) {
	d := NewDecoder(nil)
	for b := range 256 {
		lc, lp := b%9, b/9%5
		if err := d.SetProperties(byte(b)); (err == nil) != (b < 225 && lc+lp <= 4) {
			t.Errorf("properties %d: error %v", b, err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(sample(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		dst := make([]byte, 5000)
		if n, err := Unpack(dst[:4000], bytes.NewReader(data)); n > 4000 {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}
