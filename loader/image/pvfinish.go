package image

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// struct start_info of x86-64 (Xen public/xen.h), offsets.
const (
	siMagic        = 0 // 32 bytes
	siPages        = 32
	siSharedInfo   = 40
	siFlags        = 48
	siStoreFrame   = 56
	siStorePort    = 64
	siConsoleFrame = 72
	siConsolePort  = 80
	siTables       = 88
	siTableFrames  = 96
	siP2M          = 104
	siModule       = 112
	siModuleSize   = 120
	siCmdLine      = 128
	siCmdLineMax   = 1024 // with its final NUL
	siFirstP2M     = siCmdLine + siCmdLineMax
	siP2MFrames    = siFirstP2M + 8
)

// Flags in it that tell how a domain was booted.
const (
	sifMultibootModule = 1 << 2
	sifModuleIsPFN     = 1 << 3
)

// pvStart is what a start info says besides what stands in the plan.
type pvStart struct {
	machine              PVMachine
	cmdLine              string
	module, moduleLength uint64 // a virtual address, or by the flags a page's number
	flags                uint32
	kernel               *unpacked // nil when the kernel is not compressed
}

// Finish writes what depends on machine frames: the p2m list, the page tables
// and the start info. frame gives the machine frame that ends up behind a page
// of the domain, by its number, for all of Machine.PV.Pages; one that has none
// is any number above 2^40. page gives the 4096 bytes of a page of the target,
// by its address, valid until it is called again. Nothing else of the target is
// touched.
func (p *PVPlan) Finish(frame func(pfn uint64) (mfn uint64), page func(addr uint64) []byte) error {
	if k := p.start.kernel; k != nil && !k.done {
		return errors.New("PV: the kernel was not loaded")
	}
	p.writeP2M(frame, page)
	if err := p.pages.write(frame, page); err != nil {
		return fmt.Errorf("PV: page tables: %w", err)
	}
	if err := p.writeStartInfo(frame, page(p.StartInfo)); err != nil {
		return fmt.Errorf("PV: start info: %w", err)
	}
	return nil
}

// writeP2M writes the list, and zeros behind it up to the end of its last
// page.
func (p *PVPlan) writeP2M(frame func(pfn uint64) uint64, page func(addr uint64) []byte) {
	pages := p.start.machine.Pages
	for pfn := uint64(0); pfn < pages; {
		b := page(p.P2M.Start + pfn*8)[:pageSize]
		for i := 0; i < pageSize; i += 8 {
			mfn := uint64(0)
			if pfn < pages {
				mfn = frame(pfn)
				if mfn > maxFrame {
					mfn = ^uint64(0) // INVALID_P2M_ENTRY
				}
			}
			binary.LittleEndian.PutUint64(b[i:], mfn)
			pfn++
		}
	}
}

func (p *PVPlan) writeStartInfo(frame func(pfn uint64) uint64, b []byte) error {
	le, s := binary.LittleEndian, &p.start
	b = b[:pageSize]
	clear(b)
	copy(b[siMagic:siPages-1], s.machine.Magic)
	le.PutUint64(b[siPages:], s.machine.Pages)
	le.PutUint64(b[siSharedInfo:], s.machine.SharedInfo)
	le.PutUint32(b[siFlags:], s.machine.Flags&^(sifMultibootModule|sifModuleIsPFN)|s.flags)
	for _, r := range []struct {
		name      string
		page      uint64
		ring      PVRing
		frame, at int
	}{
		{"xenstore", p.Store, s.machine.Store, siStoreFrame, siStorePort},
		{"console", p.Console, s.machine.Console, siConsoleFrame, siConsolePort},
	} {
		if r.page == 0 {
			continue
		}
		if mfn := frame(r.page / pageSize); mfn != r.ring.Frame {
			return fmt.Errorf("the %s ring's page %#x has frame %#x, want %#x", r.name, r.page, mfn, r.ring.Frame)
		}
		le.PutUint64(b[r.frame:], r.ring.Frame)
		le.PutUint32(b[r.at:], r.ring.Port)
	}
	le.PutUint64(b[siTables:], p.VirtBase+p.Tables.Start)
	le.PutUint64(b[siTableFrames:], p.Tables.Size/pageSize)
	le.PutUint64(b[siP2M:], p.P2MBase)
	le.PutUint64(b[siModule:], s.module)
	le.PutUint64(b[siModuleSize:], s.moduleLength)
	copy(b[siCmdLine:siCmdLine+siCmdLineMax-1], s.cmdLine)
	if p.P2MBase != p.VirtBase+p.P2M.Start {
		le.PutUint64(b[siFirstP2M:], p.P2M.Start/pageSize)
		le.PutUint64(b[siP2MFrames:], (p.P2M.Size+p.P2MTables.Size)/pageSize)
	}
	return nil
}
