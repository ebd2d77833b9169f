package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"pvboot/internal/fdt"
	"pvboot/internal/golden"
)

// powerBase is where Linux is linked.
const powerBase = 0xc000000000000000

// power is a machine with n MiB of RAM from 0 on and RTAS at the end of it.
func power(t testing.TB, n uint64) Machine {
	t.Helper()
	ram := Range{Size: n * mib, Type: RAM}
	d, err := fdt.Unpack(treeOf(t, ram))
	if err != nil {
		t.Fatal(err)
	}
	cell := func(v uint64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
	for _, p := range []struct {
		path, name string
		value      []byte
	}{
		{"/rtas", "linux,rtas-base", cell(n*mib - 0x20000)}, {"/rtas", "linux,rtas-entry", cell(n*mib - 0x20000)},
		{"/rtas", "rtas-size", cell(0x1000)},
		{"/chosen", "linux,stdout-path", []byte("/vdevice/vty\x00")},
	} {
		if err := d.Set(p.path, p.name, p.value); err != nil {
			t.Fatal(err)
		}
	}
	return Machine{Arch: "ppc64le", Memory: []Range{ram}, DeviceTree: d.Pack()}
}

// vmlinux is a kernel like Debian's: one segment, for address 0.
func vmlinux() testELF {
	return testELF{bits: 64, machine: elfPPC64, entry: powerBase, loads: []elfProg64{
		{Vaddr: powerBase, FileSize: 200_000, MemSize: 5*mib + 100, Flags: 7, Align: 64 << 10},
	}}
}

// powerFile is vmlinux, changed first, with the flags that kernels have.
func powerFile(t testing.TB, edit func(e *testELF)) []byte {
	t.Helper()
	e := vmlinux()
	if edit != nil {
		edit(&e)
	}
	f := e.bytes(t)
	if e.bits == 64 {
		binary.LittleEndian.PutUint32(f[48:], 2)
	}
	return f
}

// zImage is a program for firmware with a payload.
func zImage(t testing.TB, payload []byte) []byte {
	t.Helper()
	f := testELF{bits: 64, machine: elfPPC64, entry: 64 * mib, loads: []elfProg64{
		{Vaddr: 64 * mib, Paddr: 64 * mib, FileSize: 1000, MemSize: 1000},
	}}.bytes(t)
	const names = "\x00.names\x00" + wrapped + "\x00"
	sections := []elfSection64{
		{}, {Name: 1, Type: 3, Offset: uint64(len(f)), Size: uint64(len(names))},
		{Name: 8, Type: 1, Offset: uint64(len(f) + len(names)), Size: uint64(len(payload))},
	}
	f = append(append(f, names...), payload...)
	le := binary.LittleEndian
	le.PutUint64(f[40:], uint64(len(f)))
	le.PutUint16(f[58:], 64)
	le.PutUint16(f[60:], uint16(len(sections)))
	le.PutUint16(f[62:], 1)
	for _, s := range sections {
		f = appendStruct(t, f, s)
	}
	return f
}

func TestPowerGolden(t *testing.T) {
	banks := power(t, 512)
	banks.Memory = append(banks.Memory, Range{Start: 8 * gib, Size: 64 * mib, Type: RAM})
	tests := []struct {
		name string
		file []byte
		req  Request
	}{
		{"plain", powerFile(t, nil), Request{CmdLine: "root=/dev/xvda2 ro", Machine: power(t, 512)}},
		{"initrds", powerFile(t, nil), Request{Initrd: []File{initrd("a", 1000), initrd("b", 3*mib)}, Machine: power(t, 512)}},
		{"4 GiB", powerFile(t, nil), Request{Initrd: []File{initrd("a", 1000)}, Machine: power(t, 4<<10-1)}},
		{"initrd in another bank", powerFile(t, nil), Request{Initrd: []File{initrd("a", 20*mib)}, Machine: func() Machine {
			m := power(t, 16)
			m.Memory = append(m.Memory, Range{Start: 8 * gib, Size: 64 * mib, Type: RAM})
			return m
		}()}},
		{"virtual addresses", powerFile(t, func(e *testELF) { e.loads[0].Paddr = powerBase }), Request{Machine: power(t, 64)}},
		{"at 32 MiB", powerFile(t, func(e *testELF) {
			e.entry += 32 * mib
			e.loads[0].Vaddr, e.loads[0].Paddr = powerBase+32*mib, 32*mib
		}), Request{Machine: power(t, 64)}},
		// As pvboot itself is.
		{"linked low", powerFile(t, func(e *testELF) { e.entry, e.loads[0].Vaddr = 4*mib+256, 4*mib }), Request{Machine: power(t, 64)}},
		{"two segments", powerFile(t, func(e *testELF) {
			e.typ = elfDyn
			e.loads = append(e.loads, elfProg64{Vaddr: powerBase + 6*mib, Paddr: 6 * mib, FileSize: 1000, MemSize: mib, Flags: 6})
		}), Request{Machine: power(t, 64)}},
		{"gzip", gzipped(powerFile(t, nil)), Request{Machine: power(t, 64)}},
		{"zstd", sizedZstd(powerFile(t, nil)), Request{Machine: power(t, 64)}},
		{"zImage", zImage(t, powerFile(t, nil)), Request{Machine: power(t, 64)}},
		{"zImage gzip", zImage(t, gzipped(powerFile(t, nil))), Request{Machine: power(t, 64)}},
		{"banks", powerFile(t, nil), Request{Machine: banks}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.Name, tt.req.Kernel = "/vmlinux", bytes.NewReader(tt.file)
			plan, err := Build(tt.req)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "ppc64le-"+strings.ReplaceAll(tt.name, " ", "-")+".golden", dump(t, plan))
		})
	}
}

// In whatever the kernel is packed, the same memory comes out, around a loader
// that lies where the kernel has to and has its vectors at 0.
func TestPowerMemory(t *testing.T) {
	const size = 24 * mib // tests on bare metal have not much more
	file := powerFile(t, nil)
	want := make([]byte, 6*mib)
	for i := range 200_000 {
		want[i] = byte(i)
	}
	for name, kernel := range map[string][]byte{
		"vmlinux": file, "gzip": gzipped(file), "zstd": sizedZstd(file),
		"zImage": zImage(t, file), "zImage gzip": zImage(t, gzipped(file)), "zImage zstd": zImage(t, sizedZstd(file)),
		// The file is longer than the memory.
		"zstd, symbols": sizedZstd(append(bytes.Clone(file), make([]byte, 8*mib)...)),
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := Build(Request{Name: "/vmlinux", Kernel: bytes.NewReader(kernel), Machine: power(t, size/mib)})
			if err != nil {
				t.Fatal(err)
			}
			own := []Range{{Size: 0x3000, Type: RAM}, {Start: 100_000 &^ 4095, Size: 4 * mib, Type: RAM}}
			free := []Range{{Start: 0x3000, Size: own[1].Start - 0x3000, Type: RAM}, {Start: own[1].End(), Size: size - own[1].End(), Type: RAM}}
			memory := carryOut(t, plan, own, free, size)
			if end := 5*mib + 100; !bytes.Equal(memory[:end], want[:end]) {
				t.Error("the kernel's memory differs")
			}
		})
	}
}

// sizedZstd is b in a frame that says how long it is, as the command zstd writes it.
func sizedZstd(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

// carryOut brings a plan into memory, and fails where a load or a range of zeros
// lies in the loader.
func carryOut(t *testing.T, plan *Plan, own, free []Range, size uint64) []byte {
	t.Helper()
	sched, err := NewSchedule(plan, own, free)
	if err != nil {
		t.Fatal(err)
	}
	memory := bytes.Repeat([]byte{0xee}, int(size))
	inOwn := func(r Range) bool {
		return slices.ContainsFunc(own, func(o Range) bool { return r.Start < o.End() && o.Start < r.End() })
	}
	for _, l := range sched.Loads {
		at := Range{Start: l.Addr, Size: l.Size}
		if inOwn(at) {
			t.Errorf("load at %#x-%#x", at.Start, at.End())
		}
		if n, err := plan.Segments[l.Segment].Data.ReadAt(memory[at.Start:at.End()], l.Offset); n < int(l.Size) {
			t.Fatal(err)
		}
	}
	for _, z := range sched.Zeros {
		if inOwn(z) {
			t.Errorf("zeros at %#x-%#x", z.Start, z.End())
		}
		clear(memory[z.Start:z.End()])
	}
	for _, m := range sched.Moves {
		if m.Src == 0 {
			clear(memory[m.Dst : m.Dst+m.Size])
		} else {
			copy(memory[m.Dst:m.Dst+m.Size], memory[m.Src:])
		}
	}
	return memory
}

// The kernel's tree has /chosen, keeps the console, and reserves RTAS.
func TestPowerTree(t *testing.T) {
	m := power(t, 512)
	plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(powerFile(t, nil)), CmdLine: "quiet",
		Initrd: []File{initrd("a", 1000)}, Machine: m})
	if err != nil {
		t.Fatal(err)
	}
	tree := plan.Segments[1]
	if tree.Addr != plan.Entry.Regs["r3"] {
		t.Errorf("r3 %#x, tree at %#x", plan.Entry.Regs["r3"], tree.Addr)
	}
	b := make([]byte, tree.Size)
	if n, err := tree.Data.ReadAt(b, 0); n < len(b) {
		t.Fatal(err)
	}
	checkChosen(t, b, plan.Segments[2].Addr, 1000, "linux,stdout-path")
	parsed, err := fdt.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if addr, size, ok := parsed.Reserved(0); !ok || addr != 512*mib-0x20000 || size != 0x1000 {
		t.Errorf("reserved: %#x, %#x, %v", addr, size, ok)
	}
}

// Nothing lies in what firmware has, however the tree tells of it.
func TestPowerFirmware(t *testing.T) {
	number := func(list ...uint64) (b []byte) {
		for _, v := range list {
			b = binary.BigEndian.AppendUint64(b, v)
		}
		return b
	}
	top := Range{Start: 56 * mib, Size: 8 * mib}
	for _, tt := range []struct {
		name string
		edit func(d *fdt.Doc) error
	}{
		{"OPAL", func(d *fdt.Doc) error {
			if err := d.Set("/ibm,opal", "opal-base-address", number(top.Start)); err != nil {
				return err
			}
			return d.Set("/ibm,opal", "opal-runtime-size", number(top.Size))
		}},
		{"reserved-ranges", func(d *fdt.Doc) error { return d.Set("/", "reserved-ranges", number(top.Start, top.Size)) }},
		{"block", func(d *fdt.Doc) error { return d.Reserve(top.Start, top.Size) }},
	} {
		m := power(t, 64)
		d, err := fdt.Unpack(m.DeviceTree)
		if err != nil {
			t.Fatal(err)
		}
		if err := tt.edit(d); err != nil {
			t.Fatal(err)
		}
		m.DeviceTree = d.Pack()
		plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(powerFile(t, nil)), Initrd: []File{initrd("a", mib)}, Machine: m})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for _, s := range plan.Segments {
			if s.Range().End() > top.Start {
				t.Errorf("%s: %s ends at %#x", tt.name, s.Name, s.Range().End())
			}
		}
	}
}

func TestPowerRefused(t *testing.T) {
	le := binary.LittleEndian
	flip := func(b []byte, at int) []byte { b[at] ^= 1; return b }
	big := powerFile(t, nil)
	big[elfData] = elfBig
	binary.BigEndian.PutUint16(big[elfMachine:], elfPPC64)
	abi1 := powerFile(t, nil)
	le.PutUint32(abi1[48:], 1)
	noSection := zImage(t, []byte("x"))
	le.PutUint16(noSection[62:], 9)
	cut := zImage(t, bytes.Repeat([]byte{1}, 9000))
	le.PutUint64(cut[len(cut)-64+32:], 1<<40)
	longNames := zImage(t, []byte("x"))
	le.PutUint64(longNames[len(longNames)-128+32:], 1<<20)
	two := func(e *testELF) {
		e.loads = append(e.loads, elfProg64{Vaddr: powerBase + 6*mib, Paddr: 6 * mib, FileSize: 1000, MemSize: mib})
	}
	lowReserved := power(t, 64)
	lowReserved.DeviceTree = treeOf(t, Range{Size: 64 * mib}, Range{Start: 4 * mib, Size: 4096})
	smallRMA := power(t, 64)
	smallRMA.DeviceTree = treeOf(t, Range{Size: 5 * mib})
	fullRMA := power(t, 64)
	fullRMA.DeviceTree = treeOf(t, Range{Size: 5*mib + 64<<10})
	high := power(t, 64)
	high.Memory = []Range{{Start: gib, Size: 64 * mib, Type: RAM}}
	tests := []struct {
		name string
		file []byte
		edit func(*Request)
		want string
	}{
		{"big-endian", big, nil, "/vmlinux: ELF: big-endian kernels are not supported"},
		{"32-bit", powerFile(t, func(e *testELF) { e.bits, e.machine, e.entry, e.loads[0].Vaddr = 32, elfPPC, 0, 0 }), nil,
			"/vmlinux: ELF: 32-bit kernels are not supported"},
		{"32-bit machine", powerFile(t, func(e *testELF) { e.machine = elfPPC }), nil, "/vmlinux: ELF: 32-bit kernels are not supported"},
		{"ABI", abi1, nil, "/vmlinux: ELF: ABI version 1 is not that of little-endian kernels"},
		{"object", powerFile(t, func(e *testELF) { e.typ = 1 }), nil, "/vmlinux: ELF: type 1: not an executable"},
		{"truncated", powerFile(t, nil)[:100_000], nil,
			"/vmlinux: ELF: program header 0: truncated: 200000 bytes at 4096 of a file of 100000"},
		{"headers truncated", powerFile(t, nil)[:60], nil, "/vmlinux: ELF: truncated: ELF header: 48 bytes at 16 of a file of 60"},
		{"entry", powerFile(t, func(e *testELF) { e.entry += 200_000 }), nil, "/vmlinux: ELF: the entry 0xc000000000030d40 is outside the kernel"},
		{"huge", powerFile(t, func(e *testELF) { e.loads[0].MemSize = 1<<30 + 1 }), nil, "/vmlinux: ELF: 0x40000001 bytes of memory are more than 1 GiB"},
		{"overlap", powerFile(t, func(e *testELF) {
			e.loads = append(e.loads, elfProg64{Vaddr: powerBase + mib, Paddr: 1<<60 | mib, FileSize: 1, MemSize: 1})
		}), nil, "/vmlinux: ELF: program headers 0 and 1 overlap at 0x100000"},
		{"far", powerFile(t, func(e *testELF) { e.loads[0].Paddr = powerAddress - 8*mib }), nil,
			"/vmlinux: ELF: kernel: no room for 5121 KiB of RAM between 0xfffffffff7fffff and 0xfffffffffd00063: the domain needs more memory"},
		{"no RAM at 0", powerFile(t, nil), func(r *Request) { r.Machine = high },
			"/vmlinux: ELF: kernel: no room for 5121 KiB of RAM between 0x0 and 0x500064: the domain needs more memory"},
		{"reserved", powerFile(t, nil), func(r *Request) { r.Machine = lowReserved },
			"/vmlinux: ELF: kernel: no room for 5121 KiB of RAM between 0x0 and 0x500064: the domain needs more memory"},
		{"small first memory", powerFile(t, nil), func(r *Request) { r.Machine = smallRMA },
			"/vmlinux: ELF: kernel: no room for 5121 KiB of RAM between 0x0 and 0x500064: the domain needs more memory"},
		{"full first memory", powerFile(t, nil), func(r *Request) { r.Machine = fullRMA },
			"/vmlinux: ELF: device tree: no room for 1 KiB of RAM between 0x0 and 0x510000: the domain needs more memory"},
		{"initrd", powerFile(t, nil), func(r *Request) { r.Initrd = []File{{Name: "i", Data: io.NewSectionReader(nil, 0, 60*mib)}} },
			"/vmlinux: ELF: initrd: no room for 61440 KiB of RAM between 0x0 and 0x4000000: the domain needs more memory"},
		{"command line", powerFile(t, nil), func(r *Request) { r.CmdLine = strings.Repeat("x", 2048) },
			"/vmlinux: ELF: command line of 2048 bytes, the kernel takes 2047"},
		{"no tree", powerFile(t, nil), func(r *Request) { r.Machine.DeviceTree = nil },
			"/vmlinux: ELF: no device tree: neither the machine nor the configuration has one"},
		{"x86", testELF{bits: 64}.bytes(t), nil, "/vmlinux: kernel of another architecture: ELF (amd64) on ppc64le"},
		{"on x86", powerFile(t, nil), func(r *Request) { r.Machine.Arch = "amd64" }, "/vmlinux: kernel of another architecture: ELF (ppc64le) on amd64"},
		{"gzip cut", gzipped(powerFile(t, nil))[:200], nil, "/vmlinux: ELF: gzip: unpacks to 3487655913 bytes: absurd"},
		{"zstd, two segments", sizedZstd(powerFile(t, two)), nil, "/vmlinux: ELF: zstd: 2 segments cannot be unpacked in place, unpack it first"},
		{"zImage of text", zImage(t, []byte("hello")), nil, "/vmlinux: zImage: not a kernel of a known format"},
		{"zImage of nothing", zImage(t, nil), nil, "/vmlinux: zImage: not a kernel of a known format"},
		{"zImage of a zImage", zImage(t, zImage(t, nil)), nil,
			"/vmlinux: ELF: kernel: no room for 1 KiB of RAM between 0x4000000 and 0x40003e8: the domain needs more memory"},
		{"zImage cut", cut, nil, "/vmlinux: zImage: truncated: section 2: 1099511627776 bytes at 5126 of a file of 14318"},
		{"sections cut", zImage(t, gzipped(powerFile(t, nil)))[:6000], nil, "/vmlinux: ELF: truncated: section headers: 192 bytes at "},
		{"zImage without names", noSection, nil, "/vmlinux: ELF: kernel: no room for 1 KiB of RAM between 0x4000000 and 0x40003e8: the domain needs more memory"},
		{"long names", longNames, nil, "/vmlinux: ELF: section names of 1048576 bytes, more than 65536"},
		{"zImage damaged", zImage(t, gzipped(powerFile(t, nil))[:30]), nil, "/vmlinux: zImage: gzip: unexpected EOF"},
		{"zstd without a size", zstded(powerFile(t, nil)), nil, "/vmlinux: ELF: zstd: the file does not say how long it is unpacked, unpack it first"},
		{"zImage header damaged", zImage(t, flip(sizedZstd(powerFile(t, nil)), 4)), nil, "/vmlinux: zImage: zstd: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := Request{Name: "/vmlinux", Kernel: bytes.NewReader(tt.file), Machine: power(t, 64)}
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

// What is damaged behind the first bytes is found when the kernel is read.
func TestPowerDamaged(t *testing.T) {
	file := powerFile(t, nil)
	other := bytes.Clone(file)
	other[24]++ // the entry, which Build has read already
	for _, tt := range []struct {
		name string
		file []byte
		then []byte // is what the file is from then on
		want string
	}{
		{"checksum", sizedZstd(file), append(sizedZstd(file)[:len(sizedZstd(file))-1], 0xaa), "/vmlinux: zstd: checksum mismatch"},
		{"headers", sizedZstd(file), sizedZstd(other), "/vmlinux: its headers have changed since they were read first"},
		{"no kernel", sizedZstd(file), sizedZstd(make([]byte, len(file))), "/vmlinux: not a little-endian ELF file"},
	} {
		src := &swapped{tt.file}
		plan, err := Build(Request{Name: "/vmlinux", Kernel: src, Machine: power(t, 64)})
		if err != nil {
			t.Fatal(err)
		}
		src.now = tt.then
		k := plan.Segments[0]
		if _, err := k.Data.ReadAt(make([]byte, k.Data.Size()), 0); err == nil || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
		if _, err := k.Data.ReadAt(make([]byte, 4096), 0); err == nil {
			t.Errorf("%s: read in pieces", tt.name)
		}
	}
}

// swapped is a file whose contents can change.
type swapped struct{ now []byte }

func (s *swapped) Size() int64 { return int64(len(s.now)) }

func (s *swapped) ReadAt(b []byte, off int64) (int, error) {
	return bytes.NewReader(s.now).ReadAt(b, off)
}

// FuzzBuildPower: no file and no device tree make Build panic, or plan outside RAM,
// or enter what is not loaded.
func FuzzBuildPower(f *testing.F) {
	tree := power(f, 64).DeviceTree
	small := powerFile(f, func(e *testELF) { e.loads[0].FileSize = 300 })
	f.Add(small, uint16(64), uint32(1000), tree)
	f.Add(gzipped(small), uint16(64), uint32(1000), tree)
	f.Add(sizedZstd(small), uint16(64), uint32(1000), tree)
	f.Add(zImage(f, gzipped(small)), uint16(64), uint32(0), tree)
	f.Fuzz(func(t *testing.T, kernel []byte, ramMiB uint16, initrdSize uint32, tree []byte) {
		machine := power(t, max(uint64(ramMiB), 1))
		plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(kernel), Machine: machine, DeviceTree: file("t", tree),
			Initrd: []File{{Name: "i", Data: io.NewSectionReader(nil, 0, int64(initrdSize))}}})
		if err != nil {
			return
		}
		if !slices.ContainsFunc(plan.Segments, func(s Segment) bool {
			return strings.HasPrefix(s.Name, "kernel") && s.Addr <= plan.Entry.PC && plan.Entry.PC < s.Addr+s.Size
		}) {
			t.Errorf("entry %#x outside the kernel", plan.Entry.PC)
		}
		own := []Range{{Size: 0x3000, Type: RAM}, {Start: 4 * mib, Size: 30 * mib, Type: RAM}}
		var noRoom *NoRoomError
		if _, err := NewSchedule(plan, own, machine.Memory); err != nil && !errors.As(err, &noRoom) {
			t.Error(err)
		}
	})
}
