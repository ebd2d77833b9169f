// Package guest makes a Go program a Xen guest: a program that imports it and
// is built by cmd/xengo runs on bare metal, with the stock Go runtime, as the
// kernel of a domain (x86-64 PVH and PV, arm64, riscv64, ppc64le).
//
// It gives the runtime what it asks of Linux (memory, time, signals, a place
// to write), under the names that TamaGo's runtime/goos gives such hooks, and
// gives the program what the toolstack left for it ([Start]), its memory
// ([Own], [Free]) and Xen itself ([Platform]). There is one thread, no
// interrupt is ever taken, and an idle program sleeps in SCHEDOP_poll.
//
// In a program built by the ordinary go command the package does nothing.
// The same image also runs without Xen, in plain QEMU: `xengo test` uses it.
//
// Files are those of a cpio archive given as ramdisk=, read-only. Not to be
// had: networks, os/signal, more than one processor, and the
// date (time.Now counts from 1970 at start: a domain has no clock but one in
// shared_info, which a loader must not map).
package guest

import "fmt"

// Range is Size bytes of guest-physical address space from Start. Type is an
// ACPI address range type, 1 for RAM, as in e820 and in struct
// hvm_memmap_table_entry (public/arch-x86/hvm/start_info.h).
type Range struct {
	Start, Size uint64
	Type        uint32
}

// End is the first address after the range.
func (r Range) End() uint64 { return r.Start + r.Size }

// RAM is the type of ordinary memory.
const RAM uint32 = 1

// Module is a file that the toolstack loaded beside the kernel: ramdisk= of an
// xl config, -initrd of QEMU.
type Module struct {
	Start, Size uint64 // bytes, guest-physical
	CmdLine     string
}

// Data sees the module in memory. It stays there until the program ends: it is
// part of neither [Own] nor [Free].
func (m Module) Data() ([]byte, error) {
	if m.Size == 0 || !start.memory.hold(Range{m.Start, m.Size, RAM}) {
		return nil, fmt.Errorf("guest: module at %#x, %d bytes: not in memory", m.Start, m.Size)
	}
	b := platform.View(m.Start, m.Size)
	if b == nil {
		return nil, fmt.Errorf("guest: module at %#x, %d bytes: %w", m.Start, m.Size, ErrNotMapped)
	}
	return b, nil
}

// StartInfo is what the toolstack told the domain, copied out of struct
// hvm_start_info or out of the device tree. After a boot loader, memory map and
// RSDP are Xen's and the rest is what it told. Ranges of Memory do not overlap
// where they come from a device tree: what it reserves is of type 2.
type StartInfo struct {
	CmdLine string  // at most 4095 bytes
	Memory  []Range // as given; sorted by Start
	RSDP    uint64  // address of the ACPI root pointer, 0 for none
	Modules []Module
	// BootLoader is the name of the boot loader that started the image, by
	// Multiboot 2; empty when the toolstack did.
	BootLoader string
	// DeviceTree is the toolstack's flattened device tree; nil on x86.
	DeviceTree []byte
	// Hart is the ID of the hart that runs, on riscv64.
	Hart uint64
}

// Start returns what the toolstack left. In a program that is no guest it is
// empty.
func Start() StartInfo {
	s := StartInfo{CmdLine: string(start.cmdLine.bytes()), RSDP: start.rsdp, BootLoader: string(start.bootLoader.bytes()), Hart: start.hart}
	s.DeviceTree = append(s.DeviceTree, start.deviceTree...)
	s.Memory = append(s.Memory, start.memory.list()...)
	for i := range start.modules.list() {
		m := &start.modules.list()[i]
		s.Modules = append(s.Modules, Module{Start: m.Start, Size: m.Size, CmdLine: string(start.moduleCmdLine[i].bytes())})
	}
	return s
}

// Own returns the RAM that the program itself occupies: image, stacks, page
// tables, heap; in a PV domain also start info, p2m list and the rings' pages.
// It never grows.
func Own() []Range { return append([]Range(nil), own.list()...) }

// Free returns the RAM that the program never touches by itself, without
// page 0, which is not mapped, without the modules, and without what a device
// tree reserves.
func Free() []Range { return append([]Range(nil), free.list()...) }

// own and free divide the RAM from the start on.
var own, free ranges

// running is set by the first code of a guest and never in an ordinary
// program.
var running bool
