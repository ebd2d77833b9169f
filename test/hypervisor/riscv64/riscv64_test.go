package riscv64

import (
	"encoding/binary"
	"testing"

	"pvboot/xen/xentest/hypervisor"
)

// image is a Linux Image of n bytes that asks for size bytes of memory.
func image(n int, offset, size uint64) []byte {
	b := make([]byte, n)
	binary.LittleEndian.PutUint64(b[textOffset:], offset)
	binary.LittleEndian.PutUint64(b[imageSize:], size)
	copy(b[magic2At:], magic2)
	return b
}

func TestLoad(t *testing.T) {
	const mib = 1 << 20
	short := image(headerSize, 2*mib, mib)[:headerSize-1]
	none := image(100, 2*mib, mib)
	none[magic2At]++
	for _, tt := range []struct {
		name  string
		image []byte
		want  hypervisor.Program // zero: refused
	}{
		{"usual", image(100, 2*mib, 5000), hypervisor.Program{Start: RAMBase + 2*mib, End: RAMBase + 2*mib + 8192}},
		{"to the end", image(100, 2*mib, 6*mib), hypervisor.Program{Start: RAMBase + 2*mib, End: RAMBase + 8*mib}},
		{"at the start", image(100, 0, mib), hypervisor.Program{Start: RAMBase, End: RAMBase + mib}},
		{"past the end", image(100, 2*mib, 6*mib+1), hypervisor.Program{}},
		{"far away", image(100, 1<<62, mib), hypervisor.Program{}},
		{"huge", image(100, 0, ^uint64(0)), hypervisor.Program{}},
		{"longer than its size", image(5000, 2*mib, 4096), hypervisor.Program{}},
		{"odd place", image(100, 4096, mib), hypervisor.Program{}},
		{"short", short, hypervisor.Program{}},
		{"empty", nil, hypervisor.Program{}},
		{"no Image", none, hypervisor.Program{}},
	} {
		g := &hypervisor.Guest{RAM: make([]byte, 8*mib), Base: RAMBase}
		p, err := Load(g, tt.image)
		if p != tt.want || (err == nil) != (tt.want != hypervisor.Program{}) {
			t.Errorf("%s: %v, %v", tt.name, p, err)
		}
		if err == nil && string(g.RAM[p.Start-RAMBase+magic2At:][:4]) != magic2 {
			t.Errorf("%s: the image is not there", tt.name)
		}
	}
}

func TestProgramAt(t *testing.T) {
	ram := make([]byte, 64*pageSize)
	copy(ram[4*pageSize:], image(headerSize, 0, 3*pageSize+1))
	copy(ram[20*pageSize:], image(headerSize, 0, pageSize))
	view := func(addr, n uint64) ([]byte, bool) {
		if addr < RAMBase || addr-RAMBase+n > uint64(len(ram)) {
			return nil, false
		}
		return ram[addr-RAMBase:][:n], true
	}
	for page, want := range map[uint64]hypervisor.Program{
		0: {}, 3: {}, 8: {}, 19: {}, 21: {}, 63: {}, 64: {},
		4:  {Start: RAMBase + 4*pageSize, End: RAMBase + 8*pageSize},
		7:  {Start: RAMBase + 4*pageSize, End: RAMBase + 8*pageSize},
		20: {Start: RAMBase + 20*pageSize, End: RAMBase + 21*pageSize},
	} {
		p, ok := ProgramAt(view, RAMBase+page*pageSize)
		if p != want || ok != (want != hypervisor.Program{}) {
			t.Errorf("page %d: %v, %v", page, p, ok)
		}
	}
	if _, ok := ProgramAt(view, 0); ok {
		t.Error("a program at 0")
	}
}

// FuzzLoad: a kernel lies in RAM, all of it, or is refused.
func FuzzLoad(f *testing.F) {
	f.Add(image(100, 2<<20, 5000))
	f.Fuzz(func(t *testing.T, b []byte) {
		g := &hypervisor.Guest{RAM: make([]byte, 4<<20), Base: RAMBase}
		if p, err := Load(g, b); err == nil && (p.Start < RAMBase || p.End > RAMBase+4<<20 || p.Start >= p.End) {
			t.Errorf("%v", p)
		}
	})
}
