package lzma

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/golden"
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

// unpackBoth unpacks twice: as it comes, and byte by byte, where no symbol is
// sure to have all of its input at hand and hurry does nothing.
func unpackBoth(t *testing.T, data []byte, room int) {
	t.Helper()
	dst := [2][]byte{make([]byte, room+100), make([]byte, room+100)}
	n, err := Unpack(dst[0][:room], bytes.NewReader(data))
	slowN, slowErr := Unpack(dst[1][:room], iotest.OneByteReader(bytes.NewReader(data)))
	if n > room || err == nil && n != slowN || fmt.Sprint(err) != fmt.Sprint(slowErr) {
		t.Fatalf("%d bytes, %v; byte by byte %d, %v", n, err, slowN, slowErr)
	}
	if err == nil && !bytes.Equal(dst[0][:n], dst[1][:n]) {
		t.Fatalf("%d bytes that are others byte by byte", n)
	}
	if len(bytes.Trim(dst[0][room:], "\x00")) > 0 {
		t.Fatal("wrote beyond the end")
	}
}

// TestHurry changes a byte at a time: whichever way a stream is damaged, both ways
// to decode must find the same.
func TestHurry(t *testing.T) {
	good, room := sample(t), len(codectest.Contents())
	unpackBoth(t, good, room)
	for i := HeaderSize; i < len(good); i++ {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		unpackBoth(t, bad, room)
	}
}

// periods has matches of all short distances and many lengths.
func periods() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b []byte
	for distance := 1; distance <= 20; distance++ {
		for _, length := range []int{2, 3, 4, 7, 8, 9, 10, 15, 16, 17, 18, 31, 33, 100, 272, 273, 274, 600} {
			for range distance {
				b = append(b, byte(r.Uint32()))
			}
			for range length {
				b = append(b, b[len(b)-distance])
			}
		}
	}
	return append(b, make([]byte, 1000)...)
}

func TestPeriods(t *testing.T) {
	want := periods()
	for _, tt := range []struct {
		file       string
		compressor []string
	}{
		{"periods.lzma", []string{"lzma", "-c"}},
		{"periods-aligned.lzma", []string{"xz", "--format=lzma", "--lzma1=lc=1,lp=3,pb=4", "-c"}},
	} {
		data := golden.Output(t, tt.file, want, tt.compressor...)
		got := make([]byte, len(want)+symbolOutput)
		n, err := Unpack(got, bytes.NewReader(data))
		if diff := cmp.Diff(want, got[:n]); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", tt.file, err, diff)
		}
		unpackBoth(t, data, len(want))
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(sample(f))
	f.Add(golden.Output(f, "periods.lzma", periods(), "lzma", "-c"))
	f.Fuzz(func(t *testing.T, data []byte) { unpackBoth(t, data, 4000) })
}
