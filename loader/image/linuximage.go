package image

import (
	"encoding/binary"
	"fmt"
)

// The header of an Image, which is memory as it shall be (Linux
// Documentation/arch/arm64/booting.rst, "Call the kernel image", and
// Documentation/arch/riscv/boot-image-header.rst). All numbers are
// little-endian.
const (
	linuxTextOffset = 0x08 // u64, from an aligned base
	linuxImageSize  = 0x10 // u64, memory to leave to the kernel
	linuxFlags      = 0x18 // u64
	linuxMagic      = 0x38 // 4 bytes, by architecture
	linuxHeaderSize = 0x40

	linuxBigEndian     = 1 << 0 // in flags
	linuxMaxTextOffset = 1 << 30
	linuxAlign         = 2 << 20 // of the base
)

// linuxImage is what the Images of an architecture differ in.
type linuxImage struct {
	name        string // "arm64 Image", for people
	magic       string
	offsetAlign uint64 // of text_offset, a power of two
	cmdLineMax  int    // COMMAND_LINE_SIZE of uapi/asm/setup.h, less the NUL
	// baseBelow says that the base itself may lie below usable RAM, where
	// firmware is.
	baseBelow bool

	// adjust understands what is special in the header; nil for nothing.
	adjust func(h *linuxHeader) error
	// initrd and tree are where they may lie, the best place first.
	initrd, tree func(p placed) []window
	// enter is the state at the kernel's first instruction.
	enter func(m Machine, kernel, tree uint64) Entry
}

// linuxHeader is what an Image says of itself.
type linuxHeader struct {
	textOffset, imageSize, flags uint64
	kind                         string
}

// placed is where a kernel lies.
type placed struct {
	ram    uint64 // the lowest address of RAM
	bank   window // the part of RAM around the kernel
	base   uint64 // the kernel is text_offset bytes above
	kernel Range
}

func (f *linuxImage) is(head []byte) bool {
	return len(head) >= linuxHeaderSize && string(head[linuxMagic:linuxMagic+4]) == f.magic
}

func (f *linuxImage) parse(head []byte) (*linuxHeader, error) {
	le := binary.LittleEndian
	h := &linuxHeader{
		textOffset: le.Uint64(head[linuxTextOffset:]), imageSize: le.Uint64(head[linuxImageSize:]),
		flags: le.Uint64(head[linuxFlags:]), kind: f.name,
	}
	if f.adjust != nil {
		if err := f.adjust(h); err != nil {
			return nil, err
		}
	}
	if h.flags&linuxBigEndian != 0 {
		return nil, fmt.Errorf("big-endian kernels are not supported")
	}
	if h.imageSize > maxInitSize {
		return nil, fmt.Errorf("image_size %#x is above 1 GiB", h.imageSize)
	}
	if h.textOffset > linuxMaxTextOffset || h.textOffset%f.offsetAlign != 0 {
		return nil, fmt.Errorf("bad text_offset %#x", h.textOffset)
	}
	return h, nil
}

func (f *linuxImage) plan(req Request, head []byte) (*Plan, error) {
	plan, err := f.planImage(req, head)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	return plan, nil
}

// planImage puts the kernel as low in RAM as it can be, device tree and initrd
// as high as they can be in the same bank, which is where xl has them too (Xen
// tools/libs/guest/xg_dom_arm.c).
func (f *linuxImage) planImage(req Request, head []byte) (*Plan, error) {
	h, err := f.parse(head)
	if err != nil {
		return nil, err
	}
	if err := checkCmdLine(req.CmdLine, f.cmdLineMax); err != nil {
		return nil, err
	}
	tree, err := openTree(req)
	if err != nil {
		return nil, err
	}
	kernel, err := h.segment(req.Kernel, head)
	if err != nil {
		return nil, err
	}
	mem := newSpace(req.Machine.Memory)
	for _, r := range tree.reserved {
		mem.take(r)
	}
	at, err := f.place(h, mem, req.Machine.Memory, &kernel)
	if err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	initrd, err := placeInitrd(req.Initrd, func(size uint64) (uint64, error) {
		return firstOf(mem, size, pageSize, f.initrd(at)...)
	})
	if err != nil {
		return nil, err
	}
	dtb, err := tree.choose(req.CmdLine, initrd)
	if err != nil {
		return nil, err
	}
	treeAddr, err := firstOf(mem, uint64(len(dtb)), blockAlign(uint64(len(dtb))), f.tree(at)...)
	if err != nil {
		return nil, fmt.Errorf("device tree: %w", err)
	}
	return &Plan{
		Kind:     h.kind,
		Segments: append([]Segment{kernel, bytesSegment("device tree", treeAddr, dtb)}, initrd...),
		Entry:    f.enter(req.Machine, kernel.Addr, treeAddr),
	}, nil
}

// blockAlign is the alignment that keeps size bytes, at most 2 MiB of them,
// from crossing a border of 2 MiB: blocks of that size map the tree at first.
func blockAlign(size uint64) uint64 {
	align := uint64(pageSize)
	for align < size {
		align *= 2
	}
	return align
}

func checkCmdLine(line string, limit int) error {
	if len(line) > limit {
		return fmt.Errorf("command line of %d bytes, the kernel takes %d", len(line), limit)
	}
	return nil
}

// segment is the kernel without its address.
func (h *linuxHeader) segment(kernel Source, head []byte) (Segment, error) {
	s := Segment{Name: "kernel", Data: kernel}
	if p, ok := kernel.(*packed); ok {
		if err := p.limitTo(int64(h.imageSize)); err != nil {
			return s, err
		}
		s.Whole = p.codec.Whole()
	} else if err := checkPE(kernel, head); err != nil {
		return s, err
	}
	if size := kernel.Size(); size < linuxHeaderSize || size > maxInitSize {
		return s, fmt.Errorf("%d bytes are no kernel", size)
	}
	s.Size, _ = alignUp(uint64(kernel.Size()), pageSize)
	claim, _ := alignUp(max(s.Size, h.imageSize), pageSize)
	s.Reserve = claim - s.Size
	return s, nil
}

// place gives the kernel the lowest place that a base in the same bank of RAM
// has. What lies between the base and the kernel has no meaning to it.
func (f *linuxImage) place(h *linuxHeader, mem *space, memory []Range, kernel *Segment) (placed, error) {
	noRoom := &NoRoomError{Size: kernel.Size + kernel.Reserve}
	ram := newSpace(memory).free
	for _, r := range ram {
		base, ok := alignUp(r.Start, linuxAlign)
		if f.baseBelow {
			base, ok = r.Start&^(linuxAlign-1), true
		}
		if !ok || base+h.textOffset < base {
			continue
		}
		if noRoom.Hi == 0 {
			noRoom.Lo = base + h.textOffset
		}
		noRoom.Hi = r.End()
		if addr, err := mem.lowestAt(noRoom.Size, linuxAlign, h.textOffset, base+h.textOffset, r.End()); err == nil {
			kernel.Addr = addr
			return placed{ram: ram[0].Start, bank: window{r.Start, r.End()}, base: addr - h.textOffset, kernel: kernel.Range()}, nil
		}
	}
	return placed{}, noRoom
}
