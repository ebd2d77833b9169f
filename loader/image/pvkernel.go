package image

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
)

// pvKernel is a PV kernel as its file has it.
type pvKernel struct {
	elf     *elfFile
	notes   pvNotes
	symbols *elfSymbols // nil if none are wanted, or there are none
	// packed is the file, if it is compressed: what it unpacks to can then only
	// be read from front to back.
	packed *packed
	// guessed says that notes are what any Linux of today has, and are held
	// against the real ones when the kernel is unpacked.
	guessed bool
}

// linuxNotes is what every x86-64 Linux since 4.4 asks of its memory layout
// (arch/x86/xen/xen-head.S).
var linuxNotes = pvNotes{
	virtBase: 0xffffffff80000000, initP2M: 0x8000000000, hasInitP2M: true, unmappedInitrd: true,
}

// openPV reads a kernel's headers and notes. Linux has its notes in the
// middle: to unpack a kernel up to there and then again from the beginning
// takes long, so those of a Linux that is known to have today's are taken for
// granted at first.
func openPV(src Source, today bool) (*pvKernel, error) {
	k := &pvKernel{}
	if p, ok := src.(*packed); ok {
		p.exact = true
		if err := p.limitTo(0); err != nil {
			return nil, err
		}
		k.packed, src = p, &front{packed: p}
	}
	var err error
	if k.elf, err = readAnyELF(src); err != nil {
		return nil, err
	}
	if k.packed != nil && today && k.elf.is64() {
		k.notes, k.guessed = linuxNotes, true
		return k, nil
	}
	if err := k.elf.readNotes(); err != nil {
		return nil, err
	}
	if k.notes, err = k.elf.pvNotes(); err != nil {
		return nil, err
	}
	if k.notes.symbols {
		if k.symbols, err = k.elf.bsdSymbols(); err != nil {
			return nil, err
		}
	}
	if k.packed != nil {
		k.elf.src = nil // may be large
		if k.symbols != nil {
			k.symbols.file = nil
		}
	}
	return k, nil
}

// front is the beginning of what is compressed.
type front struct {
	*packed
	got []byte
}

// maxFront bounds how far from the beginning headers and notes can stand, in
// a format that is unpacked in one piece.
const maxFront = 32 << 20

// frontLimit is maxFront, or less where memory is short: all up to there lies on
// the heap for a while, which a domain has some MiB for. A program that runs out
// of it ends, and the limit set for the runtime tells in time.
func frontLimit() int64 { return min(maxFront, debug.SetMemoryLimit(-1)/2) }

func (f *front) ReadAt(b []byte, off int64) (int, error) {
	if !f.codec.Whole() {
		return f.readAt(b, off)
	}
	end := off + int64(len(b))
	if limit := frontLimit(); off < 0 || end > limit {
		return 0, fmt.Errorf("%s: headers or notes that end at byte %d are beyond the first %d, unpack it first", f.codec.Name, end, limit)
	}
	if end > int64(len(f.got)) {
		f.got = nil // its memory serves for more
		got, err := f.head(int(max(end, headSize)))
		if err != nil {
			return 0, err
		}
		f.got = got
	}
	if off > int64(len(f.got)) {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(b, f.got[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// place is where in the domain the kernel goes: the pages of its segments, and
// of a hypercall page outside of them.
func (k *pvKernel) place() (Range, error) {
	m, n := k.elf.memory(), k.notes
	if m.Start < n.paddrOffset || m.End()-n.paddrOffset > maxFrame*pageSize {
		return m, fmt.Errorf("the kernel, at %#x, is out of reach of PADDR_OFFSET %#x", m.Start, n.paddrOffset)
	}
	start, end := m.Start-n.paddrOffset, m.End()-n.paddrOffset
	if k.symbols != nil {
		end = k.symbols.behind(end).End()
		if end > maxFrame*pageSize {
			return m, fmt.Errorf("symbols of %d bytes are out of reach behind the kernel", k.symbols.size)
		}
	}
	if at, ok := k.hypercallPage(); ok && at < 1<<32 {
		start, end = min(start, at), max(end, at+pageSize)
	} else if ok {
		return m, fmt.Errorf("HYPERCALL_PAGE %#x is outside the kernel", n.hypercall)
	}
	if !k.guessed {
		if err := k.checkEntry(n); err != nil {
			return m, err
		}
	}
	start &^= pageSize - 1
	end, _ = alignUp(end, pageSize)
	return Range{Start: start, Size: end - start, Type: RAM}, nil
}

// checkEntry wants the entry in the kernel.
func (k *pvKernel) checkEntry(n pvNotes) error {
	m := k.elf.memory()
	if at := n.entry - n.virtBase + n.paddrOffset; at < m.Start || at >= m.End() {
		return fmt.Errorf("the entry %#x is outside the kernel, %#x-%#x", n.entry, m.Start-n.paddrOffset+n.virtBase, m.End()-n.paddrOffset+n.virtBase)
	}
	return nil
}

// hypercallPage is the pseudo-physical address of the page of hypercall stubs,
// if the kernel has one.
func (k *pvKernel) hypercallPage() (addr uint64, ok bool) {
	return (k.notes.hypercall - k.notes.virtBase) &^ (pageSize - 1), k.notes.hasHypercall
}

// segment is the kernel's place in memory with what goes there.
func (k *pvKernel) segment(plan *Plan) (Segment, error) {
	r, err := k.place()
	if err != nil {
		return Segment{}, err
	}
	if k.packed == nil {
		return Segment{Name: "kernel", Addr: r.Start, Size: r.Size, Data: k.memory(r)}, nil
	}
	// The file is unpacked to where as much of it as possible lies where it
	// has to, and nothing too low, so that the rest need only be moved down.
	at := -int64(r.End())
	for _, l := range k.elf.loads {
		at = max(at, int64(l.paddr-k.notes.paddrOffset)-int64(l.offset))
	}
	at = max(at, 0)
	start := min(r.Start, uint64(at)&^(pageSize-1))
	end, _ := alignUp(max(r.End(), uint64(at)+uint64(k.packed.Size())), pageSize)
	r = Range{Start: start, Size: end - start, Type: RAM}
	u := &unpacked{kernel: k, elfMemory: k.memory(r), at: at - int64(start), entry: &plan.Entry.PC}
	return Segment{Name: "kernel", Addr: r.Start, Size: r.Size, Data: u, Whole: true}, nil
}

// memory is how r looks with the kernel in it.
func (k *pvKernel) memory(r Range) *elfMemory {
	m := &elfMemory{elf: k.elf, size: int64(r.Size), base: k.notes.paddrOffset + r.Start, hypercalls: -1, symbols: k.symbols}
	if addr, ok := k.hypercallPage(); ok {
		m.hypercalls = int64(addr - r.Start)
	}
	return m
}

// elfMemory is the memory that an ELF file describes, as a Source: its
// segments in their places, and zeros elsewhere.
type elfMemory struct {
	elf        *elfFile
	base       uint64 // physical address in the file's terms
	size       int64
	hypercalls int64 // offset of the page of hypercall stubs, -1 for none
	symbols    *elfSymbols
}

func (m *elfMemory) Size() int64 { return m.size }

func (m *elfMemory) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off > m.size {
		return 0, fmt.Errorf("read at %d of %d", off, m.size)
	}
	n := int(min(int64(len(b)), m.size-off))
	if err := m.read(b[:n], off); err != nil {
		return 0, err
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (m *elfMemory) read(b []byte, off int64) error {
	done := int64(0) // of b
	for _, l := range m.elf.loads {
		lo := max(int64(l.paddr-m.base)-off, 0)
		hi := min(int64(l.paddr-m.base)-off+int64(l.fileSize), int64(len(b)))
		if lo >= hi {
			continue
		}
		clear(b[done:lo])
		skip := uint64(off+lo) - (l.paddr - m.base)
		if err := readAt(m.elf.src, b[lo:hi], l.offset+skip, fmt.Sprintf("kernel segment %d", l.index)); err != nil {
			return err
		}
		done = hi
	}
	clear(b[done:])
	m.addHypercalls(b, off)
	if m.symbols == nil {
		return nil
	}
	at := m.symbolsAt() - off
	if lo, hi := max(at, 0), min(at+m.symbols.Size(), int64(len(b))); lo < hi {
		if _, err := m.symbols.ReadAt(b[lo:hi], lo-at); err != nil {
			return err
		}
	}
	return nil
}

// symbolsAt is the offset of the symbols.
func (m *elfMemory) symbolsAt() int64 {
	return int64(m.symbols.behind(m.elf.memory().End() - m.base).Start)
}

// addHypercalls puts what of the hypercall page lies in b there.
func (m *elfMemory) addHypercalls(b []byte, off int64) {
	at := m.hypercalls - off
	if m.hypercalls < 0 || at >= int64(len(b)) || at <= -pageSize {
		return
	}
	if page := hypercallPage(); at < 0 {
		copy(b, page[-at:])
	} else {
		copy(b[at:], page)
	}
}

// unpacked is an elfMemory out of a compressed file, which is unpacked right
// there.
type unpacked struct {
	*elfMemory
	kernel *pvKernel
	at     int64   // where in it the file is unpacked to
	entry  *uint64 // gets the kernel's entry
	done   bool
}

// ReadAt reads all of the memory, which is the only way.
func (u *unpacked) ReadAt(b []byte, off int64) (int, error) {
	u.done = false
	if off != 0 || int64(len(b)) != u.size {
		return 0, errors.New("a compressed kernel can only be read in one piece")
	}
	p := u.kernel.packed
	file := b[u.at : u.at+p.Size()]
	if n, err := p.ReadAt(file, 0); n < len(file) {
		return 0, noEOF(err)
	}
	if err := u.examine(file); err != nil {
		return 0, fmt.Errorf("%s: %w", p.what, err)
	}
	var symbols []byte // which the kernel may come to lie on
	if u.symbols != nil {
		if limit := frontLimit(); u.symbols.Size() > limit {
			return 0, fmt.Errorf("%s: symbols of %d bytes, more than %d, unpack it first", p.what, u.symbols.size, limit)
		}
		symbols = make([]byte, u.symbols.size)
		if _, err := u.symbols.ReadAt(symbols, 0); err != nil {
			return 0, fmt.Errorf("%s: %w", p.what, err)
		}
	}
	u.slide(b)
	if symbols != nil {
		copy(b[u.symbolsAt():], symbols)
	}
	u.addHypercalls(b, 0)
	u.done = true
	return len(b), nil
}

// examine wants in the unpacked file what its beginning has promised.
func (u *unpacked) examine(file []byte) error {
	k := *u.kernel
	e, err := readAnyELF(bytes.NewReader(file))
	if err != nil {
		return err
	}
	if !slices.Equal(e.loads, k.elf.loads) {
		return errors.New("its headers have changed since they were read first")
	}
	if err := e.readNotes(); err != nil {
		return err
	}
	notes, err := e.pvNotes()
	if err != nil {
		return err
	}
	if !notes.sameLayout(k.notes) {
		return errors.New("its notes ask for another memory layout than Linux's usual one, unpack it first")
	}
	if err := k.checkEntry(notes); err != nil {
		return err
	}
	if notes.symbols {
		symbols, err := e.bsdSymbols()
		if err != nil {
			return err
		}
		if !symbols.same(k.symbols) {
			return errors.New("its symbols are not those that it had first")
		}
		u.symbols = symbols
	}
	if k.guessed && notes.hasHypercall {
		k.notes = notes
		addr, _ := k.hypercallPage()
		u.hypercalls = int64(addr + notes.paddrOffset - u.base)
		if addr+notes.paddrOffset < u.base || u.hypercalls > u.size-pageSize {
			return fmt.Errorf("HYPERCALL_PAGE %#x is outside the kernel", notes.hypercall)
		}
	}
	*u.entry = notes.entry
	return nil
}

// slide moves the segments from where the file is to their places, the lowest
// first. Each place ends where the next one's begins at the latest, and that is
// not above where the next ones still are: nothing is overwritten.
func (u *unpacked) slide(b []byte) {
	done := int64(0)
	for _, l := range u.elf.loads {
		to := int64(l.paddr - u.base)
		clear(b[done:to])
		from := u.at + int64(l.offset)
		if to != from {
			copy(b[to:to+int64(l.fileSize)], b[from:])
		}
		done = to + int64(l.fileSize)
	}
	clear(b[done:])
}

// noEOF is err, or io.ErrUnexpectedEOF in place of an end.
func noEOF(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
