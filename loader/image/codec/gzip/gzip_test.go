package gzip

import (
	"bytes"
	"compress/flate"
	std "compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"pvboot/loader/image/codec/codectest"
)

func sample(t testing.TB) []byte { return codectest.Sample(t, "sample.gz", "gzip", "-9cn") }

// large is longer than the window, with runs and matches of many kinds.
func large() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 20_000)
	for len(b) < 1<<19 {
		n := r.IntN(300)
		switch r.IntN(4) {
		case 0:
			for range n / 8 {
				b = append(b, byte(r.IntN(256)&r.IntN(256)))
			}
		case 1:
			at := len(b) - 1 - r.IntN(min(12, len(b)))
			for i := range n {
				b = append(b, b[at+i])
			}
		case 2:
			b = append(b, make([]byte, 10*n)...)
		default:
			at := len(b) - n - r.IntN(19_000)
			b = append(b, b[at:at+n]...)
		}
	}
	return b
}

// text has few zeros, so that codes of all lengths come up.
func text() []byte {
	r := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, 300_000)
	for i := range b {
		b[i] = byte(r.ExpFloat64() * 20)
	}
	return b
}

func deflated(t testing.TB, contents []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err == nil {
		_, err = w.Write(contents)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// member has the header that stands for no flags, or another one.
func member(header string, compressed, contents []byte) []byte {
	b := append([]byte(header), compressed...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(contents))
	return binary.LittleEndian.AppendUint32(b, uint32(len(contents)))
}

const plain = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"

func gzipped(t testing.TB, contents []byte, level int) []byte {
	return member(plain, deflated(t, contents, level), contents)
}

func readAll(src io.Reader) ([]byte, error) {
	r, err := NewReader(src)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// same holds what comes out against compress/gzip, byte by byte, too, where hurry
// does nothing.
func same(t testing.TB, data []byte) (contents []byte, err error) {
	t.Helper()
	var want []byte
	r, wantErr := std.NewReader(bytes.NewReader(data))
	if wantErr == nil {
		want, wantErr = io.ReadAll(r)
	}
	got, err := readAll(bytes.NewReader(data))
	slow, slowErr := readAll(iotest.OneByteReader(bytes.NewReader(data)))
	if (err == nil) != (wantErr == nil) || fmt.Sprint(err) != fmt.Sprint(slowErr) {
		t.Errorf("error %v, byte by byte %v, want %v", err, slowErr, wantErr)
	}
	if !bytes.Equal(got, want) || !bytes.Equal(slow, want) {
		t.Errorf("%d bytes (%v), byte by byte %d, want %d, of which %d are the same",
			len(got), err, len(slow), len(want), common(got, want))
	}
	return got, err
}

// common is how long two slices are the same.
func common(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func TestContents(t *testing.T) {
	for name, contents := range map[string][]byte{
		"nothing": {}, "a byte": {7}, "lines": codectest.Contents(), "large": large(), "text": text(),
		"zeros": make([]byte, 1<<19), "noise": noise(300_000),
	} {
		for _, level := range []int{flate.NoCompression, flate.BestSpeed, flate.BestCompression, flate.HuffmanOnly} {
			t.Run(fmt.Sprintf("%s, level %d", name, level), func(t *testing.T) {
				if got, err := same(t, gzipped(t, contents, level)); err != nil || !bytes.Equal(got, contents) {
					t.Errorf("%d bytes of %d, %v", len(got), len(contents), err)
				}
			})
		}
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(5, 6))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestHeader(t *testing.T) {
	sum := func(header string) string {
		return header + string(binary.LittleEndian.AppendUint16(nil, uint16(crc32.ChecksumIEEE([]byte(header)))))
	}
	flags := func(v byte) string { return "\x1f\x8b\x08" + string([]byte{v}) + "\x01\x02\x03\x04\x02\x03" }
	for name, tt := range map[string]struct {
		header string
		want   error
	}{
		"plain":               {plain, nil},
		"text":                {flags(1), nil},
		"checksum":            {sum(flags(headerCRC)), nil},
		"extra":               {flags(extra) + "\x05\x00extra", nil},
		"extra, empty":        {flags(extra) + "\x00\x00", nil},
		"extra, longest":      {flags(extra) + "\xff\xff" + strings.Repeat("e", 0xffff), nil},
		"name":                {flags(name) + "name\x00", nil},
		"name, Latin":         {flags(name) + "\xe4\xf6\xfc\x00", nil},
		"name, longest":       {flags(name) + strings.Repeat("n", maxText-1) + "\x00", nil},
		"name too long":       {flags(name) + strings.Repeat("n", maxText) + "\x00", ErrDamaged},
		"comment":             {flags(comment) + "comment\x00", nil},
		"all":                 {sum(flags(0x1f) + "\x05\x00extraname\x00comment\x00"), nil},
		"reserved flags":      {flags(0xe0), nil},
		"bad checksum":        {flags(headerCRC) + "\x12\x34", ErrChecksum},
		"bad magic":           {"\x1f\x8c" + plain[2:], ErrDamaged},
		"bad method":          {"\x1f\x8b\x07" + plain[3:], ErrDamaged},
		"not gzip":            {"this is no gzip file", ErrDamaged},
		"all, bad checksum":   {sum(flags(0x1f) + "\x05\x00extraname\x00comment\x00")[:30] + "\x12\x34", ErrChecksum},
		"comment without end": {flags(comment) + strings.Repeat("c", 2*maxText), ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			contents := codectest.Contents()
			data := member(tt.header, deflated(t, contents, 6), contents)
			got, err := same(t, data)
			if !errors.Is(err, tt.want) || err == nil && !bytes.Equal(got, contents) {
				t.Errorf("%d bytes, error %v, want %v", len(got), err, tt.want)
			}
			// As the second one, behind what the first contains.
			data = append(gzipped(t, []byte("first"), 6), data...)
			got, err = same(t, data)
			if !errors.Is(err, tt.want) || !bytes.HasPrefix(got, []byte("first")) {
				t.Errorf("second: %q, error %v, want %v", got[:min(10, len(got))], err, tt.want)
			}
			if tt.want != nil {
				return
			}
			for n := range min(len(tt.header), 1000) {
				if _, err := NewReader(strings.NewReader(tt.header[:n])); err != io.ErrUnexpectedEOF {
					t.Errorf("%d bytes of %d: error %v", n, len(tt.header), err)
				}
			}
		})
	}
}

func TestMembers(t *testing.T) {
	one, two := gzipped(t, []byte("one"), 6), gzipped(t, codectest.Contents(), 9)
	fixed := gzipped(t, []byte("aaaaaaab"), 9)
	none, stored := gzipped(t, nil, 6), gzipped(t, large(), 0)
	// Its distance goes back into the member before it.
	far := member(plain, []byte{0x4b, 0x04, 0x12, 0x00}, []byte("aaaaaa"))
	wrong := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[len(b)+at] ^= 1
		return b
	}
	for name, tt := range map[string]struct {
		members [][]byte
		want    string
	}{
		"one":             {[][]byte{one}, ""},
		"two":             {[][]byte{one, two}, ""},
		"three":           {[][]byte{two, one, two}, ""},
		"fixed codes":     {[][]byte{fixed, fixed, two, fixed}, ""},
		"large ones":      {[][]byte{stored, two, stored, stored}, ""},
		"empty":           {[][]byte{none}, ""},
		"empty ones":      {[][]byte{none, none, one, none, two, none}, ""},
		"checksum":        {[][]byte{one, wrong(two, -8), one}, "checksum mismatch"},
		"length":          {[][]byte{wrong(one, -1)}, "checksum mismatch"},
		"text behind":     {[][]byte{one, []byte("more of it")}, "damaged: no header"},
		"a byte behind":   {[][]byte{one, {0x1f}}, "unexpected EOF"},
		"zeros behind":    {[][]byte{one, make([]byte, 512)}, "damaged: no header"},
		"a header behind": {[][]byte{one, []byte(plain)}, "unexpected EOF"},
		"far back":        {[][]byte{two, far}, "damaged: match before the beginning"},
		"nothing at all":  {nil, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Join(tt.members, nil)
			var err error
			if len(data) > 0 { // else compress/gzip says EOF
				_, err = same(t, data)
			} else {
				_, err = readAll(bytes.NewReader(nil))
			}
			got := ""
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// Every beginning of a file is cut off, whichever way it is read.
func TestCutOff(t *testing.T) {
	for name, data := range map[string][]byte{
		"matches": gzipped(t, codectest.Contents()[:1500], 9), "stored": gzipped(t, codectest.Contents()[:100], 0),
		"long codes": gzipped(t, text()[:600], flate.HuffmanOnly),
	} {
		for n := range data {
			if n == 0 {
				continue
			}
			if _, err := same(t, data[:n]); err != io.ErrUnexpectedEOF {
				t.Fatalf("%s: %d bytes of %d: error %v", name, n, len(data), err)
			}
		}
	}
}

// Whatever a changed bit does, it does the same as in compress/gzip.
func TestChanged(t *testing.T) {
	for _, data := range [][]byte{
		sample(t), gzipped(t, codectest.Contents()[:300], 0), gzipped(t, text()[:1000], flate.HuffmanOnly),
		gzipped(t, []byte("a fixed code"), 6),
	} {
		// The codes are at the beginning.
		for i := 0; i < len(data); i += 1 + i/100 {
			bad := bytes.Clone(data)
			bad[i] ^= 1 << (i % 8)
			same(t, bad)
			bad[i] ^= 0x81
			same(t, bad)
		}
	}
	data := gzipped(t, large(), 6)
	r := rand.New(rand.NewPCG(7, 8))
	for range 30 {
		bad := bytes.Clone(data)
		bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		same(t, bad)
	}
}

// stall returns nothing, now and then or for ever.
type stall struct {
	r     io.Reader
	n     int
	every int
}

func (s *stall) Read(p []byte) (int, error) {
	if s.n++; s.n%s.every != 0 {
		return 0, nil
	}
	return s.r.Read(p)
}

func TestReaders(t *testing.T) {
	contents := slices.Concat(large(), text())
	data := gzipped(t, contents, 6)
	half := data[:len(data)/2]
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		src  io.Reader
		want error
	}{
		"whole":         {bytes.NewReader(data), nil},
		"halves":        {iotest.HalfReader(bytes.NewReader(data)), nil},
		"with the end":  {iotest.DataErrReader(bytes.NewReader(data)), nil},
		"stalling":      {&stall{r: iotest.OneByteReader(bytes.NewReader(data)), every: 3}, nil},
		"stuck":         {&stall{r: bytes.NewReader(data), every: 1 << 30}, io.ErrNoProgress},
		"broken":        {io.MultiReader(bytes.NewReader(half), iotest.ErrReader(broken)), broken},
		"broken, early": {io.MultiReader(bytes.NewReader(data[:5]), iotest.ErrReader(broken)), broken},
		"broken, late":  {io.MultiReader(bytes.NewReader(data), iotest.ErrReader(broken)), broken},
		"broken, with data": {iotest.DataErrReader(io.MultiReader(bytes.NewReader(half),
			iotest.ErrReader(broken))), broken},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(tt.src)
			if err != tt.want || !bytes.HasPrefix(contents, got) || err == nil && len(got) != len(contents) {
				t.Errorf("%d bytes of %d, error %v, want %v", len(got), len(contents), err, tt.want)
			}
			switch name {
			case "broken", "broken, with data":
				r, _ := std.NewReader(bytes.NewReader(half))
				if want, _ := io.ReadAll(r); len(got) != len(want) {
					t.Errorf("%d bytes before the error, want %d", len(got), len(want))
				}
			case "broken, late":
				if len(got) != len(contents) {
					t.Errorf("%d bytes before the error, want %d", len(got), len(contents))
				}
			}
		})
	}
	r, err := NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(r, contents); err != nil {
		t.Error(err)
	}
}

// A reader takes no more memory than it says, and all of it at once.
func TestMemory(t *testing.T) {
	data := gzipped(t, large(), 6)
	data = append(data, data...)
	crc32.ChecksumIEEE(nil) // makes tables
	p := make([]byte, 5000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := NewReader(bytes.NewReader(data))
	for err == nil {
		_, err = r.Read(p)
	}
	runtime.ReadMemStats(&after)
	if err != io.EOF {
		t.Fatal(err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 400<<10 {
		t.Errorf("%d bytes allocated", got)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(sample(f))
	f.Add(gzipped(f, []byte("fixed, fixed, fixed"), 6))
	f.Add(gzipped(f, text()[:3000], flate.HuffmanOnly))
	f.Add(append(gzipped(f, codectest.Contents()[:500], 0), gzipped(f, make([]byte, 5000), 9)...))
	for _, s := range streams() {
		f.Add(member(plain, s.data, s.want))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		same(t, data)
		// Without a header and a checksum, so that changes get to the decoder.
		same(t, member(plain, data, nil))
	})
}

func BenchmarkReader(b *testing.B) {
	contents := slices.Concat(large(), text(), bytes.Repeat(codectest.Contents(), 30))
	data := gzipped(b, contents, 9)
	p := make([]byte, len(contents)+1)
	for name, open := range map[string]func(io.Reader) (io.Reader, error){
		"ours": NewReader,
		"std":  func(r io.Reader) (io.Reader, error) { return std.NewReader(r) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(contents)))
			for b.Loop() {
				r, err := open(bytes.NewReader(data))
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.ReadFull(r, p); n != len(contents) || err != io.ErrUnexpectedEOF {
					b.Fatal(n, err)
				}
			}
		})
	}
}
