package zstd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// samples are contents that make an encoder use all kinds of blocks, literals
// and tables.
func samples() map[string][]byte {
	r := rand.New(rand.NewPCG(5, 6))
	noise := make([]byte, 160_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	skewed := make([]byte, 160_000)
	for i := range skewed {
		skewed[i] = byte(r.ExpFloat64() * 9)
	}
	var text []byte
	for len(text) < 200_000 {
		if len(text) < 100 || r.IntN(4) == 0 {
			text = append(text, skewed[r.IntN(len(skewed)-50):][:r.IntN(50)]...)
			continue
		}
		at := r.IntN(len(text) - 90)
		text = append(text, text[at:at+r.IntN(90)]...)
	}
	return map[string][]byte{
		"empty": nil, "one byte": {7}, "short": []byte("hello, hello, hello"),
		"zeros": make([]byte, 300_000), "noise": noise, "skewed": skewed, "text": text,
		"mixed": append(append(append(bytes.Clone(text), noise...), make([]byte, 200_000)...), text[:100_000]...),
	}
}

// encoder takes up to 36 MiB, which a guest has but a few times: one is used for as
// much as possible.
func encoder(t testing.TB, options ...zstd.EOption) *zstd.Encoder {
	t.Helper()
	w, err := zstd.NewWriter(nil, append(options, zstd.WithEncoderConcurrency(1))...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func encode(t testing.TB, b []byte, options ...zstd.EOption) []byte {
	t.Helper()
	return encoder(t, options...).EncodeAll(b, nil)
}

func TestUnpack(t *testing.T) {
	for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression, zstd.SpeedBestCompression} {
		for i, option := range []zstd.EOption{zstd.WithEncoderCRC(true), zstd.WithEncoderCRC(false),
			zstd.WithSingleSegment(true), zstd.WithWindowSize(1 << 10), zstd.WithZeroFrames(true)} {
			t.Run(fmt.Sprint(level, i), func(t *testing.T) {
				w := encoder(t, zstd.WithEncoderLevel(level), option)
				for name, want := range samples() {
					if data := w.EncodeAll(want, nil); len(data) > 0 { // it may be nothing for nothing
						checkUnpack(t, name, data, want)
					}
				}
			})
		}
	}
}

// checkUnpack wants the contents of data whole, not in less room, and from their
// beginning.
func checkUnpack(t *testing.T, name string, data, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := Unpack(got, bytes.NewReader(data)); err != nil || !bytes.Equal(got[:n], want) {
		t.Fatalf("%s: %d of %d bytes, %v", name, n, len(want), err)
	}
	if len(want) > 0 {
		if _, err := Unpack(got[1:], bytes.NewReader(data)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: no room, error %v", name, err)
		}
	}
	for _, n := range []int{0, 64, 150_000} {
		got, err := Head(bytes.NewReader(data), n)
		if err != nil || len(got) < min(n, len(want)) || !bytes.HasPrefix(want, got) {
			t.Fatalf("%s: head of %d: %d bytes, %v", name, n, len(got), err)
		}
	}
}

// Frames follow one another, with some to skip between them.
func TestFrames(t *testing.T) {
	skip := []byte("\x5f\x2a\x4d\x18\x05\x00\x00\x00hello")
	text := samples()["text"]
	data := append(bytes.Clone(skip), encode(t, text)...)
	data = append(append(data, skip...), encode(t, text[:1000])...)
	want := append(bytes.Clone(text), text[:1000]...)
	got := make([]byte, len(want)+10)
	if n, err := Unpack(got, bytes.NewReader(data)); err != nil || !bytes.Equal(got[:n], want) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if head, err := Head(bytes.NewReader(data), 10); err != nil || !bytes.HasPrefix(want, head) || len(head) < 10 {
		t.Errorf("head of %d bytes, %v", len(head), err)
	}
	for _, tt := range []struct {
		data []byte
		want error
	}{
		{nil, io.ErrUnexpectedEOF},
		{data[:len(data)-1], io.ErrUnexpectedEOF},
		{append(bytes.Clone(data), 0), io.ErrUnexpectedEOF},
		{append(bytes.Clone(data), "garbage"...), ErrDamaged},
		{skip[:10], io.ErrUnexpectedEOF},
	} {
		if _, err := Unpack(got, bytes.NewReader(tt.data)); !errors.Is(err, tt.want) {
			t.Errorf("%d bytes: error %v, want %v", len(tt.data), err, tt.want)
		}
	}
	if _, err := Unpack(got, bytes.NewReader([]byte("\x28\xb5\x2f\xfd\x21\x07\x00\x01\x00\x00"))); err == nil || err.Error() != "needs a dictionary" {
		t.Errorf("dictionary: error %v", err)
	}
	if _, err := Unpack(got, bytes.NewReader([]byte("\x28\xb5\x2f\xfd\x28\x00\x01\x00\x00"))); !errors.Is(err, ErrDamaged) {
		t.Errorf("reserved bit: error %v", err)
	}
}

// With a checksum no damage goes unnoticed; without one none does harm.
func TestDamaged(t *testing.T) {
	want := samples()["mixed"]
	r := rand.New(rand.NewPCG(7, 8))
	for _, crc := range []bool{true, false} {
		data := encode(t, want, zstd.WithEncoderCRC(crc), zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
		for range 200 {
			bad := bytes.Clone(data)
			bad[4+r.IntN(len(bad)-4)] ^= 1 << r.IntN(8)
			got := make([]byte, len(want))
			if n, err := Unpack(got, bytes.NewReader(bad)); crc && err == nil && !bytes.Equal(got[:n], want) {
				t.Error("other contents without an error")
			}
		}
		for range 50 {
			got := make([]byte, len(want))
			if _, err := Unpack(got, bytes.NewReader(data[:r.IntN(len(data))])); err == nil {
				t.Error("cut off without an error")
			}
		}
	}
}

func TestXXH64(t *testing.T) {
	// From the xxHash project's own self-test values.
	for _, tt := range []struct {
		in   string
		want uint64
	}{
		{"", 0xef46db3751d8e999},
		{"a", 0xd24ec4f1a98c6e5b},
		{"abc", 0x44bc2cf5ad770999},
		{"Nobody inspects the spammish repetition", 0xfbcea83c8a378bf1},
	} {
		if got := xxh64([]byte(tt.in)); got != tt.want {
			t.Errorf("%q: %#x, want %#x", tt.in, got, tt.want)
		}
	}
}

// FuzzUnpack compares with another decoder: what both take must be the same.
func FuzzUnpack(f *testing.F) {
	for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedBestCompression} {
		w := encoder(f, zstd.WithEncoderLevel(level))
		for _, b := range samples() {
			f.Add(w.EncodeAll(b[:min(len(b), 3000)], nil))
		}
	}
	const limit = 1 << 18
	other, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(limit), zstd.IgnoreChecksum(false))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dst := make([]byte, limit)
		n, err := Unpack(dst, bytes.NewReader(data))
		want, err2 := other.DecodeAll(data, nil)
		if err == nil && err2 == nil && !bytes.Equal(dst[:n], want) {
			t.Errorf("%d bytes, the other decoder has %d", n, len(want))
		}
		if err2 == nil && err != nil && len(want) > 0 && len(want) <= limit {
			t.Logf("only the other decoder takes it: %v", err)
		}
		if head, err3 := Head(bytes.NewReader(data), 64); err == nil && err3 == nil && !bytes.HasPrefix(dst[:n], head) {
			t.Error("the head differs")
		}
	})
}

func BenchmarkUnpack(b *testing.B) {
	text := samples()["text"]
	data := encode(b, text)
	dst := make([]byte, len(text))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Unpack(dst, bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
