package guest

import (
	"bytes"
	"unsafe"

	"pvboot/arch/amd64"
	"pvboot/xen"
)

// pvStartInfo is struct start_info (public/xen.h), which is mapped by the
// toolstack, as all that it names is.
type pvStartInfo struct {
	magic          [32]byte
	pages          uint64
	sharedInfo     uint64
	flags, _       uint32
	storeMFN       uint64
	storePort, _   uint32
	consoleMFN     uint64
	consolePort, _ uint32
	ptBase         uint64 // virtual address
	ptFrames       uint64
	p2m            uint64 // virtual address
	modStart       uint64 // see sifModStartPFN
	modLen         uint64
	cmdLine        [1024]byte
	firstP2MPFN    uint64
	p2mFrames      uint64
}

const (
	pvMagic = "xen-3."
	// sifModStartPFN in the flags says that modStart is a pfn, and that the
	// module is not mapped (SIF_MOD_START_PFN).
	sifModStartPFN = 1 << 3
	// maxPVPages is a limit of ours, 64 TiB.
	maxPVPages = 1 << 34
)

// pvMagicBytes is PVInfo.Magic.
var pvMagicBytes [32]byte

// readPVStart fills start and pvInfo from the structure at addr; false when
// there is none.
func readPVStart(addr uint64) bool {
	s := at[pvStartInfo](addr)
	if !bytes.HasPrefix(s.magic[:], []byte(pvMagic)) || s.pages == 0 || s.pages > maxPVPages || s.list().Size < s.pages*8 {
		return false
	}
	pvMagicBytes = s.magic
	n := bytes.IndexByte(pvMagicBytes[:], 0)
	if n < 0 {
		n = len(pvMagicBytes)
	}
	pvInfo = PVInfo{
		Magic:      unsafe.String(&pvMagicBytes[0], n),
		Pages:      s.pages,
		SharedInfo: s.sharedInfo,
		Flags:      s.flags,
		Store:      xen.RingInfo{MFN: s.storeMFN, Port: xen.Port(s.storePort)},
		Console:    xen.RingInfo{MFN: s.consoleMFN, Port: xen.Port(s.consolePort)},
		P2M:        unsafe.Slice(at[uint64](s.p2m), s.pages),
		StartInfo:  addr,
		Tables:     Range{s.ptBase, s.ptFrames * pageSize, RAM},
	}
	pv = &pvInfo
	pvList = s.list()
	for _, c := range s.cmdLine {
		if c == 0 {
			break
		}
		start.cmdLine.b[start.cmdLine.n] = c
		start.cmdLine.n++
	}
	if s.modLen != 0 {
		mod := s.modStart
		if s.flags&sifModStartPFN != 0 {
			mod *= pageSize
		}
		start.modules.add(Range{mod, s.modLen, RAM})
	}
	pvMemory()
	return true
}

// list is where the p2m list lies: at its own address, or, when that is not in
// the domain's range of addresses, where firstP2MPFN says. Xen's own builder,
// which pvshim has, sets firstP2MPFN always, and to some other page.
func (s *pvStartInfo) list() Range {
	if end := s.p2m + s.pages*8; end <= s.pages*pageSize {
		return pages(s.p2m, end)
	}
	return Range{s.firstP2MPFN * pageSize, s.p2mFrames * pageSize, RAM}
}

// pvMemory lists the runs of pages that the domain has, and finds the rings'.
func pvMemory() {
	first, run := uint64(0), false
	for pfn, mfn := range pvInfo.P2M {
		have := mfn < amd64.PVNoFrame
		if have != run {
			if run {
				start.memory.add(Range{first, uint64(pfn)*pageSize - first, RAM})
			}
			first, run = uint64(pfn)*pageSize, have
		}
		if mfn == pvInfo.Store.MFN && mfn != 0 {
			pvInfo.StorePage = uint64(pfn) * pageSize
		}
		if mfn == pvInfo.Console.MFN && mfn != 0 {
			pvInfo.ConsolePage = uint64(pfn) * pageSize
		}
	}
	if run {
		start.memory.add(Range{first, pvInfo.Pages*pageSize - first, RAM})
	}
}
