// Package image turns a kernel into a [Plan]: pure data that says which bytes
// go where in guest memory and in which state the processor enters them. The
// readers (bzImage, the Images of arm64 and riscv64 and Power's vmlinux here; PV
// and PVH ELF and others beside them) do no I/O of their own and know nothing of
// Xen; an architecture's executor carries a Plan out.
package image

import "io"

// Source is a byte range that can be read anywhere, such as a file.
type Source interface {
	io.ReaderAt
	Size() int64 // bytes
}

// MemoryType is an ACPI address range type, as in e820 and Xen's PVH memory
// map (public/arch-x86/hvm/start_info.h).
type MemoryType uint32

const (
	RAM      MemoryType = 1
	Reserved MemoryType = 2
	ACPI     MemoryType = 3
	NVS      MemoryType = 4
	Unusable MemoryType = 5
	Disabled MemoryType = 6
	PMEM     MemoryType = 7
)

// Range is Size bytes of guest-physical address space from Start.
type Range struct {
	Start, Size uint64
	Type        MemoryType
}

// End is the first address after the range.
func (r Range) End() uint64 { return r.Start + r.Size }

// Machine is what the target may know of the domain it starts in: exactly
// what it would have seen had the toolstack started it.
type Machine struct {
	Arch   string  // GOARCH's name; only its kernels are taken
	Memory []Range // sorted by Start, no overlaps
	RSDP   uint64  // address of the ACPI root pointer, 0 for none
	// DeviceTree is the toolstack's flattened device tree, nil on machines
	// without one.
	DeviceTree []byte
	// Hart is the ID of the hart that enters the kernel, on riscv64.
	Hart uint64
	// PV tells of a paravirtualised x86-64 domain, whose kernels are others;
	// nil in any other.
	PV *PVMachine
}

// Request is what a boot entry asks for.
type Request struct {
	Name    string // of the kernel file, for messages
	Kernel  Source
	CmdLine string
	Initrd  []File // concatenated in this order
	// DeviceTree is used instead of the machine's own (GRUB's devicetree
	// command); nil for none.
	DeviceTree *File
	// Multiboot starts the kernel by that protocol; nil for the kernel's own.
	Multiboot *Multiboot
	Machine   Machine
}

// File is a file with its name, for messages.
type File struct {
	Name string
	Data Source
}

// Plan is a boot, ready to be carried out.
type Plan struct {
	// Kind names the format and protocol, for people: "bzImage 2.15".
	Kind string
	// Segments do not overlap and lie in RAM ranges of the Machine.
	Segments []Segment
	Entry    Entry
	PV       *PVPlan // in a PV domain
}

// Segment puts Data at Addr and zeros after it up to Size. The target may
// use Reserve more bytes behind it, whatever they hold.
type Segment struct {
	Name    string // "kernel", "initrd", "boot_params", … for messages
	Addr    uint64
	Size    uint64 // bytes in memory, at least Data.Size()
	Reserve uint64
	Data    Source // nil for all zeros
	// Whole says that Data can only be read in one piece: by one ReadAt, of
	// all of it.
	Whole bool
	// Check judges Data once it is in memory, given as such; nil for none.
	Check func(Source) error
}

// Range is the memory that the segment claims, its reserve included.
func (s Segment) Range() Range {
	return Range{Start: s.Addr, Size: s.Size + s.Reserve, Type: RAM}
}

// Mode is the processor's mode at entry.
type Mode int

const (
	// Long64 is x86-64 long mode with paging on and every segment of the
	// plan identity mapped, flat segments at selectors 0x10 (code) and 0x18
	// (data), interrupts off (Linux Documentation/arch/x86/boot.rst, "64-bit
	// BOOT PROTOCOL").
	Long64 Mode = iota
	// Flat32 is 32-bit protected mode without paging, flat segments,
	// interrupts off (Xen docs/misc/pvh.pandoc; boot.rst, "32-bit BOOT
	// PROTOCOL").
	Flat32
	// EL1 is AArch64 at exception level 1 on SP_EL1 with MMU and data cache
	// off, DAIF masked, and all of the plan's segments clean to the point of
	// coherency (Linux Documentation/arch/arm64/booting.rst).
	EL1
	// PV64 is x86-64 long mode in a PV domain, at the lowest privilege and on
	// the page tables of Plan.PV, with flat segments of Xen's and events masked
	// (Xen public/xen.h). PC and rsp, rsi are virtual addresses.
	PV64
	// SMode is RISC-V's supervisor mode with satp 0 and interrupts disabled, and
	// no stale instructions of the plan's segments (Linux
	// Documentation/arch/riscv/boot.rst).
	SMode
	// Real64 is the Power architecture's 64-bit mode with translation and external
	// interrupts off, in the loader's byte order, and no stale instructions of the
	// plan's segments (Linux arch/powerpc/kernel/head_64.S, which takes either
	// order).
	Real64
)

// Entry is the state of the boot processor when the target gets it.
type Entry struct {
	Mode Mode
	// PC may be 0 in a PV plan until the kernel's segment was read: it can
	// stand deep in a kernel that is compressed.
	PC uint64
	// Regs are the general registers that the protocol defines, by the
	// architecture's own names ("rsi", "x0"); all others are zero.
	Regs map[string]uint64
}
