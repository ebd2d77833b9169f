package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/golden"
)

// mbHeader1 is a Multiboot 1 header with these flags and fields.
func mbHeader1(flags uint32, fields ...uint32) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, mb1Magic)
	b = le.AppendUint32(b, flags)
	b = le.AppendUint32(b, checksum(mb1Magic, flags))
	for _, f := range fields {
		b = le.AppendUint32(b, f)
	}
	return b
}

// checksum makes the sum of all words zero.
func checksum(words ...uint32) (sum uint32) {
	for _, w := range words {
		sum -= w
	}
	return sum
}

// mbTag is a tag of a Multiboot 2 header.
type mbTag struct {
	kind, flags uint16
	words       []uint32
}

// mbHeader2 is a Multiboot 2 header with these tags and an end.
func mbHeader2(tags ...mbTag) []byte {
	le := binary.LittleEndian
	var body []byte
	for _, tag := range append(tags, mbTag{}) {
		body = le.AppendUint16(body, tag.kind)
		body = le.AppendUint16(body, tag.flags)
		body = le.AppendUint32(body, uint32(mb2TagHead+4*len(tag.words)))
		for _, w := range tag.words {
			body = le.AppendUint32(body, w)
		}
		for len(body)%mb2Align != 0 {
			body = append(body, 0)
		}
	}
	size := uint32(mb2MinHeader + len(body))
	b := le.AppendUint32(nil, mb2Magic)
	b = le.AppendUint32(b, mb2I386)
	b = le.AppendUint32(b, size)
	b = le.AppendUint32(b, checksum(mb2Magic, size))
	return append(b, body...)
}

// flat is a file without a format: the header at byte 64 of 1000.
func flat(header []byte) []byte {
	f := make([]byte, 1000)
	for i := range f {
		f[i] = byte(i)
	}
	copy(f[64:], header)
	return f
}

// mbELF is an ELF file with a header in front of its segments.
func mbELF(t testing.TB, bits int, header []byte) []byte {
	machine := map[int]uint16{32: elf386, 64: elfX86_64}[bits]
	return testELF{
		bits: bits, machine: machine, entry: 0xc0100010, front: header,
		loads: []elfProg64{
			{Vaddr: 0xc0100000, Paddr: mib, FileSize: 500, MemSize: 500},
			{Vaddr: 0xc0200000, Paddr: 2 * mib, FileSize: 100, MemSize: 9000},
		},
	}.bytes(t)
}

func module(name, cmdLine string, data []byte) Module {
	return Module{File: File{Name: name, Data: bytes.NewReader(data)}, CmdLine: cmdLine}
}

var addresses1 = []uint32{mib + 64, mib, 0, mib + 5000, mib + 100}

func TestMultibootGolden(t *testing.T) {
	machine := Machine{Arch: "amd64", Memory: append(pvhMap(64), Range{Start: 1 << 32, Size: mib, Type: PMEM})}
	modules := []Module{module("/a", "one two", make([]byte, 5000)), module("/empty", "", nil), module("/b", "", []byte("abc"))}
	addressTags := []mbTag{{kind: mb2Address, words: []uint32{mib + 64, mb2LoadFromStart, mib + 900, mib + 5000}}, {kind: mb2Entry, words: []uint32{mib + 100}}}
	relocate := func(words ...uint32) []byte { return mbHeader2(mbTag{kind: mb2Relocatable, words: words}) }
	tests := []struct {
		name string
		file []byte
		mb   Multiboot
	}{
		{"1 addresses", flat(mbHeader1(1<<16|3, addresses1...)), Multiboot{Version: 1, Modules: modules}},
		{"1 ELF32", mbELF(t, 32, mbHeader1(0)), Multiboot{Version: 1}},
		{"1 ELF64", mbELF(t, 64, mbHeader1(7)), Multiboot{Version: 1}},
		{"1 ELF preferred", mbELF(t, 32, mbHeader1(1<<16, addresses1...)), Multiboot{Version: 1, PreferELF: true}},
		{"1 modules behind", mbELF(t, 32, mbHeader1(0)), Multiboot{Version: 1, Modules: modules, ModulesBehind: true}},
		{"1 gzip", gzipped(mbELF(t, 32, mbHeader1(0))), Multiboot{Version: 1}},
		{"2 addresses", flat(mbHeader2(addressTags...)), Multiboot{Version: 2, Modules: modules}},
		{"2 ELF32", mbELF(t, 32, mbHeader2(mbTag{mb2InfoRequest, 0, []uint32{1, 6}}, mbTag{99, mb2Optional, []uint32{1}})), Multiboot{Version: 2}},
		{"2 ELF64 entry", mbELF(t, 64, mbHeader2(mbTag{mb2Entry, 0, []uint32{2*mib + 4}}, mbTag{mb2Framebuffer, mb2Optional, []uint32{0, 0, 0}})), Multiboot{Version: 2}},
		{"2 stays", mbELF(t, 32, relocate(mib, 32*mib, 4096, 0)), Multiboot{Version: 2}},
		{"2 low", mbELF(t, 32, relocate(4*mib+1, 32*mib, 65536, 1)), Multiboot{Version: 2}},
		{"2 high", mbELF(t, 32, relocate(0, 32*mib, 4096, 2)), Multiboot{Version: 2, Modules: modules}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := Build(Request{Name: "/kernel", Kernel: bytes.NewReader(tt.file), CmdLine: "a b", Multiboot: &tt.mb, Machine: machine})
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "multiboot-"+strings.ReplaceAll(tt.name, " ", "-")+".golden", dump(t, plan))
		})
	}
}

func TestMultibootRefused(t *testing.T) {
	v1 := func(flags uint32, fields ...uint32) []byte { return flat(mbHeader1(flags, fields...)) }
	edit := func(i int, v uint32) []byte {
		fields := bytes.Clone(mbHeader1(1<<16, addresses1...))
		binary.LittleEndian.PutUint32(fields[mb1MinHeader+4*i:], v)
		return flat(fields)
	}
	v2 := func(tags ...mbTag) []byte { return flat(mbHeader2(tags...)) }
	tests := []struct {
		name string
		file []byte
		mb   Multiboot
		want string
	}{
		{"empty", nil, Multiboot{Version: 1}, "no Multiboot header in the first 8192 bytes"},
		{"no header", make([]byte, 9000), Multiboot{Version: 1}, "no Multiboot header in the first 8192 bytes"},
		{"too far", append(make([]byte, mb1Search), mbHeader1(0)...), Multiboot{Version: 1}, "no Multiboot header in the first 8192 bytes"},
		{"unaligned", append([]byte{0}, mbHeader1(0)...), Multiboot{Version: 1}, "no Multiboot header in the first 8192 bytes"},
		{"features", v1(8), Multiboot{Version: 1}, "header at 64: requires unknown features 0x8"},
		{"short header", mbHeader1(1 << 16), Multiboot{Version: 1}, "header at 0: truncated"},
		{"no ELF", v1(0), Multiboot{Version: 1}, "ELF: not a little-endian ELF file"},
		{"load_addr", edit(1, mib+65), Multiboot{Version: 1}, "header at 64: load_addr 0x100041 is not that of a byte of the file"},
		{"load_addr before the file", edit(1, mib-1), Multiboot{Version: 1}, "header at 64: load_addr 0xfffff is not that of a byte of the file"},
		{"load_end_addr", edit(2, mib+1001), Multiboot{Version: 1}, "header at 64: load_end_addr 0x1003e9: 1001 bytes at 0 of a file of 1000"},
		{"load_end_addr below", edit(2, mib-1), Multiboot{Version: 1}, "header at 64: load_end_addr 0xfffff: -1 bytes at 0 of a file of 1000"},
		{"bss_end_addr", edit(3, mib+999), Multiboot{Version: 1}, "header at 64: bss_end_addr 0x1003e7 is below the end of data, 0x1003e8"},
		{"entry_addr", edit(4, mib+5000), Multiboot{Version: 1}, "header at 64: entry_addr 0x101388 is outside the kernel, 0x100000-0x101388"},
		{"no RAM", edit(3, 1<<31), Multiboot{Version: 1}, "kernel: 0x100000-0x80000000 is not all RAM, and the kernel cannot be moved"},
		{"page 0", flat(mbHeader1(1<<16, 64, 0, 0, 0, 0)), Multiboot{Version: 1}, "kernel: 0x0-0x3e8 is not all RAM, and the kernel cannot be moved"},
		{"module", mbELF(t, 32, mbHeader1(0)), Multiboot{Version: 1, Modules: []Module{module("/m", "", make([]byte, 30*mib))}},
			"module /m: no room for 30720 KiB of RAM between 0x100000 and 0xfffff000: the domain needs more memory"},
		{"modules", mbELF(t, 32, mbHeader1(0)), Multiboot{Version: 1, Modules: make([]Module, 1025)}, "1025 modules, more than 1024"},
		{"gzip module", mbELF(t, 32, mbHeader1(0)), Multiboot{Version: 1, Modules: []Module{module("/m", "", func() []byte {
			b := gzipped([]byte("hello"))
			return append(b[:len(b)-4], 0, 0, 0, 0x7f)
		}())}}, "module /m: gzip: unpacks to 2130706432 bytes: absurd"},
		{"ELF entry", testELF{bits: 32, machine: elf386, entry: 5, front: mbHeader1(0), loads: []elfProg64{{Paddr: mib, Vaddr: mib, MemSize: 4, FileSize: 4}}}.bytes(t),
			Multiboot{Version: 1}, "ELF: the entry 0x5 is outside of what is loaded"},
		{"ELF machine", testELF{bits: 64, machine: 183, front: mbHeader1(0), loads: []elfProg64{{Paddr: mib, MemSize: 4, FileSize: 4}}}.bytes(t),
			Multiboot{Version: 1}, "ELF: kernel of another architecture: machine 183"},
		{"other version", v1(0), Multiboot{Version: 2}, "no Multiboot header for i386 in the first 32768 bytes"},
		{"2 length", func() []byte {
			b := mbHeader2()
			le := binary.LittleEndian
			le.PutUint32(b[8:], 5000)
			le.PutUint32(b[12:], checksum(mb2Magic, 5000))
			return flat(b)
		}(), Multiboot{Version: 2}, "header at 64: length 5000 goes on past byte 1000"},
		{"2 no end", func() []byte {
			b := mbHeader2(mbTag{mb2ModuleAlign, 0, nil})
			le := binary.LittleEndian
			le.PutUint32(b[8:], 24)
			le.PutUint32(b[12:], checksum(mb2Magic, 24))
			return flat(b)
		}(), Multiboot{Version: 2}, "header at 64: no end tag in its 24 bytes"},
		{"2 tag size", func() []byte {
			b := mbHeader2(mbTag{mb2ModuleAlign, 0, nil})
			b[20] = 0xff
			return flat(b)
		}(), Multiboot{Version: 2}, "tag 6 at 80: bad size 255"},
		{"2 empty tag", func() []byte {
			b := mbHeader2(mbTag{mb2ModuleAlign, 0, nil})
			b[20] = 0
			return flat(b)
		}(), Multiboot{Version: 2}, "tag 6 at 80: bad size 0"},
		{"2 short tag", v2(mbTag{mb2Address, 0, []uint32{1}}), Multiboot{Version: 2}, "tag 2 at 80: too short"},
		{"2 unknown tag", v2(mbTag{99, 0, nil}), Multiboot{Version: 2}, "tag 99 at 80: requires an unknown feature"},
		{"2 unknown information", v2(mbTag{mb2InfoRequest, 0, []uint32{1, 77}}), Multiboot{Version: 2}, "tag 1 at 80: requires unknown information 77"},
		{"2 console", v2(mbTag{mb2Console, 0, []uint32{3}}), Multiboot{Version: 2}, "tag 4 at 80: requires a text screen or framebuffer: a PVH domain has none"},
		{"2 no entry", v2(mbTag{mb2Address, 0, []uint32{mib + 64, mib, 0, 0}}), Multiboot{Version: 2}, "header at 64: load address without an entry address"},
		{"2 header_addr", v2(mbTag{mb2Address, 0, []uint32{63, mb2LoadFromStart, 0, 0}}, mbTag{mb2Entry, 0, []uint32{1}}), Multiboot{Version: 2}, "header at 64: header_addr 0x3f"},
		{"2 entry", mbELF(t, 32, mbHeader2(mbTag{mb2Entry, 0, []uint32{7}})), Multiboot{Version: 2}, "entry address 0x7 is outside the kernel, 0x100000-0x202328"},
		{"2 alignment", mbELF(t, 32, mbHeader2(mbTag{mb2Relocatable, 0, []uint32{0, 1 << 30, 3, 0}})), Multiboot{Version: 2}, "kernel: alignment 0x3 is not a power of two"},
		{"2 window", mbELF(t, 32, mbHeader2(mbTag{mb2Relocatable, 0, []uint32{16 * mib, 17 * mib, 1, 0}})), Multiboot{Version: 2},
			"kernel: no room for 1033 KiB of RAM between 0x1000000 and 0x1100000: the domain needs more memory"},
		{"version", v1(0), Multiboot{Version: 3}, "no version 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Build(Request{Name: "/kernel", Kernel: bytes.NewReader(tt.file), Multiboot: &tt.mb, Machine: Machine{Arch: "amd64", Memory: pvhMap(24)}})
			if err == nil || err.Error() != "/kernel: Multiboot: "+tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestMultiboot1Info follows the pointers as a kernel does.
func TestMultiboot1Info(t *testing.T) {
	le := binary.LittleEndian
	long := strings.Repeat("long ", 500)
	plan, err := Build(Request{Name: "k", CmdLine: "kernel's own", Kernel: bytes.NewReader(mbELF(t, 32, mbHeader1(0))),
		Machine:   Machine{Arch: "amd64", Memory: pvhMap(24)},
		Multiboot: &Multiboot{Version: 1, Modules: []Module{module("/a", long, []byte("AAA")), module("/b", "short", []byte("BB"))}}})
	if err != nil {
		t.Fatal(err)
	}
	// memory is what lies at an address.
	memory := func(addr uint32, n int) []byte {
		for _, s := range plan.Segments {
			if at := uint64(addr) - s.Addr; uint64(addr) >= s.Addr && at+uint64(n) <= s.Size {
				b := make([]byte, n)
				if got, err := s.Data.ReadAt(b, int64(at)); got < n {
					t.Fatal(err)
				}
				return b
			}
		}
		t.Fatalf("nothing at %#x", addr)
		return nil
	}
	word := func(addr uint32) uint32 { return le.Uint32(memory(addr, 4)) }
	text := func(addr uint32) (s string) {
		for ; ; addr++ {
			if c := memory(addr, 1)[0]; c != 0 {
				s += string(rune(c))
			} else {
				return s
			}
		}
	}
	info := uint32(plan.Entry.Regs["rbx"])
	if flags := word(info); flags != 1<<0|1<<2|1<<3|1<<6|1<<9 {
		t.Errorf("flags %#x", flags)
	}
	if got := text(word(info + 16)); got != "kernel's own" {
		t.Errorf("command line %q", got)
	}
	if got := text(word(info + 64)); got != "pvboot" {
		t.Errorf("loader %q", got)
	}
	list := word(info + 24)
	if n := word(info + 20); n != 2 {
		t.Fatalf("%d modules", n)
	}
	for i, want := range []string{"AAA" + long, "BBshort"} {
		m := list + 16*uint32(i)
		start, end := word(m), word(m+4)
		if got := string(memory(start, int(end-start))) + text(word(m+8)); got != want {
			t.Errorf("module %d is %q", i, got)
		}
	}
	var ranges []Range
	for at, end := word(info+48), word(info+48)+word(info+44); at < end; at += word(at) + 4 {
		ranges = append(ranges, Range{le.Uint64(memory(at+4, 8)), le.Uint64(memory(at+12, 8)), MemoryType(word(at + 20))})
	}
	if diff := cmp.Diff(pvhMap(24), ranges); diff != "" {
		t.Errorf("memory map %s", diff)
	}
}

// A gzip module is unpacked unless it must not be.
func TestMultibootModuleUnzip(t *testing.T) {
	text := []byte(strings.Repeat("module ", 1000))
	packed := gzipped(text)
	for _, noUnzip := range []bool{false, true} {
		m := module("/m.gz", "", packed)
		m.NoUnzip = noUnzip
		plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(mbELF(t, 32, mbHeader1(0))), Machine: Machine{Arch: "amd64", Memory: pvhMap(24)},
			Multiboot: &Multiboot{Version: 1, Modules: []Module{m}}})
		if err != nil {
			t.Fatal(err)
		}
		last := plan.Segments[len(plan.Segments)-1]
		got := make([]byte, last.Data.Size())
		if n, err := last.Data.ReadAt(got, 0); n < len(got) {
			t.Fatal(err)
		}
		want := text
		if noUnzip {
			want = packed
		}
		if !bytes.Equal(got, want) || last.Size != uint64(len(want)) {
			t.Errorf("--nounzip %v: %d bytes in %d of memory, want %d", noUnzip, len(got), last.Size, len(want))
		}
	}
}

// FuzzMultiboot: no file makes Build panic, or plan outside RAM.
func FuzzMultiboot(f *testing.F) {
	f.Add(flat(mbHeader1(1<<16, addresses1...)), []byte("module"), uint16(64), false)
	f.Add(mbELF(f, 32, mbHeader1(0)), gzipped([]byte("module")), uint16(64), false)
	f.Add(mbELF(f, 64, mbHeader2(mbTag{mb2Relocatable, 0, []uint32{0, 32 * mib, 4096, 2}})), []byte{}, uint16(64), true)
	f.Add(flat(mbHeader2(mbTag{mb2Address, 0, []uint32{mib + 64, mb2LoadFromStart, 0, 0}}, mbTag{mb2Entry, 0, []uint32{mib}})), []byte("x"), uint16(9), true)
	f.Fuzz(func(t *testing.T, file, mod []byte, ramMiB uint16, second bool) {
		machine := Machine{Arch: "amd64", Memory: pvhMap(uint64(ramMiB))}
		mb := &Multiboot{Version: 1, PreferELF: ramMiB&1 != 0, Modules: []Module{module("m", "x", mod)}}
		if second {
			mb.Version = 2
		}
		plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(file), CmdLine: "x", Machine: machine, Multiboot: mb})
		if err != nil {
			return
		}
		own := []Range{{Start: 2 * mib, Size: 30 * mib, Type: RAM}}
		if _, err := NewSchedule(plan, own, machine.Memory); err != nil {
			var noRoom *NoRoomError
			if !errors.As(err, &noRoom) {
				t.Error(err)
			}
		}
	})
}
