package image

import (
	"encoding/binary"
	"errors"
	"fmt"

	"pvboot/internal/xennote"
)

// struct hvm_start_info with its lists, version 1 (public/arch-x86/hvm/
// start_info.h).
const (
	startMagic      = 0x336ec578
	startVersion    = 1
	startInfoSize   = 56
	startModuleSize = 32
	startMemMapSize = 24
)

// Xen's defaults for a kernel that may be moved (public/elfnote.h,
// XEN_ELFNOTE_PHYS32_RELOC).
const (
	relocAlign = 2 << 20
	relocMax   = 1<<32 - 1
)

// ErrNotPVH is the cause when an ELF file has no entry for PVH domains.
var ErrNotPVH = errors.New("no PHYS32_ENTRY note: not a PVH kernel")

// planELF starts an ELF file as Xen's toolstack starts one in a PVH domain
// (docs/misc/pvh.pandoc; tools/libs/guest, xg_dom_x86.c): each segment at its
// physical address, the start info and the initrd behind the kernel, entered
// at its PHYS32_ENTRY in flat 32-bit mode with the start info in ebx.
func planELF(req Request, _ []byte) (*Plan, error) {
	plan, err := planPVH(req)
	if err != nil {
		return nil, fmt.Errorf("ELF: %w", err)
	}
	return plan, nil
}

func planPVH(req Request) (*Plan, error) {
	if err := exactSize(req.Kernel); err != nil {
		return nil, err
	}
	e, err := readELF(req.Kernel)
	if err != nil {
		return nil, err
	}
	if err := e.readNotes(); err != nil {
		return nil, err
	}
	entry, err := e.physEntry()
	if err != nil {
		return nil, err
	}
	if len(req.CmdLine) > maxCmdLine {
		return nil, fmt.Errorf("command line of %d bytes, more than %d", len(req.CmdLine), maxCmdLine)
	}
	var symbols *elfSymbols
	if e.wantsSymbols() {
		if symbols, err = e.bsdSymbols(); err != nil {
			return nil, err
		}
	}
	mem := newSpace(req.Machine.Memory)
	kernel, err := e.placePVH(mem, symbols)
	if err != nil {
		return nil, err
	}
	delta := kernel.Start - e.memory().Start
	segs := e.segments(delta)
	if symbols != nil {
		segs = append(segs, Segment{Name: "kernel symbols", Addr: kernel.End() - symbols.size, Size: symbols.size, Data: symbols})
	}
	// What lies between segments is zero in a new domain.
	for i := range segs[1:] {
		segs[i].Size = segs[i+1].Addr - segs[i].Addr
	}

	info := startInfo{cmdLine: req.CmdLine, memory: req.Machine.Memory, rsdp: req.Machine.RSDP}
	if len(req.Initrd) > 0 {
		info.modules = make([]Range, 1)
	}
	addr, err := mem.behind(kernel, uint64(info.size()))
	if err != nil {
		return nil, fmt.Errorf("start info: %w", err)
	}
	initrd, err := placeInitrd(req.Initrd, func(size uint64) (uint64, error) { return mem.behind(kernel, size) })
	if err != nil {
		return nil, err
	}
	info.modules = nil
	if len(initrd) > 0 {
		start := initrd[0].Addr
		info.modules = []Range{{Start: start, Size: initrd[len(initrd)-1].Range().End() - start}}
	}
	segs = append(segs, bytesSegment("start info", addr, info.encode(addr)))
	return &Plan{
		Kind:     fmt.Sprintf("PVH ELF%d", e.bits()),
		Segments: append(segs, initrd...),
		Entry:    Entry{Mode: Flat32, PC: entry + delta, Regs: map[string]uint64{"rbx": addr}},
	}, nil
}

// physEntry is the address in the PHYS32_ENTRY note, which must lie in the
// kernel.
func (e *elfFile) physEntry() (uint64, error) {
	note, ok := e.note(xennote.Phys32Entry)
	if !ok {
		return 0, ErrNotPVH
	}
	entry, ok := note.Number(binary.LittleEndian)
	if !ok {
		return 0, fmt.Errorf("PHYS32_ENTRY note of %d bytes", len(note.Desc))
	}
	if k := e.memory(); entry < k.Start || entry >= k.End() {
		return 0, fmt.Errorf("PHYS32_ENTRY %#x is outside the kernel, %#x-%#x", entry, k.Start, k.End())
	}
	return entry, nil
}

// placePVH takes the memory for the whole kernel, and for symbols if there are any:
// where it wants to be, else, if it can be moved, at the highest place that suits it,
// as Xen does for dom0 (xen/arch/x86/hvm/dom0_build.c).
func (e *elfFile) placePVH(mem *space, symbols *elfSymbols) (Range, error) {
	k := e.memory()
	if symbols != nil {
		k.Size = symbols.behind(k.End()).End() - k.Start
	}
	if mem.contains(k) {
		mem.take(k)
		return k, nil
	}
	note, ok := e.note(xennote.Phys32Reloc)
	if !ok {
		return k, fmt.Errorf("kernel: %#x-%#x is not all RAM, and the kernel cannot be moved", k.Start, k.End())
	}
	// Up to three numbers: alignment, lowest and highest address.
	align, lo, hi := uint64(relocAlign), uint64(0), uint64(relocMax)
	if e.align >= pageSize {
		align = e.align
	}
	for i, v := range []*uint64{&align, &lo, &hi} {
		if len(note.Desc) >= 4*(i+1) {
			*v = uint64(binary.LittleEndian.Uint32(note.Desc[4*i:]))
		}
	}
	if align == 0 || align&(align-1) != 0 {
		return k, fmt.Errorf("kernel: alignment %#x is not a power of two", align)
	}
	var err error
	if k.Start, err = mem.highest(k.Size, align, lo, hi+1); err != nil {
		return k, fmt.Errorf("kernel: %w", err)
	}
	return k, nil
}

// behind takes pages for size bytes behind a range, or wherever there are
// some above 1 MiB when there are none. Below 4 GiB, where a kernel reaches
// them.
func (s *space) behind(r Range, size uint64) (uint64, error) {
	addr, err := s.lowest(size, pageSize, r.End(), 1<<32)
	if err != nil {
		addr, err = s.lowest(size, pageSize, defaultLoad, 1<<32)
	}
	return addr, err
}

// startInfo is what a PVH kernel is told, in one piece of memory: the
// structure, modules, memory map and command line.
type startInfo struct {
	cmdLine string
	memory  []Range
	rsdp    uint64
	modules []Range
}

func (s *startInfo) size() int {
	return startInfoSize + startModuleSize*len(s.modules) + startMemMapSize*len(s.memory) + len(s.cmdLine) + 1
}

// encode lays the start info out for memory at addr. Addresses of what there
// is none of are 0.
func (s *startInfo) encode(addr uint64) []byte {
	le := binary.LittleEndian
	modules := addr + startInfoSize
	memmap := modules + uint64(startModuleSize*len(s.modules))
	cmdLine := memmap + uint64(startMemMapSize*len(s.memory))
	place := func(at uint64, n int) uint64 {
		if n == 0 {
			return 0
		}
		return at
	}
	b := make([]byte, 0, s.size())
	b = le.AppendUint32(b, startMagic)
	b = le.AppendUint32(b, startVersion)
	b = le.AppendUint32(b, 0) // flags: neither dom0 nor privileged
	b = le.AppendUint32(b, uint32(len(s.modules)))
	b = le.AppendUint64(b, place(modules, len(s.modules)))
	b = le.AppendUint64(b, place(cmdLine, len(s.cmdLine)))
	b = le.AppendUint64(b, s.rsdp)
	b = le.AppendUint64(b, place(memmap, len(s.memory)))
	b = le.AppendUint32(b, uint32(len(s.memory)))
	b = le.AppendUint32(b, 0)
	for _, m := range s.modules {
		b = le.AppendUint64(b, m.Start)
		b = le.AppendUint64(b, m.Size)
		b = le.AppendUint64(b, 0) // no command line
		b = le.AppendUint64(b, 0)
	}
	for _, r := range s.memory {
		b = le.AppendUint64(b, r.Start)
		b = le.AppendUint64(b, r.Size)
		b = le.AppendUint32(b, uint32(r.Type))
		b = le.AppendUint32(b, 0)
	}
	return append(append(b, s.cmdLine...), 0)
}
