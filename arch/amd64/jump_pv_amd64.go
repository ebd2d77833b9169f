package amd64

import (
	"encoding/binary"
	"errors"
	"fmt"

	"pvboot/hypercall"
)

// PVTarget is the state in which a PV domain's processor enters what comes
// next, on page tables that are ready and pinned. The selectors are Xen's flat
// ones, the flags are clear, events stay masked, no exception has a handler.
type PVTarget struct {
	// Root and OldRoot are the machine frames of the target's topmost page
	// table and of ours.
	Root, OldRoot uint64
	PC            uint64 // virtual, as rsp is
	Regs          Registers
}

// Places in the page of the last code, those of jump_pv_amd64.h.
const (
	atPVSecond = 256
	atPVOps    = 2048 // two of struct mmuext_op
	atPVCrash  = 2112 // struct sched_shutdown
	atPVRegs   = 2176
	atPVIret   = 2304 // struct iret_context (public/arch-x86/xen-x86_64.h)

	mmuExtOpSize = 24
	// flatCS is the selector of the kernel's code as iret wants it: with a
	// privilege level that tells it from a user's.
	flatCS = hypercall.FlatCS64 &^ 3
)

// ErrPVPage means that the last code cannot run in a page.
var ErrPVPage = errors.New("amd64: the last code needs one whole page, mapped page aligned")

// preparePV fills page, the last code's page.
func preparePV(page []byte, addr, va uint64, t *PVTarget) error {
	if len(page) != 4096 || addr%4096 != 0 || va%4096 != 0 {
		return fmt.Errorf("%w: %d bytes at %#x and %#x", ErrPVPage, len(page), addr, va)
	}
	clear(page)
	copy(page[:atPVSecond], departPVCode())
	copy(page[atPVSecond:atPVOps], departPV2Code())
	le := binary.LittleEndian
	for i, op := range []struct {
		cmd uint32
		mfn uint64
	}{{hypercall.MMUExtNewBasePtr, t.Root}, {hypercall.MMUExtUnpinTable, t.OldRoot}} {
		le.PutUint32(page[atPVOps+mmuExtOpSize*i:], op.cmd)
		le.PutUint64(page[atPVOps+mmuExtOpSize*i+8:], op.mfn)
	}
	le.PutUint32(page[atPVCrash:], uint32(hypercall.ShutdownCrash))
	for i, v := range t.Regs {
		le.PutUint64(page[atPVRegs+8*i:], v)
	}
	const rax, rcx, rsp, r11 = 0, 1, 4, 11
	for i, v := range []uint64{
		t.Regs[rax], t.Regs[r11], t.Regs[rcx],
		0, // not a return from a system call: rcx and r11 count
		t.PC, flatCS,
		0, // the flags; IF clear keeps events masked
		t.Regs[rsp], hypercall.FlatSS64,
	} {
		le.PutUint64(page[atPVIret+8*i:], v)
	}
	return nil
}

// DepartPV enters the target. The last code runs in page, machine frame mfn,
// which is mapped at addr and which both the target's page tables and, in a
// table that exists, ours can map at va; what we have there now may be hidden,
// whatever it is. It returns only when nothing has been touched outside page.
func DepartPV(page []byte, addr, mfn, va uint64, t *PVTarget) error {
	if err := preparePV(page, addr, va, t); err != nil {
		return err
	}
	leavePV(uintptr(addr), uintptr(va), uintptr(PVEntry(mfn, PVWritable)))
	return nil
}
