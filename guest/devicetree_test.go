package guest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pvboot/internal/fdt"
	"pvboot/internal/golden"
)

// describe says what was read, for people.
func describe(s *startInfo, h *hardware) string {
	var b strings.Builder
	fmt.Fprintf(&b, "command line %q\n", s.cmdLine.bytes())
	for _, r := range s.memory.list() {
		fmt.Fprintf(&b, "memory %#x-%#x type %d\n", r.Start, r.End(), r.Type)
	}
	for _, m := range s.modules.list() {
		fmt.Fprintf(&b, "module %#x-%#x\n", m.Start, m.End())
	}
	fmt.Fprintf(&b, "xen %v\n", h.xen)
	for _, r := range h.regions.list() {
		fmt.Fprintf(&b, "region %#x-%#x\n", r.Start, r.End())
	}
	fmt.Fprintf(&b, "uart %#x\nseed %v\npsci by smc %v\n", h.uart, h.seed != 0, h.psciBySMC)
	fmt.Fprintf(&b, "ns16550 %#x shift %d width %d\nfinisher %#x\ntimebase %d\n",
		h.ns16550.addr, h.ns16550.shift, h.ns16550.width, h.finisher, h.timebase)
	p := h.papr
	fmt.Fprintf(&b, "vty %#x\nrtas %#x at %#x power-off %#x reboot %#x\nopal %#x at %#x\n",
		p.vty[:p.vtys], p.rtas.entry, p.rtas.base, p.rtas.powerOff, p.rtas.reboot, p.opal.entry, p.opal.base)
	return b.String()
}

func readTree(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "devicetree", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadDeviceTree(t *testing.T) {
	for _, name := range []string{"xen-4.17", "xen-4.20", "virt", "virt-riscv64", "pseries", "powernv9", "odd", "empty"} {
		t.Run(name, func(t *testing.T) {
			tree, ok := fdt.Open(readTree(t, name+".dtb"))
			if !ok {
				t.Fatal("no device tree")
			}
			var s startInfo
			var h hardware
			if got, want := readDeviceTree(tree, &s, &h), name != "empty"; got != want {
				t.Errorf("names memory: %v, want %v", got, want)
			}
			golden.Check(t, "devicetree/"+name+".txt", describe(&s, &h))
		})
	}
}

// edited reads xen-4.17.dtb after changes.
func edited(t *testing.T, edit func(*fdt.Doc) error) (startInfo, hardware) {
	t.Helper()
	doc, err := fdt.Unpack(readTree(t, "xen-4.17.dtb"))
	if err == nil {
		err = edit(doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	tree, ok := fdt.Open(doc.Pack())
	if !ok {
		t.Fatal("the edited tree is none")
	}
	var s startInfo
	var h hardware
	readDeviceTree(tree, &s, &h)
	return s, h
}

func TestLongCommandLine(t *testing.T) {
	s, _ := edited(t, func(d *fdt.Doc) error { return d.SetString("/chosen", "bootargs", strings.Repeat("x", 5000)) })
	if got := string(s.cmdLine.bytes()); got != strings.Repeat("x", 4095) {
		t.Errorf("%d bytes, want 4095", len(got))
	}
}

func TestInitrdCells(t *testing.T) {
	for _, test := range []struct {
		name       string
		start, end []byte
		want       []Range
	}{
		{"64 bits", []byte{0, 0, 0, 0, 0x48, 0, 0, 0}, []byte{0, 0, 0, 0, 0x48, 0, 1, 0}, []Range{{0x48000000, 0x100, RAM}}},
		{"32 bits", []byte{0x48, 0, 0, 0}, []byte{0x48, 0, 1, 0}, []Range{{0x48000000, 0x100, RAM}}},
		{"backwards", []byte{0x48, 0, 1, 0}, []byte{0x48, 0, 0, 0}, nil},
		{"empty", []byte{0x48, 0, 0, 0}, []byte{0x48, 0, 0, 0}, nil},
		{"no end", []byte{0x48, 0, 0, 0}, nil, nil},
		{"three cells", make([]byte, 12), []byte{0x48, 0, 0, 0}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := edited(t, func(d *fdt.Doc) error {
				if err := d.Set("/chosen", "linux,initrd-start", test.start); err != nil || test.end == nil {
					return err
				}
				return d.Set("/chosen", "linux,initrd-end", test.end)
			})
			if got := s.modules.list(); fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("modules %v, want %v", got, test.want)
			}
		})
	}
}

// A domain with more extended regions than there is room for keeps the first.
func TestManyRegions(t *testing.T) {
	_, h := edited(t, func(d *fdt.Doc) error {
		reg := []byte{0, 0, 0, 0, 0x38, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}
		for i := range 400 {
			reg = append(reg, 0, 0, 2, 0, byte(i>>8), byte(i), 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0)
		}
		return d.Set("/hypervisor", "reg", reg)
	})
	if h.regions.n != maxRanges || h.regions.r[0].Start != 0x38000000 {
		t.Errorf("%d regions, the first at %#x", h.regions.n, h.regions.r[0].Start)
	}
}

func TestTakeHole(t *testing.T) {
	regions := rangesOf(Range{0x38000000, 0x4000, 2}, Range{0x60000000, 0x2000, 2}, Range{1 << 33, 1 << 30, 2})
	for _, test := range []struct {
		n   int
		gfn uint64
		ok  bool
	}{
		{0, 0, false}, {-1, 0, false},
		{3, 0x38000, true}, {2, 0x60000, true}, {1, 0x38003, true}, {1, 0x200000, true},
		{1 << 18, 0, false}, {1<<18 - 1, 0x200001, true}, {1, 0, false},
	} {
		if gfn, ok := takeHole(regions, test.n); gfn != test.gfn || ok != test.ok {
			t.Errorf("%d frames at %#x %v, want %#x %v", test.n, gfn, ok, test.gfn, test.ok)
		}
	}
}

func FuzzReadDeviceTree(f *testing.F) {
	names, err := filepath.Glob("testdata/devicetree/*.dtb")
	if err != nil || len(names) == 0 {
		f.Fatal("no seeds: ", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, ok := fdt.Open(b)
		if !ok {
			return
		}
		before := bytes.Clone(b)
		var s startInfo
		var h hardware
		readDeviceTree(tree, &s, &h)
		if !bytes.Equal(b, before) {
			t.Error("the tree was changed")
		}
		last := uint64(0)
		for _, r := range s.memory.list() {
			if r.Start < last || r.Size == 0 || r.End() < r.Start {
				t.Fatalf("memory is not sorted or overlaps:\n%s", describe(&s, &h))
			}
			last = r.End()
		}
		for _, r := range h.regions.list() {
			if r.Start%pageSize != 0 || r.Size%pageSize != 0 || r.Start == 0 && r.Size > 0 {
				t.Fatalf("a region is not of whole pages:\n%s", describe(&s, &h))
			}
			for _, m := range s.memory.list() {
				if r.Start < m.End() && m.Start < r.End() && r.Size > 0 {
					t.Fatalf("a region lies in memory:\n%s", describe(&s, &h))
				}
			}
		}
	})
}

func TestAddVTY(t *testing.T) {
	for _, tt := range []struct{ units, want []uint32 }{
		{nil, nil},
		{[]uint32{7}, []uint32{7}},
		{[]uint32{9, 3, 7, 1}, []uint32{1, 3}},
		{[]uint32{1, 2, 3}, []uint32{1, 2}},
	} {
		var p papr
		for _, u := range tt.units {
			p.addVTY(u)
		}
		if got := p.vty[:p.vtys]; !slices.Equal(got, tt.want) {
			t.Errorf("%v: %v, want %v", tt.units, got, tt.want)
		}
	}
}
