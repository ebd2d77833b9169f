package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"pvboot/internal/fdt"
	"pvboot/internal/golden"
)

const (
	gib    = 1 << 30
	rv64At = 2 * gib // where RAM begins
	sbiEnd = rv64At + 0x80000
)

// treeOf is a tree with memory and, as each pair of more, what is reserved of it.
func treeOf(t testing.TB, memory Range, reserved ...Range) []byte {
	t.Helper()
	d, err := fdt.Unpack(bareTree(t))
	if err != nil {
		t.Fatal(err)
	}
	reg := func(list ...Range) (b []byte) {
		for _, r := range list {
			b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, r.Start), r.Size)
		}
		return b
	}
	two := []byte{0, 0, 0, 2}
	set := func(path, name string, value []byte) {
		if err := d.Set(path, name, value); err != nil {
			t.Fatal(err)
		}
	}
	set("/", "#address-cells", two)
	set("/", "#size-cells", two)
	set("/memory@0", "device_type", []byte("memory\x00"))
	set("/memory@0", "reg", reg(memory))
	set("/chosen", "stdout-path", []byte("/soc/serial\x00"))
	if len(reserved) > 0 {
		set("/reserved-memory", "#address-cells", two)
		set("/reserved-memory", "#size-cells", two)
		set("/reserved-memory", "ranges", nil)
		set("/reserved-memory/firmware@0", "reg", reg(reserved...))
	}
	return d.Pack()
}

// rv64 is a machine with n MiB of RAM, at whose start SBI firmware lies, as
// package guest tells of it.
func rv64(t testing.TB, n uint64) Machine {
	t.Helper()
	sbi := Range{Start: rv64At, Size: sbiEnd - rv64At, Type: Reserved}
	return Machine{
		Arch:       "riscv64",
		Memory:     []Range{sbi, {Start: sbiEnd, Size: n*mib - sbi.Size, Type: RAM}},
		Hart:       3,
		DeviceTree: treeOf(t, Range{Start: rv64At, Size: n * mib}, sbi),
	}
}

// rv64File makes a riscv64 Image with a real header and recognisable code.
func rv64File(edit func(h []byte)) []byte {
	return a64File(func(h []byte) {
		le := binary.LittleEndian
		copy(h, "MZ\x6f\x10\x60\x0d\x01\x00")
		le.PutUint64(h[linuxTextOffset:], 2*mib)
		le.PutUint64(h[linuxFlags:], 0)
		le.PutUint32(h[0x20:], 2)
		copy(h[0x30:], "RISCV\x00\x00\x00RSC\x05")
		if edit != nil {
			edit(h)
		}
	})
}

func TestRISCV64Golden(t *testing.T) {
	le := binary.LittleEndian
	noFirmware := rv64(t, 64)
	noFirmware.Memory = []Range{{Start: rv64At, Size: 64 * mib, Type: RAM}}
	noFirmware.DeviceTree = treeOf(t, noFirmware.Memory[0])
	large := rv64(t, 200<<10)
	banks := rv64(t, 16)
	banks.Memory = append(banks.Memory, Range{Start: 8 * gib, Size: 64 * mib, Type: RAM})
	tests := []struct {
		name string
		file []byte
		req  Request
	}{
		{"plain", rv64File(nil), Request{CmdLine: "root=/dev/xvda1 ro", Machine: rv64(t, 512)}},
		{"initrds", rv64File(nil), Request{Initrd: []File{initrd("a", 1000), initrd("b", 3*mib)}, Machine: rv64(t, 512)}},
		{"no firmware in RAM", rv64File(nil), Request{Machine: noFirmware}},
		{"no text offset", rv64File(func(h []byte) { le.PutUint64(h[linuxTextOffset:], 0) }), Request{Machine: noFirmware}},
		{"200 GiB", rv64File(nil), Request{Initrd: []File{initrd("a", 20*mib)}, Machine: large}},
		{"initrd in another bank", rv64File(nil), Request{Initrd: []File{initrd("a", 20*mib)}, Machine: banks}},
		{"gzip", gzipped(rv64File(nil)), Request{Machine: rv64(t, 128)}},
		{"zboot", zbootFile("zstd22", zstded(padded(rv64File(nil), 6*mib)), 6*mib), Request{Machine: rv64(t, 128)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.Name, tt.req.Kernel = "/vmlinuz", bytes.NewReader(tt.file)
			plan, err := Build(tt.req)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "riscv64-"+strings.ReplaceAll(tt.name, " ", "-")+".golden", dump(t, plan))
		})
	}
}

func TestRISCV64Refused(t *testing.T) {
	le := binary.LittleEndian
	tests := []struct {
		name string
		file []byte
		edit func(*Request)
		want string
	}{
		{"big-endian", rv64File(func(h []byte) { h[linuxFlags] = 1 }), nil, "/vmlinuz: riscv64 Image: big-endian kernels are not supported"},
		{"huge", rv64File(func(h []byte) { le.PutUint64(h[linuxImageSize:], 1<<63) }), nil, "/vmlinuz: riscv64 Image: image_size 0x8000000000000000 is above 1 GiB"},
		{"no size", rv64File(func(h []byte) { le.PutUint64(h[linuxImageSize:], 0) }), nil, "/vmlinuz: riscv64 Image: image_size is 0"},
		{"text offset", rv64File(func(h []byte) { le.PutUint64(h[linuxTextOffset:], mib) }), nil, "/vmlinuz: riscv64 Image: bad text_offset 0x100000"},
		{"far text offset", rv64File(func(h []byte) { le.PutUint64(h[linuxTextOffset:], 1<<31) }), nil, "/vmlinuz: riscv64 Image: bad text_offset 0x80000000"},
		{"header cut", rv64File(nil)[:63], nil, "/vmlinuz: not a kernel of a known format"},
		{"first magic only", rv64File(func(h []byte) { clear(h[linuxMagic : linuxMagic+4]) }), nil, "/vmlinuz: not a kernel of a known format"},
		{"cut", rv64PE()[:200_000], nil, "/vmlinuz: riscv64 Image: truncated: a section ends at byte 300000, the file at 200000"},
		{"too big", rv64File(nil), func(r *Request) { r.Machine = rv64(t, 7) },
			"/vmlinuz: riscv64 Image: kernel: no room for 6144 KiB of RAM between 0x80200000 and 0x80700000: the domain needs more memory"},
		{"initrd too big", rv64File(nil), func(r *Request) { r.Initrd = []File{{Name: "i", Data: io.NewSectionReader(nil, 0, 125*mib)}} },
			"/vmlinuz: riscv64 Image: initrd: no room for 128000 KiB of RAM between 0x80800000 and 0x88000000: the domain needs more memory"},
		{"command line", rv64File(nil), func(r *Request) { r.CmdLine = strings.Repeat("x", 1024) },
			"/vmlinuz: riscv64 Image: command line of 1024 bytes, the kernel takes 1023"},
		{"no tree", rv64File(nil), func(r *Request) { r.Machine.DeviceTree = nil },
			"/vmlinuz: riscv64 Image: no device tree: neither the machine nor the configuration has one"},
		{"arm64", a64File(nil), nil, "/vmlinuz: kernel of another architecture: arm64 Image (arm64) on riscv64"},
		{"on arm64", rv64File(nil), func(r *Request) { r.Machine.Arch = "arm64" }, "/vmlinuz: kernel of another architecture: riscv64 Image (riscv64) on arm64"},
		{"gzip cut", gzipped(rv64File(nil))[:30], nil, "/vmlinuz: gzip: unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := Request{Name: "/vmlinuz", Kernel: bytes.NewReader(tt.file), Machine: rv64(t, 128)}
			if tt.edit != nil {
				tt.edit(&req)
			}
			_, err := Build(req)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if strings.Contains(tt.want, "another architecture") != errors.Is(err, ErrArch) {
				t.Errorf("%v is ErrArch: %v", err, errors.Is(err, ErrArch))
			}
		})
	}
}

// rv64PE is an Image whose PE header has a section that ends the file.
func rv64PE() []byte {
	return rv64File(func(h []byte) { copy(h[peOffset:headSize], peFile()[peOffset:headSize]) })
}

// The tree of the plan is the machine's with another /chosen, whose console stays.
func TestRISCV64Tree(t *testing.T) {
	m := rv64(t, 128)
	plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(rv64File(nil)), CmdLine: "quiet",
		Initrd: []File{initrd("a", 1000)}, Machine: m})
	if err != nil {
		t.Fatal(err)
	}
	tree := plan.Segments[1]
	if tree.Addr != plan.Entry.Regs["a1"] {
		t.Errorf("a1 %#x, tree at %#x", plan.Entry.Regs["a1"], tree.Addr)
	}
	b := make([]byte, tree.Size)
	if n, err := tree.Data.ReadAt(b, 0); n < len(b) {
		t.Fatal(err)
	}
	checkChosen(t, b, plan.Segments[2].Addr, 1000, "stdout-path")
}

// checkChosen compares /chosen with the command line "quiet" and an initrd; keep
// is a property that it has besides.
func checkChosen(t *testing.T, b []byte, initrd, size uint64, keep string) {
	t.Helper()
	parsed, err := fdt.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	chosen, ok := parsed.Find("/chosen")
	if !ok {
		t.Fatal("no /chosen")
	}
	line, _ := chosen.Text("bootargs")
	start, _ := chosen.Uint("linux,initrd-start")
	end, _ := chosen.Uint("linux,initrd-end")
	if string(line) != "quiet" || start != initrd || end != initrd+size {
		t.Errorf("bootargs %q, initrd %#x-%#x", line, start, end)
	}
	if _, ok := chosen.Prop(keep); !ok {
		t.Errorf("no %s", keep)
	}
}

// FuzzBuildRISCV64: no header and no device tree make Build panic, or plan outside
// RAM, or a kernel off its alignment.
func FuzzBuildRISCV64(f *testing.F) {
	tree := rv64(f, 64).DeviceTree
	f.Add(rv64File(nil)[:headSize], uint16(64), uint32(1000), tree)
	f.Add(zbootFile("gzip", gzipped(rv64File(nil)), 300_000), uint16(64), uint32(1000), tree)
	f.Add(gzipped(rv64File(nil)), uint16(64), uint32(1000), tree)
	f.Add(rv64PE()[:headSize], uint16(64), uint32(0), tree)
	f.Fuzz(func(t *testing.T, kernel []byte, ramMiB uint16, initrdSize uint32, tree []byte) {
		machine := rv64(t, max(uint64(ramMiB), 1))
		plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(kernel), Machine: machine, DeviceTree: file("t", tree),
			Initrd: []File{{Name: "i", Data: io.NewSectionReader(nil, 0, int64(initrdSize))}}})
		if err != nil {
			return
		}
		if plan.Entry.PC%(2*mib) != 0 || plan.Entry.PC != plan.Segments[0].Addr {
			t.Errorf("kernel at %#x, entry %#x", plan.Segments[0].Addr, plan.Entry.PC)
		}
		own := []Range{{Start: rv64At + 2*mib, Size: 30 * mib, Type: RAM}}
		var noRoom *NoRoomError
		if _, err := NewSchedule(plan, own, machine.Memory); err != nil && !errors.As(err, &noRoom) {
			t.Error(err)
		}
	})
}
