package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pvboot/internal/golden"
	"pvboot/internal/xennote"
)

const linuxBase = 0xffffffff80000000

// pvELF is a kernel that asks for what Linux asks for.
func pvELF(edit func(e *testELF)) testELF {
	e := testELF{
		bits:  64,
		entry: 16 * mib,
		loads: []elfProg64{
			{Vaddr: linuxBase + 16*mib, Paddr: 16 * mib, FileSize: 30_000, MemSize: 30_000},
			{Vaddr: linuxBase + 17*mib, Paddr: 17 * mib, FileSize: 700, MemSize: 700},
			{Vaddr: 0, Paddr: 17*mib + 4096, FileSize: 5000, MemSize: 9000},
			{Vaddr: linuxBase + 18*mib, Paddr: 18 * mib, FileSize: 100, MemSize: mib + 5},
		},
		notes: []xennote.Note{
			{Type: xennote.GuestOS, Text: "linux"},
			{Type: xennote.XenVersion, Text: "xen-3.0"},
			{Type: xennote.VirtBase, Number: linuxBase},
			{Type: xennote.InitP2M, Number: 0x8000000000},
			{Type: xennote.Entry, Number: linuxBase + 18*mib + 0x1c0},
			{Type: xennote.Features, Text: "!writable_page_tables|pae_pgdir_above_4gb"},
			{Type: xennote.SupportedFeatures, Number: 0x8801},
			{Type: xennote.ModStartPFN, Number: 1},
			{Type: xennote.PaddrOffset, Number: 0},
			{Type: xennote.Phys32Entry, Number: 16*mib + 0x850},
		},
	}
	if edit != nil {
		edit(&e)
	}
	return e
}

// miniELF is a kernel that asks for little: at 0, with a hypercall page, its
// initrd and p2m list mapped.
func miniELF(edit func(e *testELF)) testELF {
	e := testELF{
		bits:  64,
		loads: []elfProg64{{FileSize: 9000, MemSize: 9000}, {Vaddr: 9008, Paddr: 9008, FileSize: 20, MemSize: 99_000}},
		notes: []xennote.Note{
			{Type: xennote.GuestOS, Text: "Mini-OS"},
			{Type: xennote.Loader, Text: "generic"},
			{Type: xennote.XenVersion, Text: "xen-3.0"},
			{Type: xennote.VirtBase, Number: 0},
			{Type: xennote.PaddrOffset, Number: 0},
			{Type: xennote.HypercallPage, Number: 0x2000},
			{Type: xennote.Features, Text: "writable_page_tables|no_such_feature"},
		},
	}
	if edit != nil {
		edit(&e)
	}
	return e
}

// guestELF is a kernel from before there were notes, at 2 MiB behind base.
func guestELF(section string, base uint64) testELF {
	return testELF{
		bits: 64, entry: linuxBase + 2*mib, guest: section,
		loads: []elfProg64{{Paddr: base + 2*mib, FileSize: 9000, MemSize: 50_000}},
	}
}

// setNote changes a note's number.
func setNote(t xennote.Type, number uint64) func(e *testELF) {
	return func(e *testELF) {
		for i := range e.notes {
			if e.notes[i].Type == t {
				e.notes[i].Number = number
			}
		}
	}
}

// setText changes a note's text.
func setText(t xennote.Type, text string) func(e *testELF) {
	return func(e *testELF) {
		for i := range e.notes {
			if e.notes[i].Type == t {
				e.notes[i].Text = text
			}
		}
	}
}

// without leaves notes out.
func without(types ...xennote.Type) func(e *testELF) {
	return func(e *testELF) {
		e.notes = slices.DeleteFunc(e.notes, func(n xennote.Note) bool { return slices.Contains(types, n.Type) })
	}
}

// pvMachine is a PV domain of n MiB.
func pvMachine(n uint64) Machine {
	return Machine{
		Arch: "amd64", Memory: []Range{{Start: 0, Size: n * mib, Type: RAM}},
		PV: &PVMachine{
			Magic: "xen-3.0-x86_64", Pages: n * mib / pageSize, SharedInfo: 0xabc000, Flags: 1<<4 | sifModuleIsPFN,
			Store: PVRing{Port: 1}, Console: PVRing{Port: 2},
		},
	}
}

// pvBuild makes a plan whose rings' frames are those of a pvDomain.
func pvBuild(t testing.TB, kernel []byte, req Request) (*Plan, error) {
	t.Helper()
	req.Name, req.Kernel = "/vmlinux", bytes.NewReader(kernel)
	// Anything but 0, for the pages to be known.
	req.Machine.PV.Store.Frame, req.Machine.PV.Console.Frame = 1, 1
	plan, err := Build(req)
	if err != nil {
		return nil, err
	}
	d := newPVDomain(req.Machine.PV.Pages)
	plan.PV.start.machine.Store.Frame = d.frame(plan.PV.Store / pageSize)
	plan.PV.start.machine.Console.Frame = d.frame(plan.PV.Console / pageSize)
	return plan, nil
}

func mustPVBuild(t testing.TB, kernel []byte, req Request) *Plan {
	t.Helper()
	plan, err := pvBuild(t, kernel, req)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// dumpPV prints a plan so that a person can check it against public/xen.h.
func dumpPV(t *testing.T, p *Plan, start []byte) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "kind %s\nentry mode %d pc %#x rsi %#x rsp %#x\n", p.Kind, p.Entry.Mode, p.Entry.PC, p.Entry.Regs["rsi"], p.Entry.Regs["rsp"])
	for _, s := range p.Segments {
		fmt.Fprintf(&b, "segment %-15s %#10x size %#x", s.Name, s.Addr, s.Size)
		if s.Data != nil {
			fmt.Fprintf(&b, " data %d", s.Data.Size())
		}
		if s.Whole {
			fmt.Fprint(&b, " whole")
		}
		b.WriteByte('\n')
	}
	pv := p.PV
	fmt.Fprintf(&b, "virt base %#x mapped %#x p2m %#x+%#x at %#x\n", pv.VirtBase, pv.Mapped.End(), pv.P2M.Start, pv.P2M.Size, pv.P2MBase)
	fmt.Fprintf(&b, "tables %#x+%#x and %#x+%#x\n", pv.Tables.Start, pv.Tables.Size, pv.P2MTables.Start, pv.P2MTables.Size)
	fmt.Fprintf(&b, "start info %#x xenstore %#x console %#x spare %#x\n", pv.StartInfo, pv.Store, pv.Console, pv.Spare)
	for i := 0; i < len(start); i += 16 {
		if row := start[i:min(i+16, len(start))]; !bytes.Equal(row, make([]byte, len(row))) {
			fmt.Fprintf(&b, "  %03x  % x\n", i, row)
		}
	}
	return b.String()
}

func TestPVGolden(t *testing.T) {
	loads := func(paddrs ...uint64) func(e *testELF) {
		return func(e *testELF) {
			for i := range e.loads {
				e.loads[i].Paddr += paddrs[0]
			}
		}
	}
	both := func(edits ...func(e *testELF)) func(e *testELF) {
		return func(e *testELF) {
			for _, edit := range edits {
				edit(e)
			}
		}
	}
	two := []File{initrd("a", 1000), initrd("b", 70_000)}
	tests := []struct {
		name string
		elf  testELF
		req  Request
	}{
		{"plain", pvELF(nil), Request{CmdLine: "root=/dev/xvda1 ro", Machine: pvMachine(64)}},
		{"initrds", pvELF(nil), Request{CmdLine: "x", Initrd: two, Machine: pvMachine(512)}},
		{"64 GiB", pvELF(nil), Request{Initrd: two, Machine: pvMachine(64 << 10)}},
		{"mapped initrd", pvELF(without(xennote.ModStartPFN)), Request{Initrd: two, Machine: pvMachine(512)}},
		{"mapped p2m", pvELF(without(xennote.InitP2M)), Request{Initrd: two, Machine: pvMachine(512)}},
		{"64 GiB, mapped p2m", pvELF(without(xennote.InitP2M)), Request{Machine: pvMachine(64 << 10)}},
		{"p2m above", pvELF(setNote(xennote.InitP2M, linuxBase+64*mib)), Request{Machine: pvMachine(64)}},
		{"p2m unaligned", pvELF(setNote(xennote.InitP2M, 0x8000000800)), Request{Machine: pvMachine(64)}},
		{"p2m nearby", pvELF(setNote(xennote.InitP2M, linuxBase-mib)), Request{Machine: pvMachine(64)}},
		{"old", miniELF(nil), Request{CmdLine: "x", Initrd: two, Machine: pvMachine(64)}},
		{"note section", miniELF(func(e *testELF) { e.sections = true }), Request{Machine: pvMachine(64)}},
		{"physical addresses are virtual", miniELF(both(loads(linuxBase), setNote(xennote.VirtBase, linuxBase), setNote(xennote.PaddrOffset, linuxBase),
			setNote(xennote.HypercallPage, linuxBase+0x1234), func(e *testELF) { e.entry = linuxBase })), Request{Machine: pvMachine(64)}},
		{"hypercalls behind", miniELF(setNote(xennote.HypercallPage, 0x40000)), Request{Machine: pvMachine(64)}},
		{"section for Xen", guestELF("GUEST_OS=linux,GUEST_VER=2.6,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,ELF_PADDR_OFFSET=0x0,"+
			"VIRT_ENTRY=0xffffffff80200000,HYPERCALL_PAGE=0x201,FEATURES=writable_page_tables|!pae_pgdir_above_4gb,PAE=yes,LOADER=generic", 0),
			Request{CmdLine: "x", Initrd: two, Machine: pvMachine(64)}},
		{"section for Xen, virtual", guestELF("LOADER=generic,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000", linuxBase), Request{Machine: pvMachine(64)}},
		{"by multiboot", miniELF(nil), Request{CmdLine: "x", Multiboot: &Multiboot{Version: 1}, Machine: pvMachine(64)}},
		{"no base", miniELF(without(xennote.VirtBase, xennote.PaddrOffset)), Request{Machine: pvMachine(64)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.req.Machine.PV.Pages > 1<<20 {
				plan := mustPVBuild(t, tt.elf.bytes(t), tt.req)
				golden.Check(t, "pv-"+strings.ReplaceAll(tt.name, " ", "-")+".golden", dumpPV(t, plan, nil))
				return
			}
			plan := mustPVBuild(t, tt.elf.bytes(t), tt.req)
			d := newPVDomain(tt.req.Machine.PV.Pages)
			if err := plan.PV.Finish(d.frame, d.page); err != nil {
				t.Fatal(err)
			}
			if err := d.walk(plan.PV); err != nil {
				t.Error(err)
			}
			golden.Check(t, "pv-"+strings.ReplaceAll(tt.name, " ", "-")+".golden", dumpPV(t, plan, d.content[plan.PV.StartInfo]))
		})
	}
}

// memoryOf is what a kernel's segments say about memory from base on.
func (e testELF) memoryOf(base uint64, size uint64) []byte {
	b := make([]byte, size)
	for i, l := range e.loads {
		for n := range l.FileSize {
			b[l.Paddr-base+n] = byte(uint64(i) + n)
		}
	}
	return b
}

// loadKernel reads the kernel's segment of a plan in pieces.
func loadKernel(p *Plan, piece int) (Segment, []byte, error) {
	i := slices.IndexFunc(p.Segments, func(s Segment) bool { return s.Name == "kernel" })
	s := p.Segments[i]
	b := bytes.Repeat([]byte{0xee}, int(s.Data.Size()))
	if s.Whole {
		piece = len(b)
	}
	for off := 0; off < len(b); off += piece {
		part := b[off:min(off+piece, len(b))]
		if n, err := s.Data.ReadAt(part, int64(off)); n < len(part) {
			return s, nil, err
		}
	}
	return s, b, nil
}

// The kernel's memory, with holes and a hypercall page, is right however it
// is read.
func TestPVKernelMemory(t *testing.T) {
	for name, e := range map[string]testELF{
		"linux": pvELF(nil), "mini": miniELF(nil),
		"linux with hypercalls": pvELF(func(e *testELF) {
			e.notes = append(e.notes, xennote.Note{Type: xennote.HypercallPage, Number: linuxBase + 16*mib + 8192})
		}),
	} {
		file := e.bytes(t)
		for _, file := range [][]byte{file, gzipped(file)} {
			for _, piece := range []int{1 << 30, 4096, 999} {
				plan := mustPVBuild(t, file, Request{Machine: pvMachine(64)})
				s, got, err := loadKernel(plan, piece)
				if err != nil {
					t.Fatal(err)
				}
				want := e.memoryOf(s.Addr, s.Size)
				for _, n := range e.notes {
					if n.Type == xennote.HypercallPage {
						copy(want[(n.Number&0x7fffffff)-s.Addr:], hypercallPage())
					}
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s, pieces of %d: memory differs", name, piece)
				}
				if plan.Entry.PC == 0 && name != "mini" {
					t.Errorf("%s: no entry", name)
				}
				if n, err := s.Data.ReadAt(make([]byte, 4), s.Data.Size()-2); !s.Whole && (n != 2 || err != io.EOF) {
					t.Errorf("%s: at the end: %d, %v", name, n, err)
				}
			}
		}
	}
}

func TestHypercallPage(t *testing.T) {
	p := hypercallPage()
	// push %rcx; push %r11; mov $12,%eax; syscall; pop %r11; pop %rcx; ret
	want := "\x51\x41\x53\xb8\x0c\x00\x00\x00\x0f\x05\x41\x5b\x59\xc3\xcc\xcc"
	if got := string(p[12*32:][:16]); got != want {
		t.Errorf("memory_op: % x, want % x", got, want)
	}
	// push %rcx; push %r11; push %rax; mov $23,%eax; syscall
	want = "\x51\x41\x53\x50\xb8\x17\x00\x00\x00\x0f\x05\xcc\xcc\xcc\xcc\xcc"
	if got := string(p[23*32:][:16]); got != want {
		t.Errorf("iret: % x, want % x", got, want)
	}
}

func TestPVRefused(t *testing.T) {
	long := strings.Repeat("x", 1024)
	mb1 := &Multiboot{Version: 1, Modules: []Module{{File: initrd("m", 5)}}}
	tests := []struct {
		name string
		elf  testELF
		req  Request
		mib  uint64
		want string
	}{
		{"no notes", pvELF(func(e *testELF) { e.notes = nil }), Request{}, 64, "not a PV kernel: no notes of Xen's"},
		{"PVH only", pvELF(without(xennote.Entry)), Request{}, 64, "not a PV kernel: no ENTRY note, only PHYS32_ENTRY, for PVH domains"},
		{"32-bit", pvELF(func(e *testELF) { e.bits, e.machine = 32, elf386 }), Request{}, 64, "not a PV kernel: it is a 32-bit kernel, and only the toolstack can make a domain 32-bit"},
		{"entry below", pvELF(setNote(xennote.Entry, linuxBase)), Request{}, 64, "the entry 0xffffffff80000000 is outside the kernel, 0xffffffff81000000-0xffffffff81300005"},
		{"entry above", pvELF(setNote(xennote.Entry, linuxBase+19*mib+5)), Request{}, 64, "the entry 0xffffffff81300005 is outside the kernel, 0xffffffff81000000-0xffffffff81300005"},
		{"base unaligned", miniELF(setNote(xennote.VirtBase, 0x800)), Request{}, 64, "the entry 0x0 is outside the kernel, 0x800-0x1ade8"},
		{"base not canonical", pvELF(setNote(xennote.VirtBase, 1<<47)), Request{}, 64, "the entry 0xffffffff812001c0 is outside the kernel, 0x800001000000-0x800001300005"},
		{"offset", pvELF(setNote(xennote.PaddrOffset, 17*mib)), Request{}, 64, "the kernel, at 0x1000000, is out of reach of PADDR_OFFSET 0x1100000"},
		{"high", pvELF(func(e *testELF) { e.loads[3].Paddr = 1 << 60 }), Request{}, 64, "the kernel, at 0x1000000, is out of reach of PADDR_OFFSET 0x0"},
		{"wraps", pvELF(func(e *testELF) { e.loads[3].Paddr = ^uint64(0) - 99 }), Request{}, 64, "program header 3: 0x100005 bytes at 0xffffffffffffff9c end nowhere"},
		{"offset alone", miniELF(without(xennote.VirtBase)), Request{}, 64, "a PADDR_OFFSET note, but no VIRT_BASE note"},
		{"for Windows", pvELF(setText(xennote.GuestOS, "windows")), Request{}, 64, `not a PV kernel: its LOADER is "" and its GUEST_OS "windows", want generic or linux`},
		{"for another Xen", pvELF(setText(xennote.XenVersion, "xen-2.0")), Request{}, 64, `not a PV kernel: its XEN_VERSION is "xen-2.0", want xen-3.0`},
		{"for dom0", pvELF(setText(xennote.Features, "!writable_page_tables|!dom0")), Request{}, 64, `not a PV kernel: it requires the feature "dom0"`},
		{"unknown feature", pvELF(setText(xennote.Features, "!teleport")), Request{}, 64, `not a PV kernel: it requires the feature "teleport"`},
		{"hypercalls far away", miniELF(setNote(xennote.HypercallPage, 1<<40)), Request{}, 64, "HYPERCALL_PAGE 0x10000000000 is outside the kernel"},
		{"hypercalls out of RAM", miniELF(setNote(xennote.HypercallPage, 65*mib)), Request{}, 64, "kernel: no room for 66564 KiB of RAM between 0x0 and 0x4000000: the domain needs more memory"},
		{"p2m overlaps", pvELF(setNote(xennote.InitP2M, linuxBase-4096)), Request{}, 64, "INIT_P2M: 0xffffffff7ffff000-0xffffffff8001efff overlaps the kernel's memory at 0xffffffff80000000"},
		{"p2m is Xen's", pvELF(setNote(xennote.InitP2M, 0xffff800000000000)), Request{}, 64, "INIT_P2M: virtual addresses 0xffff800000000000-0xffff80000001ffff are Xen's own"},
		{"p2m not canonical", pvELF(setNote(xennote.InitP2M, 1<<60)), Request{}, 64, "INIT_P2M: virtual addresses 0x1000000000000000-0x100000000001ffff are not canonical"},
		{"command line", pvELF(nil), Request{CmdLine: long}, 64, "command line of 1024 bytes, a PV kernel takes 1023"},
		{"NUL", pvELF(nil), Request{CmdLine: "a\x00b"}, 64, "a NUL in the command line"},
		{"no RAM for the kernel", pvELF(nil), Request{}, 16, "kernel: no room for 3076 KiB of RAM between 0x1000000 and 0x1000000: the domain needs more memory"},
		{"no RAM for its end", pvELF(nil), Request{}, 19, "kernel: no room for 3076 KiB of RAM between 0x1000000 and 0x1300000: the domain needs more memory"},
		{"no RAM for tables", pvELF(func(e *testELF) { e.loads[3].MemSize += 600 << 10 }), Request{}, 20, "page tables: no room for 4504 KiB of RAM between 0x139a000 and 0x1400000: the domain needs more memory"},
		{"no RAM for the list", pvELF(nil), Request{}, 20, "p2m list: no room for 40 KiB of RAM between 0x1400000 and 0x1400000: the domain needs more memory"},
		{"no RAM for the initrd", pvELF(nil), Request{Initrd: []File{initrd("i", 45*mib)}}, 64, "initrd: no room for 46080 KiB of RAM between 0x1400000 and 0x4000000: the domain needs more memory"},
		{"no RAM for the p2m", pvELF(nil), Request{Initrd: []File{initrd("i", 44*mib-1)}}, 64, "p2m list: no room for 128 KiB of RAM between 0x4000000 and 0x4000000: the domain needs more memory"},
		{"empty section", guestELF("", 0), Request{}, 64, "not a PV kernel: no notes of Xen's"},
		{"bad section", guestELF("LOADER=generic,XEN_VER=xen-3.0,VIRT_BASE=high", 0), Request{}, 64, `__xen_guest: VIRT_BASE: "high" is no number`},
		{"old section", guestELF("LOADER=generic,XEN_VER=xen-2.0,VIRT_BASE=0", 0), Request{}, 64, `not a PV kernel: its XEN_VERSION is "xen-2.0", want xen-3.0`},
		{"long section", guestELF("LOADER=generic,"+strings.Repeat("x", 4096), 0), Request{}, 64, "section 2: __xen_guest of 4112 bytes, more than 4096"},
		{"Multiboot", pvELF(nil), Request{Multiboot: mb1}, 64, "a PV domain cannot start a kernel by this protocol"},
		{"Multiboot 2", pvELF(nil), Request{Multiboot: &Multiboot{Version: 2}}, 64, "a PV domain cannot start a kernel by this protocol"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.req.Machine = pvMachine(tt.mib)
			_, err := pvBuild(t, tt.elf.bytes(t), tt.req)
			prefix := "/vmlinux: ELF: "
			if tt.req.Multiboot != nil {
				prefix = "/vmlinux: Multiboot: "
			}
			if err == nil || err.Error() != prefix+tt.want {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if strings.HasPrefix(tt.want, "not a PV") != errors.Is(err, ErrNotPV) {
				t.Errorf("%v is ErrNotPV: %v", err, errors.Is(err, ErrNotPV))
			}
		})
	}
}

// A virtual base that no address space has is refused, wherever the entry is.
func TestPVBaseRefused(t *testing.T) {
	for base, want := range map[uint64]string{
		0x800:                   "virtual address 0x800: cannot map ",
		1 << 47:                 "virtual addresses 0x800000000000-0x8000003fffff are not canonical",
		1<<47 - 16*mib:          "",
		0xffff800000000000:      "virtual addresses 0xffff800000000000-0xffff8000013fffff are Xen's own",
		0xffff87ffff000000:      "virtual addresses 0xffff87ffff000000-0xffff8800003fffff are Xen's own",
		0xffff880000000000:      "",
		^uint64(0) - 16*mib + 1: "virtual address 0xffffffffff000000: cannot map ",
		1 << 63:                 "virtual addresses 0x8000000000000000-",
	} {
		e := pvELF(func(e *testELF) {
			without(xennote.InitP2M)(e)
			setNote(xennote.VirtBase, base)(e)
			setNote(xennote.Entry, base+16*mib)(e)
		})
		if base == 1<<47-16*mib || base == 1<<47 {
			e = miniELF(func(e *testELF) {
				setNote(xennote.VirtBase, base)(e)
				setNote(xennote.HypercallPage, base+0x2000)(e)
				e.entry = base
			})
		}
		_, err := pvBuild(t, e.bytes(t), Request{Machine: pvMachine(64)})
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), "/vmlinux: ELF: "+want)) {
			t.Errorf("base %#x: error %v, want %q", base, err, want)
		}
	}
}

// A bzImage or arm64 Image is what it is in a PV domain, too.
func TestPVOtherFormats(t *testing.T) {
	for _, tt := range []struct {
		file []byte
		want string
	}{
		{a64File(nil), "/vmlinux: not a kernel of a known format"},
		{[]byte("text"), "/vmlinux: not a kernel of a known format"},
		{gzipped([]byte("text")), "/vmlinux: gzip: not a kernel of a known format"},
		{bzFile(nil), "/vmlinux: bzImage: the payload of 0 bytes at 2048 is neither an ELF file nor of a known compression"},
		{bzFile(func(h []byte) { h[hdrVersion] = 7 }), "/vmlinux: bzImage: boot protocol 2.7 is too old, PV needs 2.08"},
		{bzFile(func(h []byte) { binary.LittleEndian.PutUint32(h[hdrPayloadLength:], 1<<31) }), "/vmlinux: bzImage: truncated: the payload ends at byte 2147485696, the file at 82048"},
		{zstded(pvELF(nil).bytes(t))[:500], "/vmlinux: zstd: unexpected EOF"},
	} {
		if _, err := pvBuild(t, tt.file, Request{Machine: pvMachine(64)}); err == nil || err.Error() != tt.want {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
}
