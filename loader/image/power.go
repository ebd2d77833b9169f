package image

import (
	"errors"
	"fmt"
)

// A kernel for Power: vmlinux, an ELF file (64-Bit ELF V2 ABI Specification,
// Power Architecture, 4.1; Linux arch/powerpc/kernel/vmlinux.lds.S).
const (
	elfPPC   = 20 // e_machine
	elfPPC64 = 21
	elfBig   = 2

	powerABI   = 3 // in e_flags: the version, 0 for none
	powerABIv1 = 1

	// powerAddress is what of an effective address counts in real mode. Old
	// kernels have their virtual addresses for physical ones, which differ in
	// the other bits.
	powerAddress    = 1<<60 - 1
	powerCmdLineMax = 2047     // COMMAND_LINE_SIZE of uapi/asm/setup.h, less the NUL
	powerPage       = 64 << 10 // the larger of two sizes that kernels are built for
	// powerTreeMax is how far up Linux itself puts a device tree, which it reads
	// before memory is mapped (arch/powerpc/kernel/prom_init.c, prom_init_mem).
	powerTreeMax = 1 << 30
)

// isPower tells whether head begins an ELF file for Power, of either byte order.
func isPower(head []byte) bool {
	if len(head) < 52 || string(head[:4]) != elfMagic {
		return false
	}
	low, high := head[elfMachine], head[elfMachine+1]
	if head[elfData] == elfBig {
		low, high = high, low
	}
	return high == 0 && (low == elfPPC || low == elfPPC64)
}

func planPower(req Request, head []byte) (*Plan, error) {
	plan, err := planVmlinux(req, head)
	if err != nil {
		return nil, fmt.Errorf("ELF: %w", err)
	}
	return plan, nil
}

// planVmlinux loads a kernel where its file says, which is physical address 0 for
// Linux: where it is found there, it need not copy itself there first
// (arch/powerpc/kernel/head_64.S, __after_prom_start). Device tree and initrd lie
// as high as they can be. Linux reserves both, and itself.
func planVmlinux(req Request, head []byte) (*Plan, error) {
	e, err := readPower(req.Kernel, head)
	if err != nil {
		return nil, err
	}
	if err := checkCmdLine(req.CmdLine, powerCmdLineMax); err != nil {
		return nil, err
	}
	tree, err := openTree(req)
	if err != nil {
		return nil, err
	}
	for _, r := range tree.firmware {
		if err := tree.doc.Reserve(r.Start, r.Size); err != nil {
			return nil, err
		}
	}
	mem := ramOf(req.Machine.Memory)
	for _, r := range tree.reserved {
		mem.take(r)
	}
	kernel, err := e.placePower(mem, tree.firstMemory(), req.Kernel)
	if err != nil {
		return nil, err
	}
	first := window{0, tree.firstMemory()}
	initrd, err := placeInitrd(req.Initrd, func(size uint64) (uint64, error) {
		return firstOf(mem, size, powerPage, first, anywhere)
	})
	if err != nil {
		return nil, err
	}
	dtb, err := tree.choose(req.CmdLine, initrd)
	if err != nil {
		return nil, err
	}
	treeAddr, err := firstOf(mem, uint64(len(dtb)), powerPage, first.below(powerTreeMax))
	if err != nil {
		return nil, fmt.Errorf("device tree: %w", err)
	}
	pc, err := e.physicalEntry()
	if err != nil {
		return nil, err
	}
	return &Plan{
		Kind:     "ppc64le ELF",
		Segments: append(append(kernel, bytesSegment("device tree", treeAddr, dtb)), initrd...),
		Entry: Entry{Mode: Real64, PC: pc, Regs: map[string]uint64{
			"r3": treeAddr, "r4": e.memory().Start, "r5": 0,
		}},
	}, nil
}

// readPower reads what the kernel wants to be loaded.
func readPower(kernel Source, head []byte) (*elfFile, error) {
	if head[elfData] == elfBig {
		return nil, errors.New("big-endian kernels are not supported")
	}
	src := kernel
	if p, ok := kernel.(*packed); ok {
		p.exact = true
		if err := p.limitTo(0); err != nil {
			return nil, err
		}
		src = &front{packed: p}
	}
	e, err := readAnyELF(src)
	if err != nil {
		return nil, err
	}
	if !e.is64() || e.machine != elfPPC64 {
		return nil, errors.New("32-bit kernels are not supported")
	}
	if abi := e.header.Flags & powerABI; abi == powerABIv1 {
		return nil, fmt.Errorf("ABI version %d is not that of little-endian kernels", abi)
	}
	for i := range e.loads {
		e.loads[i].paddr &= powerAddress
	}
	if err := e.sortLoads(); err != nil {
		return nil, err
	}
	if m := e.memory(); m.Size > maxInitSize {
		return nil, fmt.Errorf("%#x bytes of memory are more than 1 GiB", m.Size)
	}
	e.src = kernel
	return e, nil
}

// placePower takes the memory of the kernel, which has no choice, and keeps as
// much at 0 free: a kernel that lies elsewhere may copy itself there. end is that
// of the memory that it can use at first.
func (e *elfFile) placePower(mem *space, end uint64, kernel Source) ([]Segment, error) {
	at := e.memory()
	start := at.Start &^ (pageSize - 1)
	whole, ok := alignUp(at.End(), powerPage)
	noRoom := &NoRoomError{Size: at.Size, Lo: at.Start, Hi: at.End()}
	if !ok || whole > end || !mem.contains(Range{Start: start, Size: whole - start}) {
		return nil, fmt.Errorf("kernel: %w", noRoom)
	}
	segs := e.segments(0)
	if p, ok := kernel.(*packed); ok && p.codec.Whole() {
		seg, err := e.unpackedSegment(p)
		if err != nil {
			return nil, err
		}
		segs, whole = []Segment{seg}, max(whole, seg.Range().End())
		if whole > end || !mem.contains(Range{Start: start, Size: whole - start}) {
			return nil, fmt.Errorf("kernel: %w", &NoRoomError{Size: seg.Size, Lo: start, Hi: whole})
		}
	}
	last := &segs[len(segs)-1]
	last.Reserve = whole - last.Range().End()
	mem.take(Range{Start: start, Size: whole - start})
	mem.take(Range{Start: 0, Size: whole - start})
	return segs, nil
}

// physicalEntry is where the first instruction is in memory.
func (e *elfFile) physicalEntry() (uint64, error) {
	for _, l := range e.loads {
		if e.entry >= l.vaddr && e.entry-l.vaddr < l.fileSize {
			return e.entry - l.vaddr + l.paddr, nil
		}
	}
	return 0, fmt.Errorf("the entry %#x is outside the kernel", e.entry)
}
