package image

import (
	"errors"
	"fmt"
	"io"

	"pvboot/loader/image/codec"
)

// Multiboot asks for a kernel to be started by the Multiboot protocol and not
// by its own (Multiboot Specification 0.6.96; Multiboot2 Specification 2.0).
type Multiboot struct {
	Version int // 1 or 2
	Modules []Module
	// PreferELF believes an ELF file's own headers more than the addresses in
	// its Multiboot 1 header.
	PreferELF bool
	// ModulesBehind keeps modules at least 1 MiB behind the kernel.
	ModulesBehind bool
}

// Module is a file for a Multiboot kernel.
type Module struct {
	File
	CmdLine string
	NoUnzip bool // as it is, even if it is a gzip file
}

const (
	mbMaxModules = 1024
	mbLoaderName = "pvboot"
	mbInfoLow    = 0x10000 // the information goes between here and 640 KiB
	mbModulesGap = 1 << 20
)

// mbVersion is what differs between the versions of the protocol.
type mbVersion struct {
	magic  uint64 // in eax at entry
	kernel func(req Request, mem *space, info *mbInfo) (*mbKernel, error)
	encode func(info *mbInfo, addr uint32) []byte
}

var mbVersions = map[int]mbVersion{
	1: {mb1BootMagic, planMB1, (*mbInfo).encode1},
	2: {mb2BootMagic, planMB2, (*mbInfo).encode2},
}

// mbKernel is a Multiboot kernel in memory.
type mbKernel struct {
	segs  []Segment
	entry uint64
	span  Range
}

// mbInfo is what a Multiboot kernel is told.
type mbInfo struct {
	cmdLine string
	modules []mbModule
	memory  []Range
	rebased bool   // the kernel can be moved, and
	base    uint32 // has its first byte here
}

// mbModule is a module in memory.
type mbModule struct {
	start, end uint32
	cmdLine    string
}

// planMultiboot makes the plan for either version: the kernel at the
// addresses that it names, modules on pages of their own behind it, the
// information in low memory.
func planMultiboot(req Request, _ []byte) (*Plan, error) {
	plan, err := multibootPlan(req, req.Multiboot)
	if err != nil {
		return nil, fmt.Errorf("Multiboot: %w", err)
	}
	return plan, nil
}

func multibootPlan(req Request, mb *Multiboot) (*Plan, error) {
	version, ok := mbVersions[mb.Version]
	if !ok {
		return nil, fmt.Errorf("no version %d", mb.Version)
	}
	if req.Machine.Arch != "amd64" {
		return nil, fmt.Errorf("%w: i386 on %s", ErrArch, req.Machine.Arch)
	}
	if len(req.CmdLine) > maxCmdLine {
		return nil, fmt.Errorf("command line of %d bytes, more than %d", len(req.CmdLine), maxCmdLine)
	}
	if err := exactSize(req.Kernel); err != nil {
		return nil, err
	}
	mem := newSpace(req.Machine.Memory)
	info := &mbInfo{cmdLine: req.CmdLine, memory: req.Machine.Memory}
	kernel, err := version.kernel(req, mem, info)
	if err != nil {
		return nil, err
	}
	modules, err := info.placeModules(mem, mb, kernel.span.End())
	if err != nil {
		return nil, err
	}
	size := uint64(len(version.encode(info, 0)))
	addr, err := mem.highest(size, pageSize, mbInfoLow, isaHoleStart)
	if err != nil {
		addr, err = mem.behind(kernel.span, size)
	}
	if err != nil {
		return nil, fmt.Errorf("multiboot info: %w", err)
	}
	segs := append(kernel.segs, bytesSegment("multiboot info", addr, version.encode(info, uint32(addr))))
	return &Plan{
		Kind:     fmt.Sprintf("Multiboot %d", mb.Version),
		Segments: append(segs, modules...),
		Entry:    Entry{Mode: Flat32, PC: kernel.entry, Regs: map[string]uint64{"rax": version.magic, "rbx": addr}},
	}, nil
}

// placeModules puts each module on pages of its own above 1 MiB and, if there
// is room, behind the kernel.
func (info *mbInfo) placeModules(mem *space, mb *Multiboot, kernelEnd uint64) ([]Segment, error) {
	if len(mb.Modules) > mbMaxModules {
		return nil, fmt.Errorf("%d modules, more than %d", len(mb.Modules), mbMaxModules)
	}
	lo := max(kernelEnd, defaultLoad)
	if mb.ModulesBehind {
		lo += mbModulesGap
	}
	var segs []Segment
	for _, m := range mb.Modules {
		data, err := m.open()
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", m.Name, err)
		}
		size := data.Size()
		if len(m.CmdLine) > maxCmdLine || size < 0 || size > 1<<32 {
			return nil, fmt.Errorf("module %s: absurd size %d, or command line of %d bytes", m.Name, size, len(m.CmdLine))
		}
		if size == 0 {
			info.modules = append(info.modules, mbModule{cmdLine: m.CmdLine})
			continue
		}
		addr, err := mem.lowest(uint64(size), pageSize, lo, 1<<32-pageSize)
		if err != nil && !mb.ModulesBehind {
			addr, err = mem.lowest(uint64(size), pageSize, defaultLoad, 1<<32-pageSize)
		}
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", m.Name, err)
		}
		segs = append(segs, Segment{Name: "module " + m.Name, Addr: addr, Size: uint64(size), Data: data})
		info.modules = append(info.modules, mbModule{uint32(addr), uint32(addr) + uint32(size), m.CmdLine})
	}
	return segs, nil
}

// open is the module's contents: those of a gzip file are unpacked.
func (m Module) open() (Source, error) {
	head := make([]byte, min(headSize, max(m.Data.Size(), 0)))
	if _, err := m.Data.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	c, ok := codec.Detect(head)
	if m.NoUnzip || !ok || c.Name != "gzip" {
		return m.Data, nil
	}
	p := newPacked(m.Name, c, io.NewSectionReader(m.Data, 0, m.Data.Size()))
	return p, exactSize(p)
}

// readHead reads the beginning of a file, at most n bytes.
func readHead(src Source, n int64) ([]byte, error) {
	head := make([]byte, min(n, max(src.Size(), 0)))
	return head, readAt(src, head, 0, "header")
}

// addressFields are the load addresses in a Multiboot header, 32 bits each,
// and where in the file the header is.
type addressFields struct {
	at                                uint64
	header, load, loadEnd, end, entry uint64
}

// kernel is the part of the file that the addresses name: a segment that
// begins as far before the header as in memory.
func (a addressFields) kernel(src Source) (*mbKernel, error) {
	before := a.header - a.load
	if a.load > a.header || before > a.at {
		return nil, fmt.Errorf("load_addr %#x is not that of a byte of the file", a.load)
	}
	offset := a.at - before
	size := uint64(src.Size()) - offset
	if a.loadEnd != 0 {
		if a.loadEnd < a.load || a.loadEnd-a.load > size {
			return nil, fmt.Errorf("load_end_addr %#x: %d bytes at %d of a file of %d", a.loadEnd, int64(a.loadEnd-a.load), offset, src.Size())
		}
		size = a.loadEnd - a.load
	}
	memory := size
	if a.end != 0 {
		if a.end < a.load+size {
			return nil, fmt.Errorf("bss_end_addr %#x is below the end of data, %#x", a.end, a.load+size)
		}
		memory = a.end - a.load
	}
	k := &mbKernel{entry: a.entry, span: Range{Start: a.load, Size: memory, Type: RAM}}
	if k.entry < a.load || k.entry >= k.span.End() {
		return nil, fmt.Errorf("entry_addr %#x is outside the kernel, %#x-%#x", k.entry, a.load, k.span.End())
	}
	k.segs = []Segment{{Name: "kernel", Addr: a.load, Size: memory, Data: io.NewSectionReader(src, int64(offset), int64(size))}}
	return k, nil
}

// elfMultiboot is a kernel that is loaded by the headers of its ELF file.
func elfMultiboot(src Source) (*mbKernel, error) {
	e, err := readELF(src)
	if err != nil {
		return nil, fmt.Errorf("ELF: %w", err)
	}
	if e.machine != elf386 && e.machine != elfX86_64 {
		return nil, fmt.Errorf("ELF: %w: machine %d", ErrArch, e.machine)
	}
	// The entry is a virtual address, and paging is off.
	for _, l := range e.loads {
		if e.entry >= l.vaddr && e.entry-l.vaddr < l.memSize {
			return &mbKernel{segs: e.segments(0), entry: e.entry - l.vaddr + l.paddr, span: e.memory()}, nil
		}
	}
	return nil, fmt.Errorf("ELF: the entry %#x is outside of what is loaded", e.entry)
}

// take takes the memory for a kernel at the addresses that it names.
func (k *mbKernel) take(mem *space) error {
	for _, s := range k.segs {
		if !mem.contains(s.Range()) {
			return fmt.Errorf("%s: %#x-%#x is not all RAM, and the kernel cannot be moved", s.Name, s.Addr, s.Range().End())
		}
		mem.take(s.Range())
	}
	return nil
}

// memoryKiB is the RAM below 640 KiB and the RAM from 1 MiB on up to the
// first hole, in KiB.
func (info *mbInfo) memoryKiB() (lower, upper uint32) {
	for _, r := range info.memory {
		if r.Type != RAM {
			continue
		}
		if r.Start == 0 {
			lower = uint32(min(r.Size, isaHoleStart) / 1024)
		}
		if r.Start <= defaultLoad && r.End() > defaultLoad {
			upper = uint32(min((r.End()-defaultLoad)/1024, 1<<32-1))
		}
	}
	return lower, upper
}

// mbMemoryType is a range's type in either version's memory map (Multiboot2,
// 3.6.8): 1 to 5 as in e820, and anything else is reserved.
func mbMemoryType(t MemoryType) uint32 {
	if t >= RAM && t <= Unusable {
		return uint32(t)
	}
	return uint32(Reserved)
}

// exactSize lets a kernel that is compressed be read as a file: in pieces, and
// knowing how long it is.
func exactSize(src Source) error {
	p, ok := src.(*packed)
	if !ok {
		return nil
	}
	if p.codec.Whole() {
		return fmt.Errorf("%s: cannot be read in pieces, unpack it first", p.codec.Name)
	}
	p.exact = true
	return p.limitTo(0)
}
