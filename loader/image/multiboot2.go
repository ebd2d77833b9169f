package image

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Multiboot2 Specification 2.0, sections 3.1 "OS image format" and 3.6 "Boot
// information format".
const (
	mb2Magic     = 0xe85250d6
	mb2BootMagic = 0x36d76289
	mb2Search    = 32768
	mb2MinHeader = 16
	mb2I386      = 0 // architecture
	mb2Align     = 8 // of the header and of every tag
	mb2TagHead   = 8
	mb2Optional  = 1 // a tag's flag: the loader may pass it over

	// Tags of the header.
	mb2End         = 0
	mb2InfoRequest = 1
	mb2Address     = 2
	mb2Entry       = 3
	mb2Console     = 4
	mb2Framebuffer = 5
	mb2ModuleAlign = 6
	mb2EFIServices = 7
	mb2EntryEFI32  = 8
	mb2EntryEFI64  = 9
	mb2Relocatable = 10

	mb2ConsoleRequired = 1
	mb2LoadFromStart   = 1<<32 - 1 // load_addr: from the file's first byte
	mb2PreferLow       = 1
	mb2PreferHigh      = 2

	// Tags of the information.
	mb2TagCmdLine  = 1
	mb2TagLoader   = 2
	mb2TagModule   = 3
	mb2TagMemory   = 4
	mb2TagMap      = 6
	mb2TagLoadBase = 21
	mb2LastTag     = 21 // of those that the specification knows
	mb2MapSize     = 24
)

// mb2Header is what a kernel asks for.
type mb2Header struct {
	at       uint64
	address  *addressFields
	entry    *uint64
	relocate *mb2Relocation
}

// mb2Relocation says where a kernel may be moved.
type mb2Relocation struct{ lo, hi, align, prefer uint64 }

// findMB2 is the header with its tags, all in the file's first bytes.
func findMB2(head []byte) (at int, header []byte, err error) {
	le := binary.LittleEndian
	for at := 0; at+mb2MinHeader <= len(head); at += mb2Align {
		magic, arch, size, sum := le.Uint32(head[at:]), le.Uint32(head[at+4:]), le.Uint32(head[at+8:]), le.Uint32(head[at+12:])
		if magic != mb2Magic || arch != mb2I386 || magic+arch+size+sum != 0 {
			continue
		}
		if size < mb2MinHeader || uint64(size) > uint64(len(head)-at) {
			return at, nil, fmt.Errorf("header at %d: length %d goes on past byte %d", at, size, len(head))
		}
		return at, head[at : at+int(size)], nil
	}
	return 0, nil, fmt.Errorf("%w for i386 in the first %d bytes", errNoMultiboot, mb2Search)
}

// parseMB2 reads the header's tags. A tag that this loader does not know is an
// error unless it is optional.
func parseMB2(at int, header []byte) (*mb2Header, error) {
	le := binary.LittleEndian
	h := &mb2Header{at: uint64(at)}
	for off := mb2MinHeader; ; {
		if off+mb2TagHead > len(header) {
			return nil, fmt.Errorf("header at %d: no end tag in its %d bytes", at, len(header))
		}
		kind, flags, size := le.Uint16(header[off:]), le.Uint16(header[off+2:]), le.Uint32(header[off+4:])
		if kind == mb2End {
			return h, nil
		}
		if size < mb2TagHead || uint64(size) > uint64(len(header)-off) {
			return nil, fmt.Errorf("tag %d at %d: bad size %d", kind, at+off, size)
		}
		err := h.tag(kind, header[off+mb2TagHead:off+int(size)], flags&mb2Optional != 0)
		if err != nil {
			return nil, fmt.Errorf("tag %d at %d: %w", kind, at+off, err)
		}
		off += (int(size) + mb2Align - 1) &^ (mb2Align - 1)
	}
}

var errTagSize = errors.New("too short")

// tag keeps what one tag asks for.
func (h *mb2Header) tag(kind uint16, body []byte, optional bool) error {
	words := make([]uint64, len(body)/4)
	for i := range words {
		words[i] = uint64(binary.LittleEndian.Uint32(body[4*i:]))
	}
	need := map[uint16]int{mb2Address: 4, mb2Entry: 1, mb2Console: 1, mb2Relocatable: 4}[kind]
	if len(words) < need {
		return errTagSize
	}
	switch kind {
	case mb2InfoRequest:
		for _, w := range words {
			if w > mb2LastTag && !optional {
				return fmt.Errorf("requires unknown information %d", w)
			}
		}
	case mb2Address:
		h.address = &addressFields{at: h.at, header: words[0], load: words[1], loadEnd: words[2], end: words[3]}
	case mb2Entry:
		h.entry = &words[0]
	case mb2Console:
		if words[0]&mb2ConsoleRequired != 0 && !optional {
			return errors.New("requires a text screen or framebuffer: a PVH domain has none")
		}
	case mb2Relocatable:
		h.relocate = &mb2Relocation{lo: words[0], hi: words[1], align: words[2], prefer: words[3]}
	case mb2Framebuffer, mb2ModuleAlign, mb2EFIServices, mb2EntryEFI32, mb2EntryEFI64:
		// Wishes about what a PVH domain does not have, and pages for modules,
		// which they get anyway.
	default:
		if !optional {
			return errors.New("requires an unknown feature")
		}
	}
	return nil
}

// planMB2 loads a kernel by the addresses in its header, or by its ELF
// headers if it names none, and moves it if it asks for that.
func planMB2(req Request, mem *space, info *mbInfo) (*mbKernel, error) {
	head, err := readHead(req.Kernel, mb2Search)
	if err != nil {
		return nil, err
	}
	at, header, err := findMB2(head)
	if err != nil {
		return nil, err
	}
	h, err := parseMB2(at, header)
	if err != nil {
		return nil, err
	}
	k, err := h.kernel(req.Kernel)
	if err != nil {
		return nil, err
	}
	if h.relocate == nil {
		return k, k.take(mem)
	}
	if err := k.move(mem, h.relocate); err != nil {
		return nil, err
	}
	info.rebased, info.base = true, uint32(k.span.Start)
	return k, nil
}

// kernel is where the kernel's bytes and its entry are.
func (h *mb2Header) kernel(src Source) (k *mbKernel, err error) {
	if h.address != nil {
		if h.entry == nil {
			return nil, fmt.Errorf("header at %d: load address without an entry address", h.at)
		}
		a := *h.address
		a.entry = *h.entry
		if a.load == mb2LoadFromStart {
			if a.load = a.header - h.at; a.header < h.at {
				return nil, fmt.Errorf("header at %d: header_addr %#x", h.at, a.header)
			}
		}
		if k, err = a.kernel(src); err != nil {
			return nil, fmt.Errorf("header at %d: %w", h.at, err)
		}
		return k, nil
	}
	if k, err = elfMultiboot(src); err != nil {
		return nil, err
	}
	if h.entry != nil {
		if k.entry = *h.entry; k.entry < k.span.Start || k.entry >= k.span.End() {
			return nil, fmt.Errorf("entry address %#x is outside the kernel, %#x-%#x", k.entry, k.span.Start, k.span.End())
		}
	}
	return k, nil
}

// move takes memory where the kernel may be, and moves it there. Without a
// preference it stays where it was linked if it can.
func (k *mbKernel) move(mem *space, r *mb2Relocation) error {
	align := max(r.align, 1)
	if align&(align-1) != 0 {
		return fmt.Errorf("kernel: alignment %#x is not a power of two", align)
	}
	old := k.span.Start
	here := old >= r.lo && k.span.End() <= r.hi && old%align == 0 && mem.contains(k.span)
	var err error
	switch {
	case r.prefer != mb2PreferLow && r.prefer != mb2PreferHigh && here:
		mem.take(k.span)
	case r.prefer == mb2PreferHigh:
		k.span.Start, err = mem.highest(k.span.Size, align, r.lo, r.hi)
	default:
		k.span.Start, err = mem.lowest(k.span.Size, align, r.lo, r.hi)
	}
	if err != nil {
		return fmt.Errorf("kernel: %w", err)
	}
	for i := range k.segs {
		k.segs[i].Addr += k.span.Start - old
	}
	k.entry += k.span.Start - old
	return nil
}

// encode2 lays the information out. Nothing in it depends on its address.
func (info *mbInfo) encode2(uint32) []byte {
	le := binary.LittleEndian
	b := make([]byte, 8)
	tag := func(kind uint32, body []byte) {
		b = le.AppendUint32(b, kind)
		b = le.AppendUint32(b, uint32(mb2TagHead+len(body)))
		b = append(b, body...)
		for len(b)%mb2Align != 0 {
			b = append(b, 0)
		}
	}
	text := func(s string) []byte { return append([]byte(s), 0) }
	tag(mb2TagCmdLine, text(info.cmdLine))
	tag(mb2TagLoader, text(mbLoaderName))
	for _, m := range info.modules {
		tag(mb2TagModule, append(le.AppendUint32(le.AppendUint32(nil, m.start), m.end), text(m.cmdLine)...))
	}
	lower, upper := info.memoryKiB()
	tag(mb2TagMemory, le.AppendUint32(le.AppendUint32(nil, lower), upper))
	entries := le.AppendUint32(le.AppendUint32(nil, mb2MapSize), 0) // version 0
	for _, r := range info.memory {
		entries = le.AppendUint64(entries, r.Start)
		entries = le.AppendUint64(entries, r.Size)
		entries = le.AppendUint32(entries, mbMemoryType(r.Type))
		entries = le.AppendUint32(entries, 0)
	}
	tag(mb2TagMap, entries)
	if info.rebased {
		tag(mb2TagLoadBase, le.AppendUint32(nil, info.base))
	}
	tag(mb2End, nil)
	le.PutUint32(b, uint32(len(b)))
	return b
}
