package image

import (
	"encoding/binary"
	"fmt"
)

// The header of an arm64 Image (Linux Documentation/arch/arm64/booting.rst,
// "Call the kernel image"). All numbers are little-endian.
const (
	a64TextOffset = 0x08 // u64, from a 2 MiB aligned base
	a64ImageSize  = 0x10 // u64, memory to leave to the kernel, 0 before 3.17
	a64Flags      = 0x18 // u64
	a64Magic      = 0x38 // "ARM\x64"
	a64HeaderSize = 0x40

	a64BigEndian  = 1 << 0 // in flags
	a64PageShift  = 1      // in flags, 2 bits: unspecified, 4K, 16K, 64K
	a64OldOffset  = 0x80000
	a64MaxOffset  = 1 << 30
	a64Align      = 2 << 20
	a64CmdLineMax = 2047 // COMMAND_LINE_SIZE of uapi/asm/setup.h, less the NUL
	// An initrd lies with the kernel in a window of 32 GiB whose borders are
	// multiples of 1 GiB; before 4.2 the device tree lies in the 512 MiB from
	// the kernel's base on (booting.rst, "Setup the device tree").
	a64Window      = 32 << 30
	a64WindowAlign = 1 << 30
	a64TreeReach   = 512 << 20
)

// a64Header is what an Image says of itself.
type a64Header struct {
	textOffset uint64
	imageSize  uint64
	pages      string // "4K", empty when unspecified
}

func isArm64Image(head []byte) bool {
	return len(head) >= a64HeaderSize && string(head[a64Magic:a64Magic+4]) == "ARM\x64"
}

func parseA64Header(head []byte) (*a64Header, error) {
	le := binary.LittleEndian
	h := &a64Header{textOffset: le.Uint64(head[a64TextOffset:]), imageSize: le.Uint64(head[a64ImageSize:])}
	flags := le.Uint64(head[a64Flags:])
	if h.imageSize == 0 {
		// Before 3.17 the byte order of text_offset was the kernel's.
		h.textOffset, flags = a64OldOffset, 0
	}
	if flags&a64BigEndian != 0 {
		return nil, fmt.Errorf("arm64 Image: big-endian kernels are not supported")
	}
	if h.imageSize > maxInitSize {
		return nil, fmt.Errorf("arm64 Image: image_size %#x is above 1 GiB", h.imageSize)
	}
	if h.textOffset > a64MaxOffset || h.textOffset%4 != 0 {
		return nil, fmt.Errorf("arm64 Image: bad text_offset %#x", h.textOffset)
	}
	h.pages = []string{"", "4K", "16K", "64K"}[flags>>a64PageShift&3]
	return h, nil
}

// planArm64Image follows booting.rst. Kernel, device tree and initrd are in
// the bank of RAM in which xl has them too (Xen
// tools/libs/guest/xg_dom_arm.c): the kernel as low as it can be, the others
// as high.
func planArm64Image(req Request, head []byte) (*Plan, error) {
	h, err := parseA64Header(head)
	if err != nil {
		return nil, err
	}
	if len(req.CmdLine) > a64CmdLineMax {
		return nil, fmt.Errorf("arm64 Image: command line of %d bytes, the kernel takes %d", len(req.CmdLine), a64CmdLineMax)
	}
	tree, err := openTree(req)
	if err != nil {
		return nil, fmt.Errorf("arm64 Image: %w", err)
	}
	kernel, err := h.segment(req.Kernel, head)
	if err != nil {
		return nil, fmt.Errorf("arm64 Image: %w", err)
	}
	mem := newSpace(req.Machine.Memory)
	for _, r := range tree.reserved {
		mem.take(r)
	}
	bank, err := h.place(mem, req.Machine.Memory, &kernel)
	if err != nil {
		return nil, fmt.Errorf("arm64 Image: kernel: %w", err)
	}
	base := kernel.Addr - h.textOffset

	initrd, err := placeInitrd(req.Initrd, func(size uint64) (uint64, error) {
		return firstOf(mem, size, pageSize, bank, windowUp(kernel.Addr), windowDown(kernel.Range().End()))
	})
	if err != nil {
		return nil, fmt.Errorf("arm64 Image: %w", err)
	}
	dtb, err := tree.choose(req.CmdLine, initrd)
	if err != nil {
		return nil, fmt.Errorf("arm64 Image: %w", err)
	}
	// 2 MiB blocks map the tree at first: it may not cross their border.
	align := uint64(pageSize)
	for align < uint64(len(dtb)) {
		align *= 2
	}
	treeAddr, err := firstOf(mem, uint64(len(dtb)), align, bank.below(base+a64TreeReach), bank, window{0, 1 << 48})
	if err != nil {
		return nil, fmt.Errorf("arm64 Image: device tree: %w", err)
	}
	return &Plan{
		Kind:     h.kind(),
		Segments: append([]Segment{kernel, bytesSegment("device tree", treeAddr, dtb)}, initrd...),
		Entry: Entry{Mode: EL1, PC: kernel.Addr, Regs: map[string]uint64{
			"x0": treeAddr, "x1": 0, "x2": 0, "x3": 0,
		}},
	}, nil
}

func (h *a64Header) kind() string {
	if h.pages == "" {
		return "arm64 Image"
	}
	return "arm64 Image, " + h.pages + " pages"
}

// segment is the kernel without its address.
func (h *a64Header) segment(kernel Source, head []byte) (Segment, error) {
	s := Segment{Name: "kernel", Data: kernel}
	if p, ok := kernel.(*packed); ok {
		if err := p.limitTo(int64(h.imageSize)); err != nil {
			return s, err
		}
		s.Whole = p.codec.Whole()
	} else if err := checkPE(kernel, head); err != nil {
		return s, err
	}
	if size := kernel.Size(); size < a64HeaderSize || size > maxInitSize {
		return s, fmt.Errorf("%d bytes are no kernel", size)
	}
	s.Size, _ = alignUp(uint64(kernel.Size()), pageSize)
	claim, _ := alignUp(max(s.Size, h.imageSize), pageSize)
	s.Reserve = claim - s.Size
	return s, nil
}

// place gives the kernel the lowest place that a base in the same bank of RAM
// has, and returns that bank. What lies between the base and the kernel has
// no meaning to it.
func (h *a64Header) place(mem *space, memory []Range, kernel *Segment) (window, error) {
	noRoom := &NoRoomError{Size: kernel.Size + kernel.Reserve}
	for _, r := range newSpace(memory).free {
		base, ok := alignUp(r.Start, a64Align)
		if !ok {
			continue
		}
		if noRoom.Hi == 0 {
			noRoom.Lo = base + h.textOffset
		}
		noRoom.Hi = r.End()
		if addr, err := mem.lowestAt(noRoom.Size, a64Align, h.textOffset, base+h.textOffset, r.End()); err == nil {
			kernel.Addr = addr
			return window{r.Start, r.End()}, nil
		}
	}
	return window{}, noRoom
}

// window is the addresses [lo, hi).
type window struct{ lo, hi uint64 }

// below is the part of w below addr.
func (w window) below(addr uint64) window { return window{w.lo, min(w.hi, addr)} }

// windowUp and windowDown are the windows that an initrd may lie in besides a
// kernel which begins or ends at addr.
func windowUp(addr uint64) window {
	lo := addr &^ (a64WindowAlign - 1)
	return window{lo, lo + a64Window}
}

func windowDown(addr uint64) window {
	hi, _ := alignUp(addr, a64WindowAlign)
	return window{hi - min(hi, a64Window), hi}
}

// firstOf takes the highest place in the first window that has one.
func firstOf(mem *space, size, align uint64, windows ...window) (uint64, error) {
	var first error
	for _, w := range windows {
		addr, err := mem.highest(size, align, w.lo, w.hi)
		if err == nil {
			return addr, nil
		}
		if first == nil {
			first = err
		}
	}
	return 0, first
}
