package memdisk

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// image returns size bytes, with a GPT's signature at each offset.
func image(size int, signatures ...int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i * 7)
	}
	for _, at := range signatures {
		copy(b[at:], gptSignature)
	}
	return b
}

func TestNew(t *testing.T) {
	for name, tt := range map[string]struct {
		image        []byte
		size, sector int
	}{
		"plain":            {image(3*512 + 511), 3 * 512, 512},
		"gpt":              {image(8192, 512), 8192, 512},
		"gpt of 4096":      {image(3*4096+512, 4096), 3 * 4096, 4096},
		"both":             {image(8192, 512, 4096), 8192, 512},
		"4096, cut off":    {image(8191, 4096), 8191 / 512 * 512, 512},
		"one sector":       {image(512), 512, 512},
		"almost a sector":  {image(511), 0, 0},
		"nothing":          {nil, 0, 0},
		"signature at end": {image(4096+8, 4096), 4096, 512},
	} {
		d, err := New(tt.image)
		if tt.size == 0 {
			if err == nil || !strings.Contains(err.Error(), "holds no sector") {
				t.Errorf("%s: error %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d.Size() != int64(tt.size) || d.SectorSize() != tt.sector {
			t.Errorf("%s: %d bytes in sectors of %d, want %d in %d", name, d.Size(), d.SectorSize(), tt.size, tt.sector)
		}
		if err := iotest.TestReader(io.NewSectionReader(d, 0, d.Size()), tt.image[:tt.size]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadAt(t *testing.T) {
	data := image(1024)
	d, err := New(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		off  int64
		size int
		n    int
		err  error
	}{
		{0, 1024, 1024, nil},
		{1, 3, 3, nil},
		{1000, 24, 24, nil},
		{1000, 25, 24, io.EOF},
		{1024, 1, 0, io.EOF},
		{1 << 62, 1, 0, io.EOF},
		{1 << 62, 0, 0, nil},
	} {
		p := make([]byte, tt.size)
		n, err := d.ReadAt(p, tt.off)
		if n != tt.n || err != tt.err || !bytes.Equal(p[:n], data[min(tt.off, 1024):][:n]) {
			t.Errorf("%d bytes at %d: %d, %v", tt.size, tt.off, n, err)
		}
	}
	if n, err := d.ReadAt(make([]byte, 1), -1); n != 0 || err == nil || !strings.Contains(err.Error(), "offset -1") {
		t.Errorf("at -1: %d, %v", n, err)
	}
}

func FuzzDisk(f *testing.F) {
	f.Add(image(8192, 4096), int64(4000), 200)
	f.Add(image(700), int64(-1), 2)
	f.Add([]byte{}, int64(0), 0)
	f.Fuzz(func(t *testing.T, data []byte, off int64, size int) {
		d, err := New(data)
		if err != nil {
			return
		}
		p := make([]byte, size&0xffff)
		n, err := d.ReadAt(p, off)
		switch {
		case n < len(p) && err == nil:
			t.Fatalf("%d of %d bytes and no error", n, len(p))
		case n > 0 && (off < 0 || off+int64(n) > d.Size() || !bytes.Equal(p[:n], data[off:off+int64(n)])):
			t.Fatalf("%d bytes at %d are not the disk's", n, off)
		}
	})
}
