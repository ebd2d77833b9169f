package handover

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pvboot/loader/image"
)

const mib = 1 << 20

// ground is a machine of 8 MiB whose loader sits in the second one.
func ground() (Ground, []byte) {
	ram := make([]byte, 8*mib)
	for i := range ram {
		ram[i] = 0xee
	}
	return Ground{
		Own: []image.Range{{Start: mib, Size: mib, Type: image.RAM}},
		Free: []image.Range{
			{Start: 0, Size: mib, Type: image.RAM},
			{Start: 2 * mib, Size: 6 * mib, Type: image.RAM},
		},
		View: func(addr, size uint64) []byte { return ram[addr : addr+size : addr+size] },
	}, ram
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

func TestLoad(t *testing.T) {
	g, ram := ground()
	data := pattern(2 * mib)
	plan := &image.Plan{Segments: []image.Segment{
		{Name: "kernel", Addr: mib / 2, Size: 2*mib + 100, Data: bytes.NewReader(data)},
		{Name: "bss", Addr: 4 * mib, Size: 4096},
	}}
	loaded, err := Load(plan, g)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range ram[mib : 2*mib] {
		if b != 0xee {
			t.Fatal("the loader's own memory was written")
		}
	}
	for _, m := range loaded.schedule.Moves {
		copy(ram[m.Dst:m.Dst+m.Size], ram[m.Src:m.Src+m.Size])
	}
	if want := append(data, make([]byte, 100)...); !bytes.Equal(ram[mib/2:mib/2+len(want)], want) {
		t.Error("kernel differs")
	}
	if !bytes.Equal(ram[4*mib:4*mib+4096], make([]byte, 4096)) {
		t.Error("bss is not zero")
	}
}

// wholeFile can only be read in one piece.
type wholeFile struct {
	*bytes.Reader
	t *testing.T
}

func (f wholeFile) ReadAt(p []byte, off int64) (int, error) {
	if off != 0 || int64(len(p)) != f.Size() {
		f.t.Errorf("read of %d bytes at %d", len(p), off)
	}
	return f.Reader.ReadAt(p, off)
}

// More than one read's worth, and partly where the loader lies.
func TestLoadWhole(t *testing.T) {
	ram := make([]byte, 80*mib)
	g := Ground{
		Own:  []image.Range{{Start: 0, Size: mib, Type: image.RAM}},
		Free: []image.Range{{Start: mib, Size: 79 * mib, Type: image.RAM}},
		View: func(addr, size uint64) []byte { return ram[addr : addr+size : addr+size] },
	}
	data := pattern(maxRead + mib)
	plan := &image.Plan{Segments: []image.Segment{{Name: "kernel", Addr: mib / 2, Size: uint64(len(data)), Whole: true,
		Data: wholeFile{bytes.NewReader(data), t}}}}
	loaded, err := Load(plan, g)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range loaded.schedule.Moves {
		copy(ram[m.Dst:m.Dst+m.Size], ram[m.Src:m.Src+m.Size])
	}
	if !bytes.Equal(ram[mib/2:mib/2+len(data)], data) {
		t.Error("kernel differs")
	}
}

// A check sees the bytes in order, wherever they wait.
func TestLoadChecks(t *testing.T) {
	g, _ := ground()
	data := pattern(2 * mib)
	refuse := errors.New("truncated")
	_, err := Load(&image.Plan{Segments: []image.Segment{{Name: "initrd", Addr: mib / 2, Size: 2 * mib, Data: bytes.NewReader(data),
		Check: func(src image.Source) error {
			got, err := io.ReadAll(io.NewSectionReader(src, 0, src.Size()))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("the check saw other data, %v", err)
			}
			return refuse
		}}}}, g)
	if !errors.Is(err, refuse) || err.Error() != "handover: initrd: truncated" {
		t.Errorf("error %v", err)
	}
}

// shortFile promises more bytes than it has.
type shortFile struct{ *bytes.Reader }

func (shortFile) Size() int64 { return mib }

type badFile struct{ io.ReaderAt }

var errIO = errors.New("input/output error")

func (badFile) ReadAt([]byte, int64) (int, error) { return 512, errIO }
func (badFile) Size() int64                       { return mib }

func TestLoadFails(t *testing.T) {
	tests := []struct {
		name string
		data image.Source
		size uint64
		want string
	}{
		{"truncated", shortFile{bytes.NewReader(pattern(5000))}, mib, "handover: initrd /i: read at 5000: unexpected EOF"},
		{"disk error", badFile{}, mib, "handover: initrd /i: read at 512: input/output error"},
		{"no room", bytes.NewReader(pattern(7 * mib)), 7 * mib,
			"handover: stage initrd /i: no room for 1024 KiB of RAM between 0x0 and 0xffffffffffffffff: the domain needs more memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, _ := ground()
			_, err := Load(&image.Plan{Segments: []image.Segment{{Name: "initrd /i", Addr: 8192, Size: tt.size, Data: tt.data}}}, g)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
