package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"pvboot/internal/golden"
)

// sample is compressible and longer than several blocks of every format.
func sample() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b []byte
	for len(b) < 200_000 {
		if r.IntN(3) == 0 || len(b) < 1000 {
			for range r.IntN(300) {
				b = append(b, byte(r.Uint32()>>24)&63)
			}
			continue
		}
		at := r.IntN(len(b) - 500)
		b = append(b, b[at:at+r.IntN(500)]...)
	}
	b = append(b[:200_000], make([]byte, 100_000)...)
	for at := range 5000 { // BL and ADRP, whose distances filters convert
		word := []uint32{0x94000000, 0x90000000, 0xb0000000, 0xd0000000}[r.IntN(4)] | r.Uint32()&0x03ffffff
		if r.IntN(3) > 0 {
			word &= 0xf003ffff
		}
		binary.LittleEndian.PutUint32(b[210_000+4*at:], word)
	}
	for at := range 8000 { // CALL and JMP, now and then right behind each other
		i := 240_000 + 5*at
		b[i] = []byte{0xe8, 0xe9, 0x90, 0xe8}[r.IntN(4)]
		binary.LittleEndian.PutUint32(b[i+1:], []uint32{0, 0xff000000, 0xe8, 0x00e900}[r.IntN(4)]|r.Uint32()&0xffffff)
		if r.IntN(8) == 0 {
			b[i+1+r.IntN(4)] = 0xe8 | byte(r.IntN(2))
		}
	}
	return b
}

// compressed is sample in a file of testdata.
func compressed(t testing.TB, file string, compressor ...string) []byte {
	t.Helper()
	return golden.Output(t, file, sample(), compressor...)
}

// A fixture is sample as a compressor makes it.
type fixture struct {
	codec string
	data  []byte
}

func fixtures(t testing.TB) map[string]fixture {
	return map[string]fixture{
		"bzip2":        {"bzip2", compressed(t, "sample.bz2", "bzip2", "-9", "-c")},
		"xz x86":       {"xz", compressed(t, "sample-x86.xz", "xz", "-9", "-c", "--check=crc32", "--x86", "--lzma2=dict=32MiB")},
		"gzip":         {"gzip", compressed(t, "sample.gz", "gzip", "-9cn")},
		"zstd":         {"zstd", compressed(t, "sample.zst", "zstd", "-19", "-c")},
		"xz":           {"xz", compressed(t, "sample.xz", "xz", "-9", "-c", "--check=crc32", "--lzma2=dict=128MiB")},
		"xz arm64":     {"xz", compressed(t, "sample-arm64.xz", "xz", "-6", "-c", "--block-size=100000", "--arm64", "--lzma2=lc=2,lp=2,pb=2")},
		"lzma":         {"lzma", compressed(t, "sample.lzma", "lzma", "-9", "-c")},
		"lz4":          {"lz4", compressed(t, "sample.lz4", "lz4", "-l", "-9", "-c")},
		"lzo":          {"lzo", compressed(t, "sample.lzo", "lzop", "-9", "-c")},
		"zstd --ultra": {"zstd", compressed(t, "sample-ultra.zst", "zstd", "-22", "--ultra", "--long=27", "-c")},
	}
}

// unpack is what a loader does, with room for limit bytes.
func unpack(c *Codec, data []byte, limit int) ([]byte, error) {
	src := bytes.NewReader(data)
	if c.Whole() {
		dst := make([]byte, limit)
		n, err := c.Unpack(dst, src)
		return dst[:n], err
	}
	r, err := c.NewReader(src)
	if err != nil {
		return nil, err
	}
	dst := make([]byte, limit)
	n, err := io.ReadFull(r, dst)
	if err == nil {
		err = AtEnd(r)
	} else if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return dst[:n], err
}

func TestUnpack(t *testing.T) {
	want := sample()
	for name, f := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			c, ok := Detect(f.data)
			if named, ok2 := Named(f.codec); !ok || !ok2 || c != named {
				t.Fatalf("detected %v, named %v", c, named)
			}
			// The compressors could not know when they began.
			size, sized := c.Size(io.NewSectionReader(bytes.NewReader(f.data), 0, int64(len(f.data))))
			if known := f.codec == "gzip" || f.codec == "xz"; sized != known || known && size != int64(len(want)) {
				t.Errorf("size %d, %v", size, sized)
			}
			for _, limit := range []int{len(want), len(want) + 1, 2 * len(want)} {
				if got, err := unpack(c, f.data, limit); err != nil || !bytes.Equal(got, want) {
					t.Errorf("room for %d: %d bytes, %v", limit, len(got), err)
				}
			}
			for _, limit := range []int{0, 100_000, len(want) - 1} {
				if _, err := unpack(c, f.data, limit); !errors.Is(err, ErrTooLarge) {
					t.Errorf("room for %d: error %v, want %v", limit, err, ErrTooLarge)
				}
			}
			for _, n := range []int{0, 1, 64, 4096, 100_000} {
				if got, err := c.Head(bytes.NewReader(f.data), n); err != nil || !bytes.Equal(got, want[:n]) {
					t.Errorf("head of %d: %d bytes, %v", n, len(got), err)
				}
			}
		})
	}
}

// What is cut off or changed anywhere is found out, but for lz4, which has
// neither an end nor a checksum.
func TestDamaged(t *testing.T) {
	want := sample()
	size := len(want)
	for name, f := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			c, _ := Named(f.codec)
			r := rand.New(rand.NewPCG(3, 4))
			for _, n := range []int{3, 4, 5, 9, 18, 100, len(f.data) / 2, len(f.data) - 4, len(f.data) - 1} {
				if f.codec == "lz4" && n == 4 {
					continue
				}
				if _, err := unpack(c, f.data[:n], size); err == nil {
					t.Errorf("the first %d of %d bytes: no error", n, len(f.data))
				} else if _, err := c.Head(bytes.NewReader(f.data[:n]), 64); n < 10 && err == nil {
					t.Errorf("head of %d bytes: no error", n)
				}
			}
			for range 60 {
				bad := bytes.Clone(f.data)
				at := r.IntN(len(bad))
				bad[at] ^= 1 << r.IntN(8)
				// Some bits of a header mean nothing: its time, its name.
				if got, err := unpack(c, bad, size); err == nil && f.codec != "lz4" && !bytes.Equal(got, want) {
					t.Fatalf("byte %d changed: %d other bytes without an error", at, len(got))
				}
			}
		})
	}
}

func TestNames(t *testing.T) {
	if c, ok := Detect([]byte("MZ")); ok {
		t.Errorf("MZ is %v", c)
	}
	if c, ok := Named("zip"); ok {
		t.Errorf("zip is %v", c)
	}
	for _, alias := range []string{"zstd22", "xzkern"} {
		if _, ok := Named(alias); !ok {
			t.Errorf("no %s", alias)
		}
	}
}

// What a file claims of its size, and what it does not.
func TestSize(t *testing.T) {
	for name, tt := range map[string]struct {
		data  string
		want  int64
		sized bool
	}{
		"zstd, a byte":         {"\x28\xb5\x2f\xfd\x20\x07", 7, true},
		"zstd, two bytes":      {"\x28\xb5\x2f\xfd\x40-\x01\x02", 0x201 + 256, true},
		"zstd, dictionary":     {"\x28\xb5\x2f\xfd\xa1-\x01\x02\x03\x04", 0x04030201, true},
		"zstd, eight bytes":    {"\x28\xb5\x2f\xfd\xc0-\x01\x02\x03\x04\x05\x06\x07\x08", 0x0807060504030201, true},
		"zstd, negative":       {"\x28\xb5\x2f\xfd\xc0-\x01\x02\x03\x04\x05\x06\x07\x88", 0, false},
		"zstd, none":           {"\x28\xb5\x2f\xfd\x00-", 0, false},
		"zstd, cut off":        {"\x28\xb5\x2f\xfd\xc0-\x01", 0, false},
		"zstd, no header":      {"\x28\xb5\x2f\xfd", 0, false},
		"lzma":                 {"\x5d\x00\x00\x10\x00\x05\x01\x00\x00\x00\x00\x00\x00", 0x105, true},
		"lzma, marker":         {"\x5d\x00\x00\x10\x00\xff\xff\xff\xff\xff\xff\xff\xff", 0, false},
		"lzma, cut off":        {"\x5d\x00\x00\x10\x00\x05", 0, false},
		"gzip, cut off":        {"\x1f\x8b\x08\x00\x01\x02\x03\x04", 0, false},
		"xz, no footer":        {"\xfd7zXZ\x00", 0, false},
		"xz, no index":         {"\xfd7zXZ\x00----\x02\x00\x00\x00\x00\x04YZ", 0, false},
		"xz, large index":      {"\xfd7zXZ\x00----\xff\xff\xff\x7f\x00\x04YZ", 0, false},
		"xz, index without it": {"\xfd7zXZ\x00\x00\x05\x01\x00----\x01\x00\x00\x00\x00\x04YZ", 0, false},
		"xz, two blocks":       {"\xfd7zXZ\x00\x00\x02\x20\x81\x01\x20\x03\x00----sums\x02\x00\x00\x00\x00\x04YZ", 132, true},
		"bzip2":                {"BZh9", 0, false},
	} {
		c, ok := Detect([]byte(tt.data))
		if !ok {
			t.Errorf("%s: unknown", name)
			continue
		}
		src := io.NewSectionReader(strings.NewReader(tt.data), 0, int64(len(tt.data)))
		if got, sized := c.Size(src); sized != tt.sized || sized && got != tt.want {
			t.Errorf("%s: %d, %v, want %d, %v", name, got, sized, tt.want, tt.sized)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	for _, fixture := range fixtures(f) {
		f.Add(fixture.data[:min(len(fixture.data), 5000)])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, ok := Detect(data)
		if !ok {
			return
		}
		const limit = 1 << 17
		size, sized := c.Size(io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data))))
		if sized && size < 0 {
			t.Errorf("size %d", size)
		}
		got, err := unpack(c, data, limit)
		if err == nil && len(got) > limit {
			t.Errorf("%d bytes", len(got))
		}
		head, err2 := c.Head(bytes.NewReader(data), 64)
		if err == nil && err2 == nil && !bytes.HasPrefix(got, head) {
			t.Error("the head differs")
		}
	})
}

// A window of 128 or 64 MiB takes no memory.
func TestWindowTakesNoMemory(t *testing.T) {
	for _, name := range []string{"zstd --ultra", "xz", "lzma"} {
		f := fixtures(t)[name]
		c, _ := Named(f.codec)
		size := len(sample())
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := unpack(c, f.data, size); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Head(bytes.NewReader(f.data), 64); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
	}
}
