// Package ppc64 is a guest's processor on Power: the world switch between
// hypervisor mode, where the hypervisor runs under OPAL, and a partition of POWER9
// with radix translation, which may also run in real mode, and the few calls of the
// PAPR that a guest needs besides Xen's.
//
// The guest has the time base of the machine and a console. No interrupt is ever
// sent to it.
//
// Sources: Power ISA 3.0B, book III, cited by section; Linux on Power Architecture
// Reference (LoPAR). The hypercalls' convention is that of Xen's old port: see
// hypercall/trap_ppc64x.s.
package ppc64

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"

	"pvboot/test/hypervisor/stage2"
	"pvboot/xen/xentest/hypervisor"
)

// Where things are in the guest's real address space: RAM from 0 on, and the rest
// above all the RAM that it may have.
const (
	RAMBase     = 0
	Grants      = 0x100000000
	GrantSize   = 16 << 20
	ConsolePage = Grants + GrantSize
	StorePage   = ConsolePage + pageSize
)

// Format is that of the second stage's tables.
var Format = stage2.Radix

const (
	pageSize = 4096
	// loadAddr is where a kernel goes that may lie anywhere, as on QEMU's machine
	// "pseries", and where this project's are linked.
	loadAddr = 0x400000
	// vectorsEnd is the end of what interrupts lead to.
	vectorsEnd = 0x2000
	maxImage   = 256 << 20
)

// Vectors are what belongs to every program.
var Vectors = hypervisor.Program{Start: 0, End: vectorsEnd}

// Load copies an ELF file like a vmlinux to its place in the guest's RAM: its one
// segment of physical address 0.
func Load(g *hypervisor.Guest, image []byte) (hypervisor.Program, error) {
	p, err := load(g, image)
	if err != nil {
		return hypervisor.Program{}, fmt.Errorf("kernel: %w", err)
	}
	programSize = p.End - p.Start
	return p, nil
}

// programSize is the size of the kernel that was loaded.
var programSize uint64

func load(g *hypervisor.Guest, image []byte) (p hypervisor.Program, err error) {
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return p, err
	}
	if f.Class != elf.ELFCLASS64 || f.Machine != elf.EM_PPC64 || len(f.Progs) != 1 {
		return p, errors.New("not an ELF file for ppc64 of one segment")
	}
	s := f.Progs[0]
	size := (s.Memsz + pageSize - 1) &^ (pageSize - 1)
	switch {
	case s.Type != elf.PT_LOAD || s.Paddr != 0 || s.Vaddr != f.Entry:
		return p, errors.New("its segment is none that may lie anywhere")
	case s.Memsz > maxImage || s.Filesz > s.Memsz || s.Memsz == 0:
		return p, fmt.Errorf("%d bytes are no kernel", s.Memsz)
	case uint64(len(g.RAM)) < loadAddr+size:
		return p, fmt.Errorf("%d KiB at %#x do not fit %d MiB of RAM", size>>10, uint64(loadAddr), len(g.RAM)>>20)
	}
	if _, err := s.ReadAt(g.RAM[loadAddr:loadAddr+s.Filesz], 0); err != nil {
		return p, err
	}
	return hypervisor.Program{Start: g.Base + loadAddr, End: g.Base + loadAddr + size}, nil
}

// firstInstruction is what programs begin with that are entered in either byte
// order: tdi 0,0,0x48 in their own, which is b .+8 in the other (Linux
// arch/powerpc/include/asm/ppc_asm.h, FIXUP_ENDIAN).
const firstInstruction = 0x08000048

func isFirst(b []byte) bool {
	return binary.LittleEndian.Uint32(b) == firstInstruction || binary.BigEndian.Uint32(b) == firstInstruction
}

// ProgramAt finds the program that code at addr belongs to: one that begins at or
// before it, and is as long as that which was loaded: nothing in memory says how
// long a kernel is. This project's move to where they are linked (arch/ppc64), and
// leave their first page behind.
func ProgramAt(view hypervisor.View, addr uint64) (hypervisor.Program, bool) {
	for start := addr &^ (pageSize - 1); addr-start < programSize; start -= pageSize {
		b, ok := view(start, 4)
		if !ok {
			break
		}
		if isFirst(b) {
			return hypervisor.Program{Start: start, End: start + programSize}, true
		}
	}
	if addr >= loadAddr && addr < loadAddr+programSize {
		return hypervisor.Program{Start: loadAddr, End: loadAddr + programSize}, true
	}
	return hypervisor.Program{}, false
}

// terminal is the number of the guest's console.
const terminal = 0x71000000

// CPU is what the device tree says of the processor (LoPAR, appendix B), and of the
// console. hz is the time base's frequency.
func CPU(hz uint32) hypervisor.CPU {
	return hypervisor.CPU{
		Props: hypervisor.Props{{Name: "compatible", Value: "PowerPC,POWER9"}, {Name: "timebase-frequency", Value: hz}},
		Nodes: map[string]hypervisor.Props{
			"/vdevice": {{Name: "#address-cells", Value: uint32(1)}, {Name: "#size-cells", Value: uint32(0)}},
			fmt.Sprintf("/vdevice/vty@%x", terminal): {
				{Name: "device_type", Value: "serial"}, {Name: "compatible", Value: "hvterm1"}, {Name: "reg", Value: uint32(terminal)},
			},
		},
	}
}

// Numbers of the PAPR's calls and what they return (LoPAR, chapter 14).
const (
	hGetTermChar          = 0x54
	hPutTermChar          = 0x58
	hRegisterProcessTable = 0x37c

	hSuccess   = 0
	hFunction  = -2
	hParameter = -4
)

// Flags of H_REGISTER_PROCESS_TABLE (LoPAR, 14.5.4).
const (
	registerNew   = 0x18
	registerNone  = 0x10
	registerRadix = 0x04
	registerGTSE  = 0x01 // translation shootdown by the guest, which does no harm
)

// papr answers the guest's other calls.
type papr struct {
	out func(p []byte)
	key func() (byte, bool)
	// setTable tells of a process table: its second word of the partition table's
	// entry, 0 for none.
	setTable func(entry uint64)
}

// call answers the call in r[3], with arguments from r[4] on.
func (p *papr) call(r *[32]uint64) {
	ret := int64(hFunction)
	switch r[3] {
	case hPutTermChar:
		ret = p.put(r)
	case hGetTermChar:
		ret = p.get(r)
	case hRegisterProcessTable:
		ret = p.register(r)
	}
	r[3] = uint64(ret)
}

// termBytes is the most that goes through the registers at a time.
const termBytes = 16

func (p *papr) put(r *[32]uint64) int64 {
	if r[4] != terminal || r[5] > termBytes {
		return hParameter
	}
	b := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, r[6]), r[7])
	p.out(b[:r[5]])
	return hSuccess
}

func (p *papr) get(r *[32]uint64) int64 {
	if r[4] != terminal {
		return hParameter
	}
	var b [termBytes]byte
	n := 0
	for ; n < len(b); n++ {
		k, ok := p.key()
		if !ok {
			break
		}
		b[n] = k
	}
	r[4], r[5], r[6] = uint64(n), binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])
	return hSuccess
}

// register sets a radix process table of 4096 bytes or more, or none.
func (p *papr) register(r *[32]uint64) int64 {
	const maxSize = 24 // 2³⁶ bytes
	switch flags := r[4] &^ registerGTSE; {
	case flags == registerNone:
		p.setTable(0)
	case flags != registerNew|registerRadix, r[5]%pageSize != 0, r[5]>>52 != 0, r[7] > maxSize:
		return hParameter
	default:
		const guestRadix = 1 << 63
		p.setTable(guestRadix | r[5] | r[7])
	}
	return hSuccess
}
