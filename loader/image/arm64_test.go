package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"pvboot/internal/golden"
)

// xenvmMap is the RAM of a domain of 5 GiB.
var xenvmMap = []Range{
	{Start: 1 << 30, Size: 3 << 30, Type: RAM},
	{Start: 8 << 30, Size: 2 << 30, Type: RAM},
}

// xenvmTree is its device tree, as internal/fdt has it.
func xenvmTree(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/xenvm.dtb")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func xenvm(t testing.TB) Machine {
	return Machine{Arch: "arm64", Memory: xenvmMap, DeviceTree: xenvmTree(t)}
}

// ram is a machine with one bank of n MiB.
func ram(t testing.TB, n uint64) Machine {
	m := xenvm(t)
	m.Memory = []Range{{Start: 1 << 30, Size: n * mib, Type: RAM}}
	return m
}

// a64File makes an arm64 Image with a real header and recognisable code. Its
// bss is larger than the rest.
func a64File(edit func(h []byte)) []byte {
	f := make([]byte, 300_000)
	for i := linuxHeaderSize; i < len(f); i++ {
		f[i] = byte(i * i >> 7)
	}
	le := binary.LittleEndian
	copy(f, "MZ\x40\xfa\x00\x00\x00\x14")
	le.PutUint64(f[linuxImageSize:], 6*mib)
	le.PutUint64(f[linuxFlags:], 0xa)
	copy(f[linuxMagic:], "ARM\x64")
	if edit != nil {
		edit(f)
	}
	return f
}

func file(name string, b []byte) *File { return &File{Name: name, Data: bytes.NewReader(b)} }

func TestArm64Golden(t *testing.T) {
	le := binary.LittleEndian
	tests := []struct {
		name string
		file []byte
		req  Request
	}{
		{"plain", a64File(nil), Request{CmdLine: "root=/dev/xvda1 ro", Machine: xenvm(t)}},
		{"initrds", a64File(nil), Request{Initrd: []File{initrd("a", 1000), initrd("b", 3*mib)}, Machine: xenvm(t)}},
		{"128 MiB", a64File(nil), Request{Initrd: []File{initrd("a", 20*mib)}, Machine: ram(t, 128)}},
		{"gzip", gzipped(a64File(nil)), Request{Machine: ram(t, 128)}},
		{"zboot", zbootFile("zstd22", zstded(padded(a64File(nil), 6*mib)), 6*mib), Request{Machine: ram(t, 128)}},
		{"text offset", a64File(func(h []byte) { le.PutUint64(h[linuxTextOffset:], 2*mib) }), Request{Machine: ram(t, 128)}},
		{"before 3.17", a64File(func(h []byte) {
			le.PutUint64(h[linuxImageSize:], 0)
			le.PutUint64(h[linuxTextOffset:], 0x0000080000000000)
			le.PutUint64(h[linuxFlags:], 1)
		}), Request{Machine: ram(t, 128)}},
		{"64K pages", a64File(func(h []byte) { h[linuxFlags] = 3<<1 | 8 }), Request{Machine: ram(t, 128)}},
		{"second bank", a64File(nil), Request{Initrd: []File{initrd("a", 20*mib)},
			Machine: Machine{Arch: "arm64", DeviceTree: xenvmTree(t), Memory: []Range{
				{Start: 1 << 30, Size: 4 * mib, Type: RAM}, {Start: 8 << 30, Size: 64 * mib, Type: RAM}}}}},
		{"initrd in another bank", a64File(nil), Request{Initrd: []File{initrd("a", 20*mib)},
			Machine: Machine{Arch: "arm64", DeviceTree: xenvmTree(t), Memory: []Range{
				{Start: 1 << 30, Size: 16 * mib, Type: RAM}, {Start: 8 << 30, Size: 64 * mib, Type: RAM}}}}},
		{"another tree", a64File(nil), Request{Initrd: []File{initrd("a", mib)},
			DeviceTree: file("/boot/x.dtb", reservingTree(t)), Machine: ram(t, 64)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.Name, tt.req.Kernel = "/vmlinuz", bytes.NewReader(tt.file)
			plan, err := Build(tt.req)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "arm64-"+strings.ReplaceAll(tt.name, " ", "-")+".golden", dump(t, plan))
		})
	}
}

func TestArm64Refused(t *testing.T) {
	le := binary.LittleEndian
	tests := []struct {
		name string
		file []byte
		edit func(*Request)
		want string
	}{
		{"big-endian", a64File(func(h []byte) { h[linuxFlags] = 1 }), nil, "/vmlinuz: arm64 Image: big-endian kernels are not supported"},
		{"huge", a64File(func(h []byte) { le.PutUint64(h[linuxImageSize:], 1<<30+1) }), nil, "/vmlinuz: arm64 Image: image_size 0x40000001 is above 1 GiB"},
		{"text offset", a64File(func(h []byte) { le.PutUint64(h[linuxTextOffset:], 1<<63) }), nil, "/vmlinuz: arm64 Image: bad text_offset 0x8000000000000000"},
		{"odd text offset", a64File(func(h []byte) { h[linuxTextOffset] = 1 }), nil, "/vmlinuz: arm64 Image: bad text_offset 0x1"},
		{"too big", a64File(nil), func(r *Request) { r.Machine = ram(t, 5) },
			"/vmlinuz: arm64 Image: kernel: no room for 6144 KiB of RAM between 0x40000000 and 0x40500000: the domain needs more memory"},
		{"initrd too big", a64File(nil), func(r *Request) { r.Initrd = []File{{Name: "i", Data: io.NewSectionReader(nil, 0, 125*mib)}} },
			"/vmlinuz: arm64 Image: initrd: no room for 128000 KiB of RAM between 0x40000000 and 0x48000000: the domain needs more memory"},
		{"command line", a64File(nil), func(r *Request) { r.CmdLine = strings.Repeat("x", 2048) },
			"/vmlinuz: arm64 Image: command line of 2048 bytes, the kernel takes 2047"},
		{"NUL in the command line", a64File(nil), func(r *Request) { r.CmdLine = "a\x00b" },
			"/vmlinuz: arm64 Image: device tree: /chosen: property bootargs: NUL in the string"},
		{"no tree", a64File(nil), func(r *Request) { r.Machine.DeviceTree = nil },
			"/vmlinuz: arm64 Image: no device tree: neither the machine nor the configuration has one"},
		{"damaged tree", a64File(nil), func(r *Request) { r.Machine.DeviceTree = xenvmTree(t)[:61] },
			"/vmlinuz: arm64 Image: device tree: offset 0x3d: truncated"},
		{"text for a tree", a64File(nil), func(r *Request) { r.DeviceTree = file("/x.dtb", []byte("hello hello")) },
			"/vmlinuz: arm64 Image: device tree /x.dtb: not a flattened device tree of at most 2 MiB"},
		{"empty tree", a64File(nil), func(r *Request) { r.DeviceTree = file("/x.dtb", nil) },
			"/vmlinuz: arm64 Image: device tree /x.dtb: not a flattened device tree of at most 2 MiB"},
		{"cut tree", a64File(nil), func(r *Request) { r.DeviceTree = file("/x.dtb", xenvmTree(t)[:1000]) },
			"/vmlinuz: arm64 Image: device tree /x.dtb: truncated: 1000 bytes, the header says "},
		{"tree without memory", a64File(nil), func(r *Request) { r.DeviceTree = file("/x.dtb", bareTree(t)) },
			"/vmlinuz: arm64 Image: device tree /x.dtb: no memory node: it does not describe this machine"},
		{"x86 kernel", bzFile(nil), nil, "/vmlinuz: kernel of another architecture: bzImage (amd64) on arm64"},
		{"compressed x86 kernel", gzipped(bzFile(nil)), nil, "/vmlinuz: kernel of another architecture: bzImage (amd64) on arm64"},
		{"arm64 on x86", a64File(nil), func(r *Request) { r.Machine.Arch = "amd64" }, "/vmlinuz: kernel of another architecture: arm64 Image (arm64) on amd64"},
		{"compressed on x86", gzipped(bzFile(nil)), func(r *Request) { r.Machine.Arch = "amd64" }, "/vmlinuz: gzip: bzImage kernels are not unpacked"},
		{"compressed text", gzipped([]byte("hello")), nil, "/vmlinuz: gzip: not a kernel of a known format"},
		{"short gzip", gzipped(a64File(nil))[:9], nil, "/vmlinuz: gzip: unexpected EOF"},
		{"bzip2", append([]byte("BZh9"), make([]byte, 5000)...), nil, "/vmlinuz: bzip2: bzip2 data invalid: bad magic value"},
		{"truncated", peFile()[:200_000], nil, "/vmlinuz: arm64 Image: truncated: a section ends at byte 300000, the file at 200000"},
		{"zboot unknown", zbootFile("brotli", make([]byte, 5000), mib), nil, `/vmlinuz: zboot: "brotli": this compression is not supported`},
		{"zboot of zeros", zbootFile("zstd", make([]byte, 5000), mib), nil, "/vmlinuz: zboot: zstd: "},
		{"zboot truncated", zbootFile("zstd", zstded(a64File(nil)), 300_000)[:5000], nil, "/vmlinuz: zboot: truncated: the payload ends at byte "},
		{"zboot too large", zbootFile("zstd", zstded(a64File(nil)), 1<<31-1), nil, "/vmlinuz: zboot: zstd: unpacks to 2147483647 bytes: absurd"},
		{"zboot without a payload", zbootFile("gzip", nil, 0), nil, "/vmlinuz: zboot: a payload of 0 bytes at 4096"},
		{"zboot of another architecture", zbootFile("gzip", gzipped(append(make([]byte, 56), "RSC\x05    "...)), 64), nil,
			"/vmlinuz: kernel of another architecture: riscv64 Image (riscv64) on arm64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := Request{Name: "/vmlinuz", Kernel: bytes.NewReader(tt.file), Machine: ram(t, 128)}
			if tt.edit != nil {
				tt.edit(&req)
			}
			_, err := Build(req)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if strings.Contains(tt.want, "another architecture") != errors.Is(err, ErrArch) {
				t.Errorf("%v is ErrArch: %v", err, errors.Is(err, ErrArch))
			}
		})
	}
}

// The memory between base and kernel means nothing; the base itself lies in
// the bank.
func TestArm64Placement(t *testing.T) {
	tests := []struct {
		memory     []Range
		textOffset uint64
		want       uint64
	}{
		{[]Range{{Start: gib, Size: 64 * mib, Type: RAM}}, 0, gib},
		{[]Range{{Start: gib, Size: 64 * mib, Type: RAM}}, 2 * mib, gib + 2*mib},
		{[]Range{{Start: gib, Size: 64 * mib, Type: RAM}}, 0x80000, gib + 0x80000},
		{[]Range{{Start: gib + 4096, Size: 64 * mib, Type: RAM}}, 0x80000, gib + 2*mib + 0x80000},
		// A hole where the lowest base's kernel would be.
		{[]Range{{Start: gib, Size: mib, Type: RAM}, {Start: gib + mib, Size: mib, Type: Reserved}, {Start: gib + 2*mib, Size: 64 * mib, Type: RAM}}, 0, gib + 2*mib},
		// Address 0 means none.
		{[]Range{{Start: 0, Size: 64 * mib, Type: RAM}}, 0, 2 * mib},
	}
	for _, tt := range tests {
		kernel := a64File(func(h []byte) { binary.LittleEndian.PutUint64(h[linuxTextOffset:], tt.textOffset) })
		plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(kernel),
			Machine: Machine{Arch: "arm64", Memory: tt.memory, DeviceTree: bareTree(t)}})
		if err != nil {
			t.Errorf("%#x: %v", tt.memory, err)
			continue
		}
		if got := plan.Entry.PC; got != tt.want || plan.Segments[0].Addr != got {
			t.Errorf("%#x: kernel at %#x, want %#x", tt.memory, got, tt.want)
		}
	}
}

// FuzzBuildArm64: no header and no device tree make Build panic, or plan
// outside RAM, or over what is reserved.
func FuzzBuildArm64(f *testing.F) {
	tree := xenvmTree(f)
	f.Add(a64File(nil)[:headSize], uint16(64), uint32(1000), tree)
	f.Add(zbootFile("gzip", gzipped(a64File(nil)), 300_000), uint16(64), uint32(1000), tree)
	f.Add(gzipped(a64File(nil)), uint16(64), uint32(1000), tree)
	f.Add(zstded(a64File(nil)), uint16(64), uint32(1000), tree)
	f.Add(peFile()[:headSize], uint16(64), uint32(0), tree)
	f.Fuzz(func(t *testing.T, kernel []byte, ramMiB uint16, initrdSize uint32, tree []byte) {
		machine := ram(t, uint64(ramMiB))
		plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(kernel), Machine: machine, DeviceTree: file("t", tree),
			Initrd: []File{{Name: "i", Data: io.NewSectionReader(nil, 0, int64(initrdSize))}}})
		if err != nil {
			return
		}
		own := []Range{{Start: 1<<30 + 2*mib, Size: 30 * mib, Type: RAM}}
		if _, err := NewSchedule(plan, own, machine.Memory); err != nil {
			var noRoom *NoRoomError
			if !errors.As(err, &noRoom) {
				t.Error(err)
			}
		}
		k := plan.Segments[0]
		if k.Size > 64*mib {
			return
		}
		b := make([]byte, k.Data.Size())
		if n, err := k.Data.ReadAt(b, 0); n == len(b) && (err == nil || err == io.EOF) && !arm64Image.is(b) {
			t.Error("what is loaded is no kernel")
		}
	})
}
