package handover

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"testing"

	"pvboot/arch/amd64"
	"pvboot/internal/xennote"
	"pvboot/loader/image"
)

// pvKernel is an ELF file with notes for PV domains: data at physical address
// paddr, which bss follows, and entered entryOffset into it.
func pvKernel(data []byte, paddr, bss uint64, notes []xennote.Note) []byte {
	const headers = 64 + 2*56
	le := binary.LittleEndian
	var base uint64
	for _, n := range notes {
		if n.Type == xennote.VirtBase {
			base = n.Number
		}
	}
	note := xennote.Encode(le, notes)
	b := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9)...)
	b = le.AppendUint16(b, 2)  // ET_EXEC
	b = le.AppendUint16(b, 62) // EM_X86_64
	b = le.AppendUint32(b, 1)
	for _, v := range []uint64{base + paddr + entryOffset, 64, 0} {
		b = le.AppendUint64(b, v)
	}
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{64, 56, 2, 0, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	at := uint64(pageSize)
	for _, p := range [][8]uint64{
		{1, 7, at, base + paddr, paddr, uint64(len(data)), uint64(len(data)) + bss, pageSize},
		{4, 4, headers, 0, 0, uint64(len(note)), uint64(len(note)), 4},
	} {
		b = le.AppendUint32(b, uint32(p[0]))
		b = le.AppendUint32(b, uint32(p[1]))
		for _, v := range p[2:] {
			b = le.AppendUint64(b, v)
		}
	}
	b = append(b, note...)
	b = append(b, make([]byte, at-uint64(len(b)))...)
	return append(b, data...)
}

func notes(base, p2m, modPFN uint64) []xennote.Note {
	list := []xennote.Note{
		{Type: xennote.XenVersion, Text: "xen-3.0"}, {Type: xennote.GuestOS, Text: "test"}, {Type: xennote.Loader, Text: "generic"},
		{Type: xennote.VirtBase, Number: base}, {Type: xennote.PaddrOffset, Number: 0},
	}
	if p2m != 0 {
		list = append(list, xennote.Note{Type: xennote.InitP2M, Number: p2m})
	}
	if modPFN != 0 {
		list = append(list, xennote.Note{Type: xennote.ModStartPFN, Number: 1})
	}
	return list
}

const (
	domainPages = 12 * mib / pageSize
	holePage    = 11 * mib / pageSize
	entryOffset = 0x40
	ownSize     = 2 * mib // from 2 MiB on: tables first, then the rings at storePage
	storePage   = 0x300000 / pageSize
)

// pvBoot is a kernel to be booted from a loader in [2 MiB, 4 MiB).
type pvBoot struct {
	x      *pvXen
	loaded *Loaded
	data   []byte // of the kernel
	initrd []byte
	paddr  uint64
	base   uint64
	modPFN bool
}

func newPVBoot(t *testing.T, base, paddr, p2m, modPFN uint64) *pvBoot {
	t.Helper()
	x := newPVXen(t, domainPages, 0x200000, holePage)
	b := &pvBoot{x: x, data: pattern(mib + 1234), initrd: pattern(mib/2 + 77), paddr: paddr, base: base, modPFN: modPFN != 0}
	g := x.ground(ownSize, holePage, storePage, storePage+1)
	file := pvKernel(b.data, paddr, 300000, notes(base, p2m, modPFN))
	plan, err := image.Build(image.Request{
		Name: "/k", Kernel: bytes.NewReader(file), CmdLine: "console=hvc0",
		Initrd: []image.File{{Name: "/i", Data: bytes.NewReader(b.initrd)}},
		Machine: image.Machine{
			Arch: "amd64",
			Memory: []image.Range{
				{Start: 0, Size: holePage * pageSize, Type: image.RAM},
				{Start: (holePage + 1) * pageSize, Size: (domainPages - holePage - 1) * pageSize, Type: image.RAM},
			},
			PV: &image.PVMachine{
				Magic: "xen-3.0-x86_64", Pages: domainPages, SharedInfo: 0x7000,
				Store:   image.PVRing{Frame: g.Store, Port: 1},
				Console: image.PVRing{Frame: g.Console, Port: 2},
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if b.loaded, err = Load(plan, g); err != nil {
		t.Fatal(err)
	}
	return b
}

// check looks at the domain with the target's eyes at its first instruction.
func (b *pvBoot) check(t *testing.T, before []byte, target *amd64.PVTarget) {
	x, pv, le := b.x, b.loaded.plan.PV, binary.LittleEndian
	info := x.read(target.Root, target.Regs[6], pageSize)
	if got := string(info[:14]); got != "xen-3.0-x86_64" {
		t.Fatalf("start info begins %q", got)
	}
	word := func(at int) uint64 { return le.Uint64(info[at:]) }
	pages, mfnList := word(32), word(104)
	var p2m []uint64
	for list := x.read(target.Root, mfnList, pages*8); len(list) > 0; list = list[8:] {
		p2m = append(p2m, le.Uint64(list))
	}
	if got, want := slices.Sorted(slices.Values(p2m)), slices.Sorted(slices.Values(x.p2m)); !slices.Equal(got, want) {
		t.Error("the target's p2m list is no permutation of the loader's")
	}
	for pfn, mfn := range p2m {
		if mfn != noFrame && x.m2p[mfn] != uint64(pfn) {
			t.Fatalf("machine-to-physical: frame %#x is page %#x, want %#x", mfn, x.m2p[mfn], pfn)
		}
	}
	at := func(addr, size uint64) (mem []byte) {
		for ; uint64(len(mem)) < size; addr += pageSize {
			mem = append(mem, x.frame(p2m[addr/pageSize])...)
		}
		return mem[:size]
	}
	if !bytes.Equal(at(b.paddr, uint64(len(b.data))), b.data) {
		t.Error("the kernel differs")
	}
	if !bytes.Equal(x.read(target.Root, b.base+b.paddr, uint64(len(b.data))), b.data) {
		t.Error("the kernel differs where it is mapped")
	}
	if len(bytes.Trim(at(b.paddr+uint64(len(b.data))&^4095+4096, 290000), "\x00")) != 0 {
		t.Error("bss is not zero")
	}
	initrd := x.read
	if b.modPFN {
		initrd = func(_, pfn, size uint64) []byte { return at(pfn*pageSize, size) }
	}
	if !bytes.Equal(initrd(target.Root, word(112), word(120)), b.initrd) {
		t.Error("the initrd differs")
	}
	for name, ring := range map[string][2]uint64{"store": {word(56), pv.Store}, "console": {word(72), pv.Console}} {
		if ring[0] == 0 || p2m[ring[1]/pageSize] != ring[0] {
			t.Errorf("%s ring: frame %#x, page %#x has %#x", name, ring[0], ring[1], p2m[ring[1]/pageSize])
		}
	}
	// The loader has kept every byte until now.
	if own := [2]int{0x200000, 0x200000 + ownSize}; !bytes.Equal(x.ram[own[0]:own[1]], before[own[0]:own[1]]) {
		t.Error("the loader's own memory has changed")
	}
	for pfn := range uint64(domainPages) {
		if va := b.base + pfn*pageSize; pfn*pageSize >= pv.Mapped.Start && pfn*pageSize < pv.Mapped.End() {
			if mfn := x.lookup(target.Root, va); mfn != p2m[pfn] {
				t.Fatalf("virtual address %#x has frame %#x, want %#x", va, mfn, p2m[pfn])
			}
		}
	}
}

// Kernels of every layout, and what the target finds; afterwards, because the
// test's last code comes back, all is as it was before.
func TestJumpPV(t *testing.T) {
	const high = 0xffffffff80000000
	for _, tt := range []struct {
		name                   string
		base, paddr, p2m, pfns uint64
	}{
		{"Linux", high, mib, 0x8000000000, 1},
		{"Linux, over the loader's end", high, 7 * mib / 2, 0x8000000000, 1},
		{"everything mapped", high, 2 * mib, 0, 0},
		{"pvboot", 0, 2 * mib, 0x8000000000, 1},
		{"at 0", 0, 0, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newPVBoot(t, tt.base, tt.paddr, tt.p2m, tt.pfns)
			x, before := b.x, bytes.Clone(b.x.ram)
			m2p, p2m, departed := maps.Clone(x.m2p), slices.Clone(x.p2m), 0
			x.departed = func(page []byte, addr, mfn, va uint64, target *amd64.PVTarget) {
				departed++
				if x.lookup(target.Root, va) != mfn {
					t.Errorf("the target has frame %#x at %#x, the last code is in %#x", x.lookup(target.Root, va), va, mfn)
				}
				if target.PC != tt.base+tt.paddr+entryOffset {
					t.Errorf("PC %#x", target.PC)
				}
				b.check(t, before, target)
			}
			if err := b.loaded.jumpPV(x); !errors.Is(err, errStep) || departed != 1 {
				t.Fatalf("error %v, %d departures", err, departed)
			}
			if x.pinned != 0 || !maps.Equal(m2p, x.m2p) || !slices.Equal(p2m, x.p2m) {
				t.Errorf("after a departure that failed: pinned %#x, or a list differs", x.pinned)
			}
		})
	}
}

// Whatever fails, there is an error that names it, and Xen's list is as it was.
func TestJumpPVFails(t *testing.T) {
	for _, tt := range []struct{ step, want string }{
		{"root", "page tables: injected"},
		{"protect", "page table at 0x"},
		{"reach", "last code at 0xffffffff8"},
		{"pin", "page tables at 0x"},
		{"m2p", "machine-to-physical list, at page 0x"},
	} {
		t.Run(tt.step, func(t *testing.T) {
			b := newPVBoot(t, 0xffffffff80000000, mib, 0x8000000000, 1)
			m2p := maps.Clone(b.x.m2p)
			b.x.fail = tt.step
			err := b.loaded.jumpPV(b.x)
			if err == nil || !bytes.HasPrefix([]byte(err.Error()), []byte(tt.want)) || bytes.ContainsRune([]byte(err.Error()), '\n') {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if b.x.pinned != 0 || !maps.Equal(m2p, b.x.m2p) {
				t.Errorf("pinned %#x, or the machine-to-physical list differs", b.x.pinned)
			}
		})
	}
	t.Run("ring elsewhere", func(t *testing.T) {
		b := newPVBoot(t, 0xffffffff80000000, mib, 0x8000000000, 1)
		b.loaded.ground.Console = 0x123
		if err := b.loaded.jumpPV(b.x); err == nil || err.Error() != "console ring: machine frame 0x123 is not in the p2m list" {
			t.Errorf("error %v", err)
		}
	})
	t.Run("table writable", func(t *testing.T) { // the test's Xen does look
		b := newPVBoot(t, 0xffffffff80000000, mib, 0x8000000000, 1)
		b.x.departed = func(_ []byte, _, _, _ uint64, target *amd64.PVTarget) {
			delete(b.x.readOnly, target.Root)
			if err := b.x.pin(target.Root); err == nil {
				t.Error("a table that the loader can write to was taken")
			}
		}
		if err := b.loaded.jumpPV(b.x); !errors.Is(err, errStep) {
			t.Error(err)
		}
	})
}
