package image

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Multiboot Specification 0.6.96, sections 3.1 "OS image format" and 3.3
// "Boot information format".
const (
	mb1Magic     = 0x1badb002
	mb1BootMagic = 0x2badb002
	mb1Search    = 8192 // the header lies in the file's first bytes
	mb1MinHeader = 12
	mb1Addresses = 32 // size of a header with addresses

	// Flags of the header. Of those below 16 the first three are asked of
	// the loader; for video information there is nothing to tell.
	mb1Understood = 7
	mb1Required   = 0xffff
	mb1HasAddress = 1 << 16

	// Flags of the information: which fields are valid.
	mb1Memory  = 1 << 0
	mb1CmdLine = 1 << 2
	mb1Modules = 1 << 3
	mb1Map     = 1 << 6
	mb1Loader  = 1 << 9

	mb1InfoSize   = 116
	mb1ModuleSize = 16
	mb1MapSize    = 24
)

var errNoMultiboot = errors.New("no Multiboot header")

// findMB1 is the offset of the header, which is aligned to 4 bytes.
func findMB1(head []byte) (int, error) {
	le := binary.LittleEndian
	for at := 0; at+mb1MinHeader <= len(head); at += 4 {
		magic, flags, sum := le.Uint32(head[at:]), le.Uint32(head[at+4:]), le.Uint32(head[at+8:])
		if magic == mb1Magic && magic+flags+sum == 0 {
			return at, nil
		}
	}
	return 0, fmt.Errorf("%w in the first %d bytes", errNoMultiboot, mb1Search)
}

// planMB1 loads a kernel by the addresses in its header, or by its ELF
// headers if it names none.
func planMB1(req Request, mem *space, _ *mbInfo) (*mbKernel, error) {
	head, err := readHead(req.Kernel, mb1Search)
	if err != nil {
		return nil, err
	}
	at, err := findMB1(head)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	flags := le.Uint32(head[at+4:])
	if unknown := flags & mb1Required &^ mb1Understood; unknown != 0 {
		return nil, fmt.Errorf("header at %d: requires unknown features %#x", at, unknown)
	}
	var k *mbKernel
	if flags&mb1HasAddress == 0 || req.Multiboot.PreferELF && string(head[:4]) == elfMagic {
		k, err = elfMultiboot(req.Kernel)
	} else if at+mb1Addresses > len(head) {
		return nil, fmt.Errorf("header at %d: truncated", at)
	} else {
		field := func(i int) uint64 { return uint64(le.Uint32(head[at+mb1MinHeader+4*i:])) }
		a := addressFields{at: uint64(at), header: field(0), load: field(1), loadEnd: field(2), end: field(3), entry: field(4)}
		if k, err = a.kernel(req.Kernel); err != nil {
			err = fmt.Errorf("header at %d: %w", at, err)
		}
	}
	if err != nil {
		return nil, err
	}
	return k, k.take(mem)
}

// encode1 lays the information out for memory at addr, strings and lists
// behind the structure.
func (info *mbInfo) encode1(addr uint32) []byte {
	le := binary.LittleEndian
	b := make([]byte, mb1InfoSize)
	flags := uint32(mb1Memory | mb1CmdLine | mb1Map | mb1Loader)
	lower, upper := info.memoryKiB()
	// set looks at b anew, which moves when something is appended.
	set := func(off int, v uint32) { le.PutUint32(b[off:], v) }
	text := func(s string) uint32 {
		at := addr + uint32(len(b))
		b = append(append(b, s...), 0)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
		return at
	}
	set(4, lower)
	set(8, upper)
	cmdLine, name := text(info.cmdLine), text(mbLoaderName)
	set(16, cmdLine)
	set(64, name)
	if n := len(info.modules); n > 0 {
		flags |= mb1Modules
		list := len(b)
		set(20, uint32(n))
		set(24, addr+uint32(list))
		b = append(b, make([]byte, mb1ModuleSize*n)...)
		for i, m := range info.modules {
			cmdLine := text(m.cmdLine)
			at := list + mb1ModuleSize*i
			set(at, m.start)
			set(at+4, m.end)
			set(at+8, cmdLine)
		}
	}
	set(44, uint32(mb1MapSize*len(info.memory)))
	set(48, addr+uint32(len(b)))
	for _, r := range info.memory {
		b = le.AppendUint32(b, mb1MapSize-4) // the size does not count itself
		b = le.AppendUint64(b, r.Start)
		b = le.AppendUint64(b, r.Size)
		b = le.AppendUint32(b, mbMemoryType(r.Type))
	}
	set(0, flags)
	return b
}
