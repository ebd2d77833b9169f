package image

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"pvboot/loader/image/codec"
)

// What Xen's domain builder keeps free behind the last thing in the initial
// memory, and to what virtual address it rounds the end of it up.
const (
	pvPadding  = 512 << 10
	pvEndAlign = 4 << 20
)

// pvFormats are the kernels of PV domains.
var pvFormats = []format{
	{name: "bzImage", arch: "amd64", is: isBzImage, plan: planPVBzImage},
	{name: "ELF", arch: "amd64", packed: true, is: isELF, plan: planPVELF},
}

// planPVELF starts an ELF file that has Xen's PV notes.
func planPVELF(req Request, _ []byte) (*Plan, error) {
	k, err := openPV(req.Kernel, false)
	if err != nil {
		return nil, fmt.Errorf("ELF: %w", err)
	}
	plan, err := k.plan(req)
	if err != nil {
		return nil, fmt.Errorf("ELF: %w", err)
	}
	plan.Kind = fmt.Sprintf("PV ELF%d", k.elf.bits())
	return plan, nil
}

// More of a bzImage's setup header (boot.rst).
const (
	hdrKernelVersion = 0x20e // u16, where a text begins, less 0x200
	hdrPayloadOffset = 0x248 // u32, from the protected-mode code on
	hdrPayloadLength = 0x24c // u32
	payloadVersion   = 0x208
	linuxToday       = 5 // major version
)

// planPVBzImage starts the ELF file in a bzImage, as Xen's domain builder does
// (tools/libs/guest, xg_dom_bzimageloader.c).
func planPVBzImage(req Request, head []byte) (*Plan, error) {
	le := binary.LittleEndian
	version := le.Uint16(head[hdrVersion:])
	if version < payloadVersion {
		return nil, fmt.Errorf("bzImage: boot protocol %d.%d is too old, PV needs 2.08", version>>8, version&0xff)
	}
	payload, name, err := openPayload(req, head)
	if err != nil {
		return nil, fmt.Errorf("bzImage: %w", err)
	}
	k, err := openPV(payload, linuxMajor(req.Kernel, head) >= linuxToday)
	if err != nil {
		return nil, fmt.Errorf("bzImage: %w", err)
	}
	plan, err := k.plan(req)
	if err != nil {
		return nil, fmt.Errorf("bzImage: %w", err)
	}
	plan.Kind = fmt.Sprintf("PV bzImage %d.%d (%s)", version>>8, version&0xff, name)
	return plan, nil
}

// openPayload is the kernel proper in a bzImage and the name of its
// compression. The last word of those but gzip's is how long it is unpacked
// (arch/x86/boot/compressed/Makefile).
func openPayload(req Request, head []byte) (Source, string, error) {
	le := binary.LittleEndian
	sects := int64(head[hdrSetupSects])
	if sects == 0 {
		sects = 4
	}
	offset := (sects+1)*512 + int64(le.Uint32(head[hdrPayloadOffset:]))
	size := int64(le.Uint32(head[hdrPayloadLength:]))
	if offset+size > req.Kernel.Size() {
		return nil, "", fmt.Errorf("truncated: the payload ends at byte %d, the file at %d", offset+size, req.Kernel.Size())
	}
	payload := io.NewSectionReader(req.Kernel, offset, size)
	begin, err := readHead(payload, headSize)
	if err != nil {
		return nil, "", err
	}
	if isELF(begin) {
		return payload, "plain", nil
	}
	c, ok := codec.Detect(begin)
	if !ok {
		return nil, "", fmt.Errorf("the payload of %d bytes at %d is neither an ELF file nor of a known compression", size, offset)
	}
	if c.Name == "gzip" {
		p := newPacked(req.Name+": bzImage", c, payload)
		return p, c.Name, nil
	}
	word := make([]byte, 4)
	if err := readAt(payload, word, uint64(size-4), "payload"); err != nil {
		return nil, "", err
	}
	p := newPacked(req.Name+": bzImage", c, io.NewSectionReader(req.Kernel, offset, size-4))
	p.hint, p.sized = int64(le.Uint32(word)), true
	return p, c.Name, nil
}

// linuxMajor is the first number in a bzImage's version, 0 if there is none.
func linuxMajor(kernel Source, head []byte) int {
	at := binary.LittleEndian.Uint16(head[hdrKernelVersion:])
	text := make([]byte, 16)
	if at == 0 || readAt(kernel, text, uint64(at)+0x200, "version") != nil {
		return 0
	}
	major := 0
	if _, err := fmt.Sscanf(string(text), "%d.", &major); err != nil {
		return 0
	}
	return major
}

// pvBuilder places things one behind the other, as Xen's domain builder does
// (tools/libs/guest, xg_dom_core.c; public/xen.h, "Start-of-day memory
// layout").
type pvBuilder struct {
	segs       []Segment
	end, limit uint64 // pseudo-physical: of what is placed, and of the domain
}

// add places pages for size bytes.
func (b *pvBuilder) add(name string, size uint64, data Source) (addr uint64, err error) {
	pages, ok := alignUp(size, pageSize)
	if !ok || pages > b.limit-b.end {
		return 0, fmt.Errorf("%s: %w", name, &NoRoomError{Size: size, Lo: b.end, Hi: b.limit})
	}
	addr = b.end
	if pages > 0 {
		b.segs = append(b.segs, Segment{Name: name, Addr: addr, Size: pages, Data: data})
		b.end += pages
	}
	return addr, nil
}

// pad fills up to addr with zeros.
func (b *pvBuilder) pad(addr uint64) error {
	_, err := b.add("padding", addr-b.end, nil)
	return err
}

// plan lays the domain out for the kernel.
func (k *pvKernel) plan(req Request) (*Plan, error) {
	if len(req.CmdLine) >= siCmdLineMax {
		return nil, fmt.Errorf("command line of %d bytes, a PV kernel takes %d", len(req.CmdLine), siCmdLineMax-1)
	}
	if strings.ContainsRune(req.CmdLine, 0) {
		return nil, errors.New("a NUL in the command line")
	}
	pv := req.Machine.PV
	plan := &Plan{Entry: Entry{Mode: PV64, PC: k.notes.entry}, PV: &PVPlan{VirtBase: k.notes.virtBase}}
	plan.PV.start = pvStart{machine: *pv, cmdLine: req.CmdLine}
	b := &pvBuilder{limit: pvMemory(req.Machine)}
	if err := k.planKernel(plan, b); err != nil {
		return nil, err
	}
	if !k.notes.unmappedInitrd {
		if err := plan.PV.addInitrd(b, req.Initrd, false); err != nil {
			return nil, err
		}
	}
	if err := k.planInside(plan, b); err != nil {
		return nil, err
	}
	if k.notes.unmappedInitrd {
		if err := plan.PV.addInitrd(b, req.Initrd, true); err != nil {
			return nil, err
		}
	}
	if k.p2mOutside() {
		if err := k.planP2MOutside(plan.PV, b); err != nil {
			return nil, err
		}
	}
	plan.Segments = b.segs
	return plan, nil
}

// pvMemory is how much memory a PV domain has from address 0 on without a gap.
func pvMemory(m Machine) uint64 {
	end := uint64(0)
	for _, r := range m.Memory {
		if r.Type == RAM && r.Start <= end {
			end = max(end, r.End())
		}
	}
	return min(end, min(m.PV.Pages, maxFrame)*pageSize) &^ (pageSize - 1)
}

// planKernel places the kernel, and zeros below it.
func (k *pvKernel) planKernel(plan *Plan, b *pvBuilder) error {
	seg, err := k.segment(plan)
	if err != nil {
		return err
	}
	if seg.Addr > b.limit || seg.Size > b.limit-seg.Addr {
		return fmt.Errorf("kernel: %w", &NoRoomError{Size: seg.Size, Lo: seg.Addr, Hi: b.limit})
	}
	if err := b.pad(seg.Addr); err != nil {
		return err
	}
	plan.PV.start.kernel, _ = seg.Data.(*unpacked)
	b.segs = append(b.segs, seg)
	b.end += seg.Size
	return nil
}

// addInitrd places the initrd's files, each on pages of its own: what a segment
// of a PV plan is. An initrd that the kernel does not want mapped is told by
// its first page.
func (p *PVPlan) addInitrd(b *pvBuilder, files []File, unmapped bool) error {
	segs, total, err := initrdSegments(files, pageSize)
	if total == 0 || err != nil {
		return err
	}
	size, _ := alignUp(total, pageSize)
	if size > b.limit-b.end {
		return fmt.Errorf("initrd: %w", &NoRoomError{Size: total, Lo: b.end, Hi: b.limit})
	}
	p.start.module, p.start.moduleLength = p.VirtBase+b.end, total
	if unmapped {
		p.start.module, p.start.flags = b.end/pageSize, p.start.flags|sifModuleIsPFN
	}
	for _, s := range segs {
		s.Addr += b.end
		s.Size, _ = alignUp(s.Size, pageSize)
		if s.Size > 0 {
			b.segs = append(b.segs, s)
		}
	}
	b.end += size
	return nil
}

// p2mOutside tells whether the p2m list goes where INIT_P2M says: Xen's domain
// builder heeds it only below VIRT_BASE.
func (k *pvKernel) p2mOutside() bool {
	n := k.notes
	return n.hasInitP2M && n.initP2M < n.virtBase && n.initP2M%pageSize == 0
}

// planInside places what else is in the initial mapping.
func (k *pvKernel) planInside(plan *Plan, b *pvBuilder) (err error) {
	pv, machine := plan.PV, plan.PV.start.machine
	if !k.p2mOutside() {
		pv.P2M = Range{Size: machine.p2mSize(), Type: RAM}
		if pv.P2M.Start, err = b.add("p2m list", pv.P2M.Size, nil); err != nil {
			return err
		}
		pv.P2MBase = pv.VirtBase + pv.P2M.Start
	}
	if pv.StartInfo, err = b.add("start info", pageSize, nil); err != nil {
		return err
	}
	for _, ring := range []struct {
		name  string
		frame uint64
		page  *uint64
	}{{"xenstore ring", machine.Store.Frame, &pv.Store}, {"console ring", machine.Console.Frame, &pv.Console}} {
		addr, err := b.add(ring.name, pageSize, nil)
		if err != nil {
			return err
		}
		if ring.frame != 0 {
			*ring.page = addr
		}
	}
	mapped, err := pv.mapInside(b)
	if err != nil {
		return err
	}
	stack, err := b.add("boot stack", pageSize, nil)
	if err != nil {
		return err
	}
	if err := b.pad(mapped); err != nil {
		return err
	}
	pv.Mapped, pv.Spare = Range{Size: mapped, Type: RAM}, mapped-pageSize
	plan.Entry.Regs = map[string]uint64{"rsi": pv.VirtBase + pv.StartInfo, "rsp": pv.VirtBase + stack + pageSize}
	return nil
}

// p2mSize is how many bytes the p2m list takes, in whole pages.
func (m PVMachine) p2mSize() uint64 {
	size, _ := alignUp(min(m.Pages, maxFrame)*8, pageSize)
	return size
}

// mapInside places the page tables for all that is mapped, and returns where
// that ends. They are among it, so their number is found step by step.
func (p *PVPlan) mapInside(b *pvBuilder) (end uint64, err error) {
	const others = pageSize + pvPadding // the boot stack, and what stays free
	m := pvMapping{virt: p.VirtBase}
	size := uint64(0)
	for {
		last := (m.virt + b.end + size + others) | (pvEndAlign - 1)
		m.size = last - m.virt + 1
		if err := m.check(); err != nil {
			return 0, err
		}
		if m.size > b.limit {
			return 0, fmt.Errorf("page tables: %w", &NoRoomError{Size: m.size - b.end, Lo: b.end, Hi: b.limit})
		}
		if size = p.pages.pages(m) * pageSize; b.end+size+others <= m.size {
			break
		}
	}
	p.Tables = Range{Size: size, Type: RAM}
	if p.Tables.Start, err = b.add("page tables", size, nil); err != nil {
		return 0, err
	}
	p.pages.add(m, p.Tables.Start)
	return m.size, nil
}

// planP2MOutside places the p2m list, mapped by tables of its own.
func (k *pvKernel) planP2MOutside(pv *PVPlan, b *pvBuilder) (err error) {
	m := pvMapping{virt: k.notes.initP2M, addr: b.end, size: pv.start.machine.p2mSize()}
	if err := m.check(); err != nil {
		return fmt.Errorf("INIT_P2M: %w", err)
	}
	if m.last() >= k.notes.virtBase {
		return fmt.Errorf("INIT_P2M: %#x-%#x overlaps the kernel's memory at %#x", m.virt, m.last(), k.notes.virtBase)
	}
	pv.P2MBase = m.virt
	pv.P2M = Range{Size: m.size, Type: RAM}
	if pv.P2M.Start, err = b.add("p2m list", m.size, nil); err != nil {
		return err
	}
	pv.P2MTables = Range{Start: b.end, Size: pv.pages.pages(m) * pageSize, Type: RAM}
	if _, err = b.add("p2m page tables", pv.P2MTables.Size, nil); err != nil {
		return err
	}
	pv.pages.add(m, pv.P2MTables.Start)
	return nil
}
