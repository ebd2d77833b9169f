package riscv64

import (
	"encoding/binary"

	"pvboot/xen/xentest/hypervisor"
)

// levels are those of the guest's own page tables, by satp's MODE ("Supervisor
// Address Translation and Protection (satp) Register").
var levels = map[uint64]int{8: 3, 9: 4, 10: 5} // Sv39, Sv48, Sv57

// walk translates an address by the guest's own tables, to which satp leads. It
// serves to look at the guest's code, so that only V and leaves matter.
func walk(view hypervisor.View, satp, addr uint64) (uint64, bool) {
	mode, table := satp>>60, satp<<20>>20<<12
	if mode == 0 {
		return addr, true
	}
	for level := levels[mode] - 1; level >= 0; level-- {
		shift := 12 + 9*level
		b, ok := view(table+addr>>shift&511*8, 8)
		if !ok {
			return 0, false
		}
		const valid, leaf = 1, 0xe
		entry := binary.LittleEndian.Uint64(b)
		table = entry << 10 >> 20 << 12
		switch {
		case entry&valid == 0:
			return 0, false
		case entry&leaf != 0:
			return table&^(1<<shift-1) | addr&(1<<shift-1), true
		}
	}
	return 0, false
}

// fetch reads the instruction of 32 bits at a virtual address of the guest's. It
// may cross a page.
func fetch(view hypervisor.View, satp, pc uint64) (inst uint32, ok bool) {
	for i := range uint64(2) {
		addr, ok := walk(view, satp, pc+2*i)
		if !ok {
			return 0, false
		}
		b, ok := view(addr, 2)
		if !ok {
			return 0, false
		}
		inst |= uint32(binary.LittleEndian.Uint16(b)) << (16 * i)
	}
	return inst, true
}

// access is a load or store of the guest's.
type access struct {
	store  bool
	size   int // bytes
	signed bool
	reg    int // that is loaded or stored
}

// decode reads a load or store of an integer (volume I, "Load and Store
// Instructions"); false for anything else, compressed ones included: a byte is
// never accessed by those.
func decode(inst uint32) (a access, ok bool) {
	const load, store = 0x03, 0x23
	switch inst & 0x7f {
	case load:
		a.reg = int(inst >> 7 & 31)
	case store:
		a.store, a.reg = true, int(inst>>20&31)
	default:
		return a, false
	}
	width := inst >> 12 & 7
	a.size, a.signed = 1<<(width&3), width&4 == 0
	return a, width != 7 && !(a.store && width > 3)
}
