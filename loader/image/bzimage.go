package image

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// The setup header of a bzImage, offsets in the file and in struct
// boot_params alike (Linux Documentation/arch/x86/boot.rst, "The Real-Mode
// Kernel Header" and zero-page.rst).
const (
	hdrSetupSects    = 0x1f1 // u8, 512-byte sectors of setup code, 0 means 4
	hdrSysSize       = 0x1f4 // u32, 16-byte units of protected-mode code
	hdrBootFlag      = 0x1fe // u16, 0xaa55
	hdrJump          = 0x201 // u8, header ends at 0x202 plus this
	hdrMagic         = 0x202 // "HdrS"
	hdrVersion       = 0x206 // u16
	hdrTypeOfLoader  = 0x210 // u8
	hdrLoadFlags     = 0x211 // u8
	hdrCode32Start   = 0x214 // u32
	hdrRamdiskImage  = 0x218 // u32
	hdrRamdiskSize   = 0x21c // u32
	hdrCmdLinePtr    = 0x228 // u32
	hdrInitrdAddrMax = 0x22c // u32, highest address an initrd byte may have
	hdrAlignment     = 0x230 // u32
	hdrRelocatable   = 0x234 // u8
	hdrXLoadFlags    = 0x236 // u16
	hdrCmdLineSize   = 0x238 // u32, without the final NUL
	hdrPrefAddress   = 0x258 // u64
	hdrInitSize      = 0x260 // u32
	hdrSize          = 0x290 // struct boot_params goes on with other fields here

	bpRSDP            = 0x070 // u64, acpi_rsdp_addr (protocol 2.14)
	bpExtRamdiskImage = 0x0c0 // u32, upper half of ramdisk_image
	bpExtRamdiskSize  = 0x0c4 // u32
	bpE820Entries     = 0x1e8 // u8
	bpE820Table       = 0x2d0 // 128 × {u64 addr, u64 size, u32 type}
	bpE820Max         = 128
	bpSize            = 4096

	loadedHigh   = 1 << 0 // loadflags: protected-mode code at 1 MiB or above
	xlfKernel64  = 1 << 0 // xloadflags: has the 64-bit entry point
	xlfAbove4G   = 1 << 1 // xloadflags: initrd and others may lie above 4 GiB
	entry64      = 0x200  // offset of the 64-bit entry in protected-mode code
	loaderOther  = 0xff   // type_of_loader: no assigned number
	minVersion   = 0x20c  // 2.12: xloadflags
	defaultLoad  = 0x100000
	maxCmdLine   = 64 << 10
	maxInitSize  = 1 << 30
	isaHoleStart = 0xa0000
	isaHoleEnd   = 0x100000
)

// bzHeader is the part of a setup header that placing a kernel needs.
type bzHeader struct {
	raw         []byte // the file's first hdrSize bytes
	version     uint16
	setupSize   int64 // bytes of boot sector and setup code in the file
	codeSize    int64 // bytes of protected-mode code
	prefAddress uint64
	alignment   uint64
	initSize    uint64
	initrdMax   uint64
	cmdLineMax  int
	relocatable bool
	kernel64    bool
	above4G     bool
}

// isBzImage tells whether a file that starts with head is an x86 Linux
// kernel with a setup header.
func isBzImage(head []byte) bool {
	return len(head) >= hdrSize &&
		binary.LittleEndian.Uint16(head[hdrBootFlag:]) == 0xaa55 &&
		bytes.Equal(head[hdrMagic:hdrMagic+4], []byte("HdrS"))
}

func parseBzHeader(head []byte, size int64) (*bzHeader, error) {
	le := binary.LittleEndian
	h := &bzHeader{
		raw:         head[:hdrSize],
		version:     le.Uint16(head[hdrVersion:]),
		prefAddress: le.Uint64(head[hdrPrefAddress:]),
		alignment:   uint64(le.Uint32(head[hdrAlignment:])),
		initSize:    uint64(le.Uint32(head[hdrInitSize:])),
		initrdMax:   uint64(le.Uint32(head[hdrInitrdAddrMax:])) + 1,
		cmdLineMax:  int(min(le.Uint32(head[hdrCmdLineSize:]), maxCmdLine)),
		relocatable: head[hdrRelocatable] != 0,
	}
	if h.version < minVersion {
		return nil, fmt.Errorf("bzImage: boot protocol %d.%d is too old, need 2.12", h.version>>8, h.version&0xff)
	}
	if head[hdrLoadFlags]&loadedHigh == 0 {
		return nil, fmt.Errorf("bzImage: zImage kernels, loaded below 1 MiB, are not supported")
	}
	xlf := le.Uint16(head[hdrXLoadFlags:])
	h.kernel64, h.above4G = xlf&xlfKernel64 != 0, xlf&xlfAbove4G != 0

	sects := int64(head[hdrSetupSects])
	if sects == 0 {
		sects = 4
	}
	h.setupSize = (sects + 1) * 512
	h.codeSize = int64(le.Uint32(head[hdrSysSize:])) * 16
	if h.codeSize == 0 {
		return nil, fmt.Errorf("bzImage: no protected-mode code")
	}
	if h.setupSize+h.codeSize > size {
		return nil, fmt.Errorf("bzImage: truncated: header says %d bytes, file has %d", h.setupSize+h.codeSize, size)
	}
	if h.alignment == 0 {
		h.alignment = pageSize
	}
	if h.alignment&(h.alignment-1) != 0 {
		return nil, fmt.Errorf("bzImage: kernel_alignment %#x is not a power of two", h.alignment)
	}
	if h.prefAddress == 0 {
		h.prefAddress = defaultLoad
	}
	if h.initSize > maxInitSize {
		return nil, fmt.Errorf("bzImage: init_size %#x is above 1 GiB", h.initSize)
	}
	return h, nil
}

// planBzImage follows the 64-bit boot protocol, or the 32-bit one for a
// kernel without a 64-bit entry (boot.rst, "64-bit BOOT PROTOCOL" and "32-bit
// BOOT PROTOCOL").
func planBzImage(req Request, head []byte) (*Plan, error) {
	h, err := parseBzHeader(head, req.Kernel.Size())
	if err != nil {
		return nil, err
	}
	if len(req.CmdLine) > h.cmdLineMax {
		return nil, fmt.Errorf("bzImage: command line of %d bytes, the kernel takes %d", len(req.CmdLine), h.cmdLineMax)
	}
	mem := newSpace(req.Machine.Memory)
	kernel, err := h.placeKernel(mem)
	if err != nil {
		return nil, fmt.Errorf("bzImage: kernel: %w", err)
	}
	kernel.Data = io.NewSectionReader(req.Kernel, h.setupSize, h.codeSize)

	// boot_params and the command line below 640 KiB, as real-mode loaders
	// have them: far from where any kernel decompresses to.
	cmdLine := append([]byte(req.CmdLine), 0)
	bpAddr, err := mem.highest(bpSize, pageSize, 0, isaHoleStart)
	if err != nil {
		return nil, fmt.Errorf("bzImage: boot_params: %w", err)
	}
	cmdAddr, err := mem.highest(uint64(len(cmdLine)), pageSize, 0, isaHoleStart)
	if err != nil {
		return nil, fmt.Errorf("bzImage: command line: %w", err)
	}
	initrd, err := placeInitrd(req.Initrd, func(size uint64) (uint64, error) { return h.initrdPlace(mem, size) })
	if err != nil {
		return nil, fmt.Errorf("bzImage: %w", err)
	}
	params, err := h.bootParams(req.Machine, kernel.Addr, cmdAddr, initrd)
	if err != nil {
		return nil, err
	}
	plan := &Plan{
		Kind: fmt.Sprintf("bzImage %d.%d", h.version>>8, h.version&0xff),
		Segments: append([]Segment{
			bytesSegment("boot_params", bpAddr, params),
			bytesSegment("command line", cmdAddr, cmdLine),
			kernel,
		}, initrd...),
		Entry: Entry{Mode: Long64, PC: kernel.Addr + entry64, Regs: map[string]uint64{"rsi": bpAddr}},
	}
	if !h.kernel64 {
		plan.Entry = Entry{Mode: Flat32, PC: kernel.Addr, Regs: map[string]uint64{"rsi": bpAddr}}
	}
	return plan, nil
}

// placeKernel takes the preferred address, else for a relocatable kernel the
// lowest aligned one above it, else above 1 MiB. Below 4 GiB: code32_start
// has 32 bits.
func (h *bzHeader) placeKernel(mem *space) (Segment, error) {
	size, _ := alignUp(uint64(h.codeSize), pageSize)
	claim := max(size, h.initSize)
	seg := Segment{Name: "kernel", Addr: h.prefAddress, Size: size, Reserve: claim - size}
	if seg.Range().End() <= 1<<32 && mem.contains(seg.Range()) {
		mem.take(seg.Range())
		return seg, nil
	}
	if !h.relocatable {
		return seg, &NoRoomError{Size: claim, Lo: h.prefAddress, Hi: h.prefAddress + claim}
	}
	var err error
	if seg.Addr, err = mem.lowest(claim, h.alignment, h.prefAddress, 1<<32); err != nil {
		seg.Addr, err = mem.lowest(claim, h.alignment, defaultLoad, 1<<32)
	}
	return seg, err
}

// initrdPlace is as high as the kernel allows.
func (h *bzHeader) initrdPlace(mem *space, size uint64) (uint64, error) {
	limit := min(h.initrdMax, 1<<32)
	if h.above4G {
		limit = 1 << 52
	}
	return mem.highest(size, pageSize, defaultLoad, limit)
}

// bootParams fills the zero page.
func (h *bzHeader) bootParams(m Machine, kernel, cmdLine uint64, initrd []Segment) ([]byte, error) {
	le := binary.LittleEndian
	bp := make([]byte, bpSize)
	end := min(hdrMagic+int(h.raw[hdrJump]), hdrSize)
	copy(bp[hdrSetupSects:end], h.raw[hdrSetupSects:end])
	bp[hdrTypeOfLoader] = loaderOther
	le.PutUint32(bp[hdrCode32Start:], uint32(kernel))
	le.PutUint32(bp[hdrCmdLinePtr:], uint32(cmdLine))
	if len(initrd) > 0 {
		first, last := initrd[0], initrd[len(initrd)-1]
		size := last.Range().End() - first.Addr
		le.PutUint32(bp[hdrRamdiskImage:], uint32(first.Addr))
		le.PutUint32(bp[bpExtRamdiskImage:], uint32(first.Addr>>32))
		le.PutUint32(bp[hdrRamdiskSize:], uint32(size))
		le.PutUint32(bp[bpExtRamdiskSize:], uint32(size>>32))
	}
	// The field is past the header of older kernels, which do not look here.
	le.PutUint64(bp[bpRSDP:], m.RSDP)

	table := e820(m.Memory)
	if len(table) > bpE820Max {
		return nil, fmt.Errorf("bzImage: memory map has %d ranges, boot_params takes %d", len(table), bpE820Max)
	}
	bp[bpE820Entries] = byte(len(table))
	for i, r := range table {
		at := bp[bpE820Table+20*i:]
		le.PutUint64(at, r.Start)
		le.PutUint64(at[8:], r.Size)
		le.PutUint32(at[16:], uint32(r.Type))
	}
	return bp, nil
}

// e820 is the memory map as Linux's own PVH entry makes it out of the start
// info (arch/x86/platform/pvh/enlighten.c): Xen's ranges and the ISA hole. A map
// of a PC's firmware tells of the hole itself.
func e820(memory []Range) []Range {
	table := slices.Clone(memory)
	for _, r := range memory {
		if r.Type != RAM && r.Start < isaHoleEnd && r.End() > isaHoleStart {
			return table
		}
	}
	return append(table, Range{Start: isaHoleStart, Size: isaHoleEnd - isaHoleStart, Type: Reserved})
}

func bytesSegment(name string, addr uint64, b []byte) Segment {
	return Segment{Name: name, Addr: addr, Size: uint64(len(b)), Data: bytes.NewReader(b)}
}
