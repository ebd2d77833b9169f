package ppc64

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/xen/xentest/hypervisor"
)

// kernel is an ELF file of one segment, changed by change.
func kernel(change func(h *elf.Header64, p *elf.Prog64)) []byte {
	h := &elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_PPC64), Version: uint32(elf.EV_CURRENT),
		Entry: loadAddr, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
	}
	p := &elf.Prog64{Type: uint32(elf.PT_LOAD), Off: 120, Vaddr: loadAddr, Filesz: 4, Memsz: 5000}
	change(h, p)
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, h)
	binary.Write(&b, binary.LittleEndian, p)
	b.WriteString("code")
	return b.Bytes()
}

func TestLoad(t *testing.T) {
	good := kernel(func(*elf.Header64, *elf.Prog64) {})
	for _, tt := range []struct {
		name  string
		image []byte
		end   uint64 // 0: refused
	}{
		{"usual", good, loadAddr + 8192},
		{"to the end", kernel(func(_ *elf.Header64, p *elf.Prog64) { p.Memsz = 4 << 20 }), 8 << 20},
		{"past the end", kernel(func(_ *elf.Header64, p *elf.Prog64) { p.Memsz = 4<<20 + 1 }), 0},
		{"huge", kernel(func(_ *elf.Header64, p *elf.Prog64) { p.Memsz = ^uint64(0) }), 0},
		{"empty", kernel(func(_ *elf.Header64, p *elf.Prog64) { p.Filesz, p.Memsz = 0, 0 }), 0},
		{"more in the file", kernel(func(_ *elf.Header64, p *elf.Prog64) { p.Filesz, p.Memsz = 4, 3 }), 0},
		{"cut", good[:len(good)-1], 0},
		{"another place", kernel(func(_ *elf.Header64, p *elf.Prog64) { p.Paddr = 1 << 20 }), 0},
		{"another entry", kernel(func(h *elf.Header64, _ *elf.Prog64) { h.Entry++ }), 0},
		{"another processor", kernel(func(h *elf.Header64, _ *elf.Prog64) { h.Machine = uint16(elf.EM_X86_64) }), 0},
		{"no segment", kernel(func(h *elf.Header64, _ *elf.Prog64) { h.Phnum = 0 }), 0},
		{"another segment", kernel(func(_ *elf.Header64, p *elf.Prog64) { p.Type = uint32(elf.PT_NOTE) }), 0},
		{"no ELF file", []byte("text"), 0},
		{"nothing", nil, 0},
	} {
		g := &hypervisor.Guest{RAM: make([]byte, 8<<20)}
		p, err := Load(g, tt.image)
		switch {
		case tt.end == 0 && (err == nil || !strings.HasPrefix(err.Error(), "kernel: ")):
			t.Errorf("%s: %v", tt.name, err)
		case tt.end != 0 && (err != nil || p != hypervisor.Program{Start: loadAddr, End: tt.end}):
			t.Errorf("%s: %v, %v", tt.name, p, err)
		case tt.end != 0 && string(g.RAM[loadAddr:loadAddr+4]) != "code":
			t.Errorf("%s: it is not there", tt.name)
		}
	}
}

func TestProgramAt(t *testing.T) {
	defer func(old uint64) { programSize = old }(programSize)
	programSize = 2 * pageSize
	ram := make([]byte, loadAddr+8*pageSize)
	copy(ram, []byte{0x48, 0, 0, 0x08})
	copy(ram[10*pageSize:], []byte{0x08, 0, 0, 0x48})
	view := func(addr, n uint64) ([]byte, bool) {
		if addr > uint64(len(ram)) || n > uint64(len(ram))-addr {
			return nil, false
		}
		return ram[addr:][:n], true
	}
	for addr, want := range map[uint64]uint64{ // page of the program, + 1
		0: 1, 2*pageSize - 4: 1, 2 * pageSize: 0, 9 * pageSize: 0, 10*pageSize + 8: 11, 11 * pageSize: 11, 12 * pageSize: 0,
		loadAddr + 4: loadAddr/pageSize + 1, loadAddr + 2*pageSize: 0, 1 << 40: 0,
	} {
		p, ok := ProgramAt(view, addr)
		if ok != (want != 0) || ok && p != (hypervisor.Program{Start: (want - 1) * pageSize, End: (want + 1) * pageSize}) {
			t.Errorf("%#x: %v, %v", addr, p, ok)
		}
	}
}

// TestPAPR makes calls with the registers from r3 on.
func TestPAPR(t *testing.T) {
	const ascii = 0x6162636465666768 // abcdefgh
	for _, tt := range []struct {
		name string
		regs [5]uint64
		keys string
		want [5]uint64
		out  string
		set  []uint64
	}{
		{"put", [5]uint64{hPutTermChar, terminal, 3, ascii, ascii}, "", [5]uint64{0, terminal, 3, ascii, ascii}, "abc", nil},
		{"put 16", [5]uint64{hPutTermChar, terminal, 16, ascii, ascii}, "", [5]uint64{0, terminal, 16, ascii, ascii}, "abcdefghabcdefgh", nil},
		{"put 17", [5]uint64{hPutTermChar, terminal, 17, ascii, ascii}, "", [5]uint64{^uint64(3), terminal, 17, ascii, ascii}, "", nil},
		{"put elsewhere", [5]uint64{hPutTermChar, 0, 1, ascii}, "", [5]uint64{^uint64(3), 0, 1, ascii}, "", nil},
		{"get", [5]uint64{hGetTermChar, terminal}, "abc", [5]uint64{0, 3, 0x6162630000000000, 0}, "", nil},
		{"get 16", [5]uint64{hGetTermChar, terminal}, "abcdefghabcdefghij", [5]uint64{0, 16, ascii, ascii}, "", nil},
		{"get nothing", [5]uint64{hGetTermChar, terminal}, "", [5]uint64{0, 0, 0, 0}, "", nil},
		{"get elsewhere", [5]uint64{hGetTermChar, 1}, "abc", [5]uint64{^uint64(3), 1}, "", nil},
		{"table", [5]uint64{hRegisterProcessTable, 0x1c, 0x10000, 0, 0}, "", [5]uint64{0, 0x1c, 0x10000, 0, 0}, "", []uint64{1<<63 | 0x10000}},
		{"table, GTSE", [5]uint64{hRegisterProcessTable, 0x1d, 0x10000, 0, 4}, "", [5]uint64{0, 0x1d, 0x10000, 0, 4}, "", []uint64{1<<63 | 0x10004}},
		{"no table", [5]uint64{hRegisterProcessTable, 0x10}, "", [5]uint64{0, 0x10}, "", []uint64{0}},
		{"hash table", [5]uint64{hRegisterProcessTable, 0x18}, "", [5]uint64{^uint64(3), 0x18}, "", nil},
		{"odd table", [5]uint64{hRegisterProcessTable, 0x1c, 0x10008}, "", [5]uint64{^uint64(3), 0x1c, 0x10008}, "", nil},
		{"table far away", [5]uint64{hRegisterProcessTable, 0x1c, 1 << 60}, "", [5]uint64{^uint64(3), 0x1c, 1 << 60}, "", nil},
		{"huge table", [5]uint64{hRegisterProcessTable, 0x1c, 0, 0, 25}, "", [5]uint64{^uint64(3), 0x1c, 0, 0, 25}, "", nil},
		{"unknown", [5]uint64{0x300, 1}, "", [5]uint64{^uint64(1), 1}, "", nil},
	} {
		var out []byte
		var set []uint64
		keys := tt.keys
		p := &papr{
			out: func(b []byte) { out = append(out, b...) },
			key: func() (byte, bool) {
				if keys == "" {
					return 0, false
				}
				k := keys[0]
				keys = keys[1:]
				return k, true
			},
			setTable: func(entry uint64) { set = append(set, entry) },
		}
		var r [32]uint64
		copy(r[3:], tt.regs[:])
		p.call(&r)
		if got := [5]uint64(r[3:8]); got != tt.want || string(out) != tt.out {
			t.Errorf("%s: %#x, want %#x; wrote %q", tt.name, got, tt.want, out)
		}
		if diff := cmp.Diff(tt.set, set); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// FuzzLoad: a kernel lies in RAM, all of it, or is refused.
func FuzzLoad(f *testing.F) {
	f.Add(kernel(func(*elf.Header64, *elf.Prog64) {}))
	f.Fuzz(func(t *testing.T, b []byte) {
		g := &hypervisor.Guest{RAM: make([]byte, 8<<20)}
		if p, err := Load(g, b); err == nil && (p.End > 8<<20 || p.Start >= p.End) {
			t.Errorf("%v", p)
		}
	})
}
