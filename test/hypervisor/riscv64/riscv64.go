// Package riscv64 is a guest's processor on RISC-V: the world switch between
// HS-mode, where the hypervisor runs under the machine's own firmware, and
// VS-mode, and the firmware that the guest finds below it (SBI).
//
// The guest has the counter of the machine, a timer by SBI, and a serial port. It
// has no interrupt controller, no other device, and none of the hypervisor
// extension's instructions.
//
// Sources: The RISC-V Instruction Set Manual, volume II, chapter "Hypervisor
// Extension"; the RISC-V Supervisor Binary Interface Specification 2.0. The
// hypercalls' convention is that of the one port of Xen that runs guests: see
// hypercall/trap_riscv64.s.
package riscv64

import (
	"encoding/binary"
	"fmt"

	"pvboot/test/hypervisor/stage2"
	"pvboot/xen/xentest/hypervisor"
)

// Where things are in the guest's physical address space. RAM begins where QEMU's
// machine "virt" and Xen's guest layout have it (xen/arch/riscv/include/asm/
// guest-layout.h), the rest lies below it.
const (
	RAMBase     = 0x80000000
	ConsolePage = 0x39000000
	StorePage   = 0x39001000
	Grants      = 0x38000000
	GrantSize   = 16 << 20
)

// Format is that of the second stage's tables.
var Format = stage2.Sv39x4

// The header of a Linux Image (Linux Documentation/arch/riscv/boot-image-header.rst).
const (
	headerSize = 64
	textOffset = 8
	imageSize  = 16
	magic2At   = 56
	magic2     = "RSC\x05"
	pageSize   = 4096
	// imageAlign is where images may lie: text_offset is 2 MiB for RV64.
	imageAlign = 2 << 20
	maxImage   = 256 << 20
)

// header reads an Image header: where the image wants to be behind the start of
// RAM, and how long it is in memory.
func header(b []byte) (offset, size uint64, ok bool) {
	if len(b) < headerSize || string(b[magic2At:magic2At+4]) != magic2 {
		return 0, 0, false
	}
	offset, size = binary.LittleEndian.Uint64(b[textOffset:]), binary.LittleEndian.Uint64(b[imageSize:])
	return offset, size, size >= headerSize && size <= maxImage && offset < maxImage
}

// Load copies a Linux Image to its place in the guest's RAM and says where its
// entry is, which is also its start.
func Load(g *hypervisor.Guest, image []byte) (hypervisor.Program, error) {
	offset, size, ok := header(image)
	if !ok || size < uint64(len(image)) {
		return hypervisor.Program{}, fmt.Errorf("kernel: not a Linux Image for riscv64")
	}
	size = (size + pageSize - 1) &^ (pageSize - 1)
	if offset%imageAlign != 0 || size > uint64(len(g.RAM)) || offset > uint64(len(g.RAM))-size {
		return hypervisor.Program{}, fmt.Errorf("kernel: %d KiB at +%#x do not fit %d MiB of RAM", size>>10, offset, len(g.RAM)>>20)
	}
	copy(g.RAM[offset:], image)
	start := g.Base + offset
	return hypervisor.Program{Start: start, End: start + size}, nil
}

// ProgramAt finds the Image that code at addr belongs to, by a header at or
// before it.
func ProgramAt(view hypervisor.View, addr uint64) (hypervisor.Program, bool) {
	for start := addr &^ (pageSize - 1); addr-start < maxImage; start -= pageSize {
		b, ok := view(start, headerSize)
		if !ok {
			break
		}
		if _, size, ok := header(b); ok && size > addr-start {
			return hypervisor.Program{Start: start, End: start + (size+pageSize-1)&^(pageSize-1)}, true
		}
	}
	return hypervisor.Program{}, false
}

// CPU is what the device tree says of the processor (Linux Documentation/
// devicetree/bindings/riscv/cpus.yaml). hz is the counter's frequency.
func CPU(hz uint32) hypervisor.CPU {
	const phandle = 1
	return hypervisor.CPU{
		CPUs: hypervisor.Props{{Name: "timebase-frequency", Value: hz}},
		Props: hypervisor.Props{
			{Name: "compatible", Value: "riscv"}, {Name: "riscv,isa", Value: "rv64imafdc"}, {Name: "mmu-type", Value: "riscv,sv39"},
		},
		Nodes: map[string]hypervisor.Props{
			"/cpus/cpu@0/interrupt-controller": {
				{Name: "#interrupt-cells", Value: uint32(1)}, {Name: "interrupt-controller"},
				{Name: "compatible", Value: "riscv,cpu-intc"}, {Name: "phandle", Value: uint32(phandle)},
			},
			fmt.Sprintf("/serial@%x", uartAddr): uartNode,
		},
	}
}
