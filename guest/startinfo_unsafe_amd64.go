package guest

import (
	"sync/atomic"
	"unsafe"

	"pvboot/hypercall"
)

// Layout of struct hvm_start_info, hvm_modlist_entry and
// hvm_memmap_table_entry (public/arch-x86/hvm/start_info.h).
type (
	hvmStartInfo struct {
		magic, version, flags, nrModules uint32
		modules, cmdLine, rsdp           uint64
		memmap                           uint64 // from version 1 on
		memmapEntries, _                 uint32
	}
	hvmModule struct {
		addr, size, cmdLine, _ uint64
	}
	hvmMemmapEntry struct {
		addr, size uint64
		typ, _     uint32
	}
)

const startMagic = 0x336ec578

// readStart fills start from the structure at addr; false when there is none.
func readStart(addr uintptr) bool {
	s := (*hvmStartInfo)(physical(uint64(addr), unsafe.Sizeof(hvmStartInfo{})))
	if s == nil || s.magic != startMagic {
		return false
	}
	start.rsdp = s.rsdp
	copyText(&start.cmdLine, s.cmdLine)
	for i := range min(s.nrModules, uint32(len(start.moduleCmdLine))) {
		m := (*hvmModule)(physical(s.modules+uint64(i)*uint64(unsafe.Sizeof(hvmModule{})), unsafe.Sizeof(hvmModule{})))
		if m == nil || m.size == 0 || m.addr+m.size < m.addr {
			break
		}
		start.modules.add(Range{m.addr, m.size, RAM})
		copyText(&start.moduleCmdLine[i], m.cmdLine)
	}
	if s.version >= 1 && s.memmap != 0 && s.memmapEntries != 0 {
		for i := range s.memmapEntries {
			e := (*hvmMemmapEntry)(physical(s.memmap+uint64(i)*uint64(unsafe.Sizeof(hvmMemmapEntry{})), unsafe.Sizeof(hvmMemmapEntry{})))
			if e == nil || !start.memory.add(Range{e.addr, e.size, e.typ}) {
				break
			}
		}
	} else {
		readMemoryMap()
	}
	start.memory.sort()
	return start.memory.n > 0
}

// physical sees n bytes at addr, nil when they are not all below 4 GiB.
//
//go:nocheckptr
func physical(addr uint64, n uintptr) unsafe.Pointer {
	if addr > low4G-uint64(n) {
		return nil
	}
	return unsafe.Add(nil, addr)
}

// copyText copies a C string, cut off where t is full. The address is 0 where
// there is no string.
func copyText(t *text, addr uint64) {
	t.n = 0
	for addr != 0 && t.n < len(t.b)-1 {
		c := (*byte)(physical(addr+uint64(t.n), 1))
		if c == nil || *c == 0 {
			return
		}
		t.b[t.n] = *c
		t.n++
	}
}

// Operands of XENMEM_memory_map (public/memory.h): entries are 20 bytes, as
// BIOS int 0x15 has them.
const xenmemMemoryMap = 9

var (
	e820       [maxRanges * 5]uint32
	e820Holder struct {
		entries uint32
		_       uint32
		buffer  uint64
	}
)

// readMemoryMap asks Xen for the memory map, for a version 0 start info.
func readMemoryMap() {
	atomic.StoreUint32(&e820Holder.entries, maxRanges)
	atomic.StoreUint64(&e820Holder.buffer, uint64(uintptr(unsafe.Pointer(&e820))))
	if hypercall.Trap(hypercall.OpMemory, xenmemMemoryMap, uintptr(unsafe.Pointer(&e820Holder)), 0, 0, 0) < 0 {
		return
	}
	for i := range min(atomic.LoadUint32(&e820Holder.entries), maxRanges) {
		e := e820[i*5:][:5]
		start.memory.add(Range{uint64(e[0]) | uint64(e[1])<<32, uint64(e[2]) | uint64(e[3])<<32, e[4]})
	}
}
