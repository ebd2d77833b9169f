package image

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pvboot/internal/golden"
)

// newc is a cpio archive with one file of n bytes.
func newc(name string, n int) []byte {
	var b bytes.Buffer
	entry := func(name string, size int) {
		fmt.Fprintf(&b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
			1, 0o100644, 0, 0, 1, 0, size, 0, 0, 0, 0, len(name)+1, 0)
		b.WriteString(name + "\x00")
		pad(&b)
		for i := range size {
			b.WriteByte(byte(i*i>>3) | 1)
		}
		pad(&b)
	}
	entry(name, n)
	entry("TRAILER!!!", 0)
	return b.Bytes()
}

func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}

func TestCheckInitrd(t *testing.T) {
	early, main := newc("kernel/x86/microcode/x.bin", 3001), newc("init", 30000)
	lz4 := []byte("\x02\x21\x4c\x18\x05\x00\x00\x00abcde\x03\x00\x00\x00abc")
	whole := map[string][]byte{
		"cpio":        main,
		"early, cpio": append(append(bytes.Clone(early), make([]byte, 512)...), main...),
		"zstd":        golden.Output(t, "initrd.zst", main, "zstd", "-c"),
		"early, zstd": append(bytes.Clone(early), golden.Output(t, "initrd-nocheck.zst", main, "zstd", "-c", "--no-check")...),
		"early, xz":   append(bytes.Clone(early), golden.Output(t, "initrd.xz", main, "xz", "-c", "--check=crc32")...),
		"lz4":         lz4,
	}
	for name, data := range whole {
		t.Run(name, func(t *testing.T) {
			if err := checkInitrd(bytes.NewReader(append(bytes.Clone(data), make([]byte, 100)...))); err != nil {
				t.Errorf("with zeros behind it: %v", err)
			}
			if err := checkInitrd(bytes.NewReader(data)); err != nil {
				t.Error(err)
			}
			for _, cut := range []int{1, 5, len(data) / 3} {
				if name == "cpio" || strings.HasSuffix(name, ", cpio") {
					cut += 128 // more than the trailer's end, which may be missing
				}
				if cut >= len(data) || name == "lz4" && cut == 5 {
					continue
				}
				if err := checkInitrd(bytes.NewReader(data[:len(data)-cut])); err == nil {
					t.Errorf("%d of %d bytes cut off: no error", cut, len(data))
				}
			}
		})
	}
}

// What cannot be judged passes.
func TestCheckInitrdUnknown(t *testing.T) {
	for _, data := range []string{"", "\x00\x00", "hello", "\x1f\x8b\x08\x00cut", "BZh9", strings.Repeat("\x00", 9999)} {
		if err := checkInitrd(bytes.NewReader([]byte(data))); err != nil {
			t.Errorf("%.10q: %v", data, err)
		}
	}
}

func FuzzCheckInitrd(f *testing.F) {
	f.Add(newc("init", 30))
	f.Add([]byte("\x28\xb5\x2f\xfd\x04\x00\x01\x00\x00"))
	f.Add([]byte("\x02\x21\x4c\x18\x01\x00\x00\x00a"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_ = checkInitrd(bytes.NewReader(data))
	})
}
