package image

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zstded(b []byte) []byte {
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	w.Write(b)
	w.Close()
	return out.Bytes()
}

// padded is b with zeros up to n bytes, as the kernel's build pads what goes
// into an EFI zboot image.
func padded(b []byte, n int) []byte { return append(b, make([]byte, n-len(b))...) }

// zbootFile is an EFI zboot image without the code that EFI runs. size is
// what the payload unpacks to.
func zbootFile(codec string, payload []byte, size uint32) []byte {
	f := make([]byte, 4096)
	copy(f, "MZ\x00\x00zimg")
	le := binary.LittleEndian
	le.PutUint32(f[zbootOffset:], 4096)
	le.PutUint32(f[zbootSize:], uint32(len(payload)))
	copy(f[zbootCodec:], codec)
	copy(f[56:], "\xcd\x23\x82\x81")
	f = append(f, payload...)
	if codec != "gzip" {
		f = le.AppendUint32(f, size)
	}
	return append(f, make([]byte, 1000)...)
}

// peFile is an Image with a PE header whose last section ends the file.
func peFile() []byte {
	return a64File(func(h []byte) {
		le := binary.LittleEndian
		le.PutUint32(h[peOffset:], 64)
		copy(h[64:], "PE\x00\x00")
		le.PutUint16(h[64+peSections:], 2)
		le.PutUint16(h[64+peOptional:], 160)
		text, data := h[64+peHeaderSize+160:], h[64+peHeaderSize+160+sectionSize:]
		le.PutUint32(text[sectionOffset:], 4096)
		le.PutUint32(text[sectionLength:], 200_000-4096)
		le.PutUint32(data[sectionOffset:], 200_000)
		le.PutUint32(data[sectionLength:], 100_000)
	})
}

// kernelOf is the kernel of a plan as Load reads it, in pieces if it may.
func kernelOf(t *testing.T, file []byte, piece int) ([]byte, error) {
	t.Helper()
	plan, err := Build(Request{Name: "/vmlinuz", Kernel: bytes.NewReader(file), Machine: ram(t, 128)})
	if err != nil {
		return nil, err
	}
	k := plan.Segments[0]
	b := make([]byte, k.Data.Size())
	if k.Whole {
		piece = len(b)
	}
	for off := 0; off < len(b); off += piece {
		p := b[off:min(off+piece, len(b))]
		if n, err := k.Data.ReadAt(p, int64(off)); n < len(p) {
			return nil, err
		}
	}
	return b, nil
}

func TestPackedKernels(t *testing.T) {
	kernel := a64File(nil)
	old := a64File(func(h []byte) { binary.LittleEndian.PutUint64(h[linuxImageSize:], 0) })
	full := padded(a64File(nil), 6*mib)
	tests := []struct {
		name string
		file []byte
		want []byte
	}{
		{"gzip", gzipped(kernel), kernel},
		{"gzip, two members", append(gzipped(kernel[:1000]), gzipped(kernel[1000:])...), kernel},
		{"gzip before 3.17", gzipped(old), old},
		{"zstd", zstded(kernel), kernel},
		{"zboot, gzip", zbootFile("gzip", gzipped(full), 0), kernel},
		{"zboot, zstd", zbootFile("zstd", zstded(full), uint32(len(full))), kernel},
		{"zboot, zstd22", zbootFile("zstd22", zstded(full), uint32(len(full))), kernel},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, piece := range []int{6*mib + 1<<20, 1 << 20, 99_999} {
				got, err := kernelOf(t, tt.file, piece)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.HasPrefix(got, tt.want) || len(bytes.Trim(got[len(tt.want):], "\x00")) > 0 {
					t.Errorf("in pieces of %d: another kernel", piece)
				}
			}
		})
	}
}

// Reading anywhere gives the same bytes as reading in order.
func TestPackedGoesBack(t *testing.T) {
	kernel := a64File(nil)
	plan, err := Build(Request{Name: "/vmlinuz", Kernel: bytes.NewReader(gzipped(kernel)), Machine: ram(t, 128)})
	if err != nil {
		t.Fatal(err)
	}
	data := plan.Segments[0].Data
	for _, off := range []int64{200_000, 100, 100, 0, 299_990, 250_000} {
		b := make([]byte, 50_000)
		want := append(bytes.Clone(kernel[off:]), b...)[:len(b)]
		if n, err := data.ReadAt(b, off); n != len(b) || err != nil || !bytes.Equal(b, want) {
			t.Errorf("at %d: %d bytes, %v", off, n, err)
		}
	}
	if n, err := data.ReadAt(make([]byte, 10), data.Size()-4); n != 4 || err != io.EOF {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
	if _, err := data.ReadAt(make([]byte, 10), data.Size()+1); err == nil {
		t.Error("past the end: no error")
	}
}

func TestPackedDamaged(t *testing.T) {
	kernel, full := a64File(nil), padded(a64File(nil), 6*mib)
	flip := func(b []byte, at int) []byte { b[at] ^= 1; return b }
	small := a64File(func(h []byte) { binary.LittleEndian.PutUint64(h[linuxImageSize:], 299_999) })
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"gzip cut", gzipped(kernel)[:5_000], "/vmlinuz: gzip: unexpected EOF"},
		{"gzip checksum", flip(gzipped(kernel), len(gzipped(kernel))-8), "/vmlinuz: gzip: checksum mismatch"},
		{"gzip cut at the head", gzipped(kernel)[:300], "/vmlinuz: gzip: unexpected EOF"},
		{"gzip bomb", gzipped(small), "/vmlinuz: gzip: unpacks to more than it should, 299999 bytes"},
		{"gzip and more", append(gzipped(kernel), "more of it"...), "/vmlinuz: gzip: damaged: no header"},
		{"zstd cut", zstded(kernel)[:len(zstded(kernel))-5], "/vmlinuz: zstd: unexpected EOF"},
		{"zstd checksum", flip(zstded(kernel), len(zstded(kernel))-1), "/vmlinuz: zstd: checksum mismatch"},
		{"zstd bomb", zstded(small), "/vmlinuz: zstd: unpacks to more than it should, 299999 bytes"},
		{"zstd and more", append(zstded(kernel), "more of it"...), "/vmlinuz: zstd: damaged: no frame where one should begin"},
		{"zboot gzip cut", zbootFile("gzip", append(gzipped(full)[:5_000], 0, 0, 0xe0, 1), 0), "/vmlinuz: zboot: gzip: "},
		{"zboot too short", zbootFile("zstd", zstded(kernel), 300_001), "/vmlinuz: zboot: zstd: unpacks to 300000 bytes and should to 300001"},
		{"zboot too long", zbootFile("zstd", zstded(full), 6*mib-1), "/vmlinuz: zboot: zstd: unpacks to more than it should, 6291455 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := kernelOf(t, tt.file, 1<<20); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
