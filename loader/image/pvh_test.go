package image

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"pvboot/internal/golden"
)

func TestPVHGolden(t *testing.T) {
	machine := Machine{Arch: "amd64", Memory: pvhMap(512), RSDP: 0xfc008000}
	hole := Machine{Arch: "amd64", Memory: []Range{
		{Start: 0, Size: 18 * mib, Type: RAM}, {Start: 18 * mib, Size: mib, Type: Reserved}, {Start: 19 * mib, Size: 100 * mib, Type: RAM}}}
	reloc := func(words ...uint32) func(e *testELF) {
		return func(e *testELF) { e.reloc = append([]uint32{}, words...) }
	}
	tests := []struct {
		name string
		elf  testELF
		req  Request
	}{
		{"plain", pvhELF(nil), Request{CmdLine: "BOOT_IMAGE=/vmlinux ro", Machine: machine}},
		{"initrds", pvhELF(nil), Request{CmdLine: "x", Initrd: []File{initrd("a", 1000), initrd("b", 3*mib)}, Machine: machine}},
		{"no command line", pvhELF(nil), Request{Machine: machine}},
		{"32-bit", pvhELF(func(e *testELF) { e.bits, e.machine = 32, elf386 }), Request{CmdLine: "x", Machine: machine}},
		{"note section", pvhELF(func(e *testELF) { e.sections = true }), Request{CmdLine: "x", Machine: machine}},
		{"32-bit note section", pvhELF(func(e *testELF) { e.bits, e.sections = 32, true }), Request{CmdLine: "x", Machine: machine}},
		{"moved", pvhELF(reloc()), Request{CmdLine: "x", Machine: hole}},
		{"moved by 64 KiB", pvhELF(reloc(0x10000, mib, 50*mib-1)), Request{CmdLine: "x", Machine: hole}},
		{"at the end of RAM", pvhELF(nil), Request{CmdLine: "x", Initrd: []File{initrd("a", 1000)}, Machine: Machine{Arch: "amd64", Memory: pvhMap(21)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.Name, tt.req.Kernel = "/vmlinux", bytes.NewReader(tt.elf.bytes(t))
			plan, err := Build(tt.req)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "pvh-"+strings.ReplaceAll(tt.name, " ", "-")+".golden", dump(t, plan))
		})
	}
}

func TestPVHRefused(t *testing.T) {
	tests := []struct {
		name string
		elf  testELF
		req  Request
		mib  uint64
		want string
	}{
		{"no note", pvhELF(func(e *testELF) { e.notes = e.notes[:1] }), Request{}, 64, "no PHYS32_ENTRY note: not a PVH kernel"},
		{"no notes", pvhELF(func(e *testELF) { e.notes = nil }), Request{}, 64, "no PHYS32_ENTRY note: not a PVH kernel"},
		{"entry below", pvhELF(func(e *testELF) { e.notes[1].Number = mib }), Request{}, 64, "PHYS32_ENTRY 0x100000 is outside the kernel, 0x1000000-0x1500000"},
		{"entry above", pvhELF(func(e *testELF) { e.notes[1].Number = 1<<32 + 16*mib }), Request{}, 64, "PHYS32_ENTRY 0x101000000 is outside the kernel, 0x1000000-0x1500000"},
		{"no RAM", pvhELF(nil), Request{}, 20, "kernel: 0x1000000-0x1500000 is not all RAM, and the kernel cannot be moved"},
		{"page 0", pvhELF(func(e *testELF) { e.loads[0].Paddr = 0x500; e.notes[1].Number = 0x500 }), Request{}, 64, "kernel: 0x500-0x1500000 is not all RAM, and the kernel cannot be moved"},
		{"no room to move", pvhELF(func(e *testELF) { e.reloc = []uint32{} }), Request{}, 5, "kernel: no room for 5120 KiB of RAM between 0x0 and 0x100000000: the domain needs more memory"},
		{"odd alignment", pvhELF(func(e *testELF) { e.reloc = []uint32{3} }), Request{}, 5, "kernel: alignment 0x3 is not a power of two"},
		{"command line", pvhELF(nil), Request{CmdLine: strings.Repeat("x", maxCmdLine+1)}, 64, "command line of 65537 bytes, more than 65536"},
		{"initrd", pvhELF(nil), Request{Initrd: []File{initrd("i", 50*mib)}}, 64, "initrd: no room for 51200 KiB of RAM between 0x100000 and 0x100000000: the domain needs more memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.Name, tt.req.Kernel, tt.req.Machine = "/vmlinux", bytes.NewReader(tt.elf.bytes(t)), Machine{Arch: "amd64", Memory: pvhMap(tt.mib)}
			_, err := Build(tt.req)
			if err == nil || err.Error() != "/vmlinux: ELF: "+tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	_, err := Build(Request{Kernel: bytes.NewReader(pvhELF(func(e *testELF) { e.notes = nil }).bytes(t)), Machine: Machine{Arch: "amd64"}})
	if !errors.Is(err, ErrNotPVH) {
		t.Errorf("error %v, want %v", err, ErrNotPVH)
	}
}

// FuzzELF: no file makes Build panic, or plan outside RAM.
func FuzzELF(f *testing.F) {
	f.Add(pvhELF(nil).bytes(f), uint16(64), uint16(1000))
	f.Add(pvhELF(func(e *testELF) { e.bits, e.sections = 32, true }).bytes(f), uint16(64), uint16(0))
	f.Add(pvhELF(withSymbols).bytes(f), uint16(64), uint16(0))
	f.Add(pvhELF(func(e *testELF) { e.reloc = []uint32{1 << 16, 0, 1 << 31} }).bytes(f), uint16(20), uint16(9))
	f.Fuzz(func(t *testing.T, file []byte, ramMiB, initrdSize uint16) {
		machine := Machine{Arch: "amd64", Memory: pvhMap(uint64(ramMiB))}
		plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(file), CmdLine: "x", Machine: machine,
			Initrd: []File{initrd("i", int(initrdSize))}})
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

// A compressed kernel is read as the file in it, but for formats that are
// unpacked in one go.
func TestPVHPacked(t *testing.T) {
	file := pvhELF(nil).bytes(t)
	req := Request{Name: "/vmlinux", Kernel: bytes.NewReader(gzipped(file)), Machine: Machine{Arch: "amd64", Memory: pvhMap(64)}}
	plan, err := Build(req)
	if err != nil {
		t.Fatal(err)
	}
	for i, offset := range []int{4096, 4096 + 3000} {
		data := plan.Segments[i].Data
		got := make([]byte, data.Size())
		if n, err := data.ReadAt(got, 0); n < len(got) || !bytes.Equal(got, file[offset:offset+len(got)]) {
			t.Errorf("segment %d differs, %d bytes: %v", i, n, err)
		}
	}
	if plan.Kind != "PVH ELF64 (gzip)" {
		t.Errorf("kind %q", plan.Kind)
	}
	req.Kernel = bytes.NewReader(zstded(file))
	if _, err := Build(req); err == nil || err.Error() != "/vmlinux: ELF: zstd: cannot be read in pieces, unpack it first" {
		t.Errorf("error %v", err)
	}
}

// A file that is read back and forth is not unpacked for ever.
func TestPVHPackedDisorder(t *testing.T) {
	e := pvhELF(func(e *testELF) {
		e.loads = nil
		for i := range uint64(40) { // the last in the file come first in memory
			e.loads = append(e.loads, elfProg64{Paddr: 20*mib - i*65536, FileSize: 100, MemSize: 100})
		}
		e.notes[1].Number = 20 * mib
	})
	plan, err := Build(Request{Name: "/vmlinux", Kernel: bytes.NewReader(gzipped(e.bytes(t))), Machine: Machine{Arch: "amd64", Memory: pvhMap(64)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range plan.Segments {
		if s.Data == nil {
			continue
		}
		if _, err = s.Data.ReadAt(make([]byte, s.Data.Size()), 0); err != nil && err != io.EOF {
			break
		}
	}
	if want := "/vmlinux: gzip: its parts lie in no order, unpack it first"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}
