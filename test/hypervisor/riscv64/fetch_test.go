package riscv64

import (
	"encoding/binary"
	"testing"
)

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		name string
		inst uint32
		want access
		ok   bool
	}{
		{"lb a0, 4(a1)", 0x00458503, access{size: 1, signed: true, reg: 10}, true},
		{"lbu a5, 0(a5)", 0x0007c783, access{size: 1, reg: 15}, true},
		{"lw a0, 0(a1)", 0x0005a503, access{size: 4, signed: true, reg: 10}, true},
		{"ld a0, 0(a1)", 0x0005b503, access{size: 8, signed: true, reg: 10}, true},
		{"sb a5, -1(a4)", 0xfef70fa3, access{store: true, size: 1, signed: true, reg: 15}, true},
		{"sd x0, 0(a1)", 0x0005b023, access{store: true, size: 8, signed: true}, true},
		{"zero", 0, access{}, false},
		{"c.lw", 0x4188, access{}, false},
		{"amoadd.w", 0x0000202f, access{}, false},
		{"fld", 0x00003507, access{}, false},
		{"load of width 7", 0x00007503, access{}, false},
		{"store of width 4", 0x00f04023, access{}, false},
	} {
		got, ok := decode(tt.inst)
		if ok != tt.ok || ok && got != tt.want {
			t.Errorf("%s: %+v, %v", tt.name, got, ok)
		}
	}
}

// guestTables is RAM with tables of Sv39 from its second page on: one page at
// 0x1000, the next one not, and 2 MiB at 2 MiB.
func guestTables() (view func(addr, n uint64) ([]byte, bool), satp uint64) {
	ram := make([]byte, 8*pageSize)
	entry := func(page, i int, e uint64) { binary.LittleEndian.PutUint64(ram[page*pageSize+8*i:], e) }
	const base = RAMBase >> 12 << 10
	entry(1, 0, base+2<<10|1)
	entry(2, 0, base+3<<10|1)
	entry(2, 1, 512<<10|0xf)
	entry(2, 2, 1<<53|1) // leads out of RAM
	entry(3, 1, base+4<<10|0xb)
	copy(ram[4*pageSize:], "\x03\x85\x45\x00")
	copy(ram[5*pageSize-2:], "\x83\xc7")
	return func(addr, n uint64) ([]byte, bool) {
		if addr < RAMBase || addr-RAMBase > uint64(len(ram)) || n > uint64(len(ram))-(addr-RAMBase) {
			return nil, false
		}
		return ram[addr-RAMBase:][:n], true
	}, 8<<60 | (RAMBase>>12 + 1)
}

func TestWalk(t *testing.T) {
	view, satp := guestTables()
	for _, tt := range []struct {
		satp, addr, want uint64
		ok               bool
	}{
		{0, 0x1234, 0x1234, true},
		{satp, 0x1234, RAMBase + 4*pageSize + 0x234, true},
		{satp, 0x2234, 0, false},
		{satp, 0x212345, 0x212345, true},
		{satp, 0x400000, 0, false},
		{satp, 1 << 30, 0, false},
		{15 << 60, 0x1234, 0, false},
		{8<<60 | 1, 0x1234, 0, false},
		{10<<60 | satp<<4>>4, 0x1234, 0, false}, // three levels lack two
	} {
		if got, ok := walk(view, tt.satp, tt.addr); ok != tt.ok || ok && got != tt.want {
			t.Errorf("satp %#x, %#x: %#x, %v", tt.satp, tt.addr, got, ok)
		}
	}
}

func TestFetch(t *testing.T) {
	view, satp := guestTables()
	if inst, ok := fetch(view, satp, 0x1000); inst != 0x00458503 || !ok {
		t.Errorf("%#x, %v", inst, ok)
	}
	for name, pc := range map[string]uint64{"across the last page": 0x1ffe, "not mapped": 0x2000, "out of RAM": 0x200000} {
		if _, ok := fetch(view, satp, pc); ok {
			t.Errorf("%s: fetched", name)
		}
	}
}

// FuzzFetch: whatever the guest has in its tables, looking at its code ends, and
// sees nothing but its RAM.
func FuzzFetch(f *testing.F) {
	f.Add(uint64(8<<60|(RAMBase>>12+1)), uint64(0x1000), []byte("\x01\x0c\x00\x20"))
	f.Add(uint64(0), uint64(RAMBase), []byte("\x03\x85\x45\x00"))
	f.Fuzz(func(t *testing.T, satp, pc uint64, memory []byte) {
		ram := make([]byte, 4*pageSize)
		copy(ram[pageSize:], memory)
		view := func(addr, n uint64) ([]byte, bool) {
			if addr < RAMBase || addr-RAMBase > uint64(len(ram)) || n > uint64(len(ram))-(addr-RAMBase) {
				return nil, false
			}
			return ram[addr-RAMBase:][:n], true
		}
		if inst, ok := fetch(view, satp, pc); ok {
			decode(inst)
		}
	})
}
