package handover

import (
	"fmt"

	"pvboot/arch/amd64"
	"pvboot/hypercall"
	"pvboot/loader/image"
)

// pvDomain is what leaving a PV domain asks of Xen and of the loader's page
// tables: the real one, or a test's.
type pvDomain interface {
	hypercall.Hypervisor
	// root is the machine frame of the loader's topmost page table.
	root() (mfn uint64, err error)
	// protect makes the loader's page at addr, machine frame mfn, read-only.
	protect(addr, mfn uint64) error
	// reach makes sure that there is a page table for virtual address va; what
	// it maps there, if it maps anything, is machine frame mfn.
	reach(va, mfn uint64) error
	// depart enters the target: see amd64.DepartPV.
	depart(page []byte, addr, mfn, va uint64, t *amd64.PVTarget) error
}

// jumpPV enters a PV domain's target. The order matters: what can fail comes
// first; after the first change of Xen's machine-to-physical list the loader's
// own page tables can no longer be looked up.
func (l *Loaded) jumpPV(d pvDomain) error {
	pv, target := l.plan.PV, &amd64.PVTarget{PC: l.plan.Entry.PC}
	for name, value := range l.plan.Entry.Regs {
		if err := target.Regs.Set(name, value); err != nil {
			return err
		}
	}
	labels, err := relabel(l.ground.P2M, l.schedule.Moves, pv, l.ground.Store, l.ground.Console)
	if err != nil {
		return err
	}
	page, err := l.pages(labels, pv)
	if err != nil {
		return err
	}
	if err := pv.Finish(labels.frame, page); err != nil {
		return err
	}
	if target.OldRoot, err = d.root(); err != nil {
		return fmt.Errorf("page tables: %w", err)
	}
	spare, lastCode := pv.Spare/pageSize, page(pv.Spare)
	va := pv.VirtBase + pv.Spare
	if err := d.reach(va, labels.frame(spare)); err != nil {
		return fmt.Errorf("last code at %#x: %w", va, err)
	}
	for _, tables := range []image.Range{pv.Tables, pv.P2MTables} {
		for addr := tables.Start; addr < tables.End(); addr += pageSize {
			if err := d.protect(labels.page(addr/pageSize)*pageSize, labels.frame(addr/pageSize)); err != nil {
				return fmt.Errorf("page table at %#x: %w", addr, err)
			}
		}
	}
	target.Root = labels.frame(pv.Tables.Start / pageSize)
	if err := hypercall.MMUExt(d, hypercall.MMUExtOp{Cmd: hypercall.MMUExtPinL4Table, Arg1: target.Root}); err != nil {
		return fmt.Errorf("page tables at %#x: %w", pv.Tables.Start, err)
	}
	if err := tellFrames(d, labels); err != nil {
		return undone(err, unpin(d, target.Root))
	}
	err = d.depart(lastCode, labels.page(spare)*pageSize, labels.frame(spare), va, target)
	return undone(undone(err, untellFrames(d, labels)), unpin(d, target.Root))
}

// undone is err, and what failed when its consequences were undone.
func undone(err, undo error) error {
	if undo == nil {
		return err
	}
	return fmt.Errorf("%w; then: %w", err, undo)
}

// pages sees the target's pages that are written last, by their address.
func (l *Loaded) pages(labels *labels, pv *image.PVPlan) (func(addr uint64) []byte, error) {
	view := func(addr uint64) []byte { return l.ground.View(labels.page(addr/pageSize)*pageSize, pageSize) }
	for _, r := range []image.Range{
		pv.P2M, pv.Tables, pv.P2MTables, {Start: pv.StartInfo, Size: pageSize}, {Start: pv.Spare, Size: pageSize},
	} {
		if r.Start%pageSize != 0 || r.End() > uint64(len(l.ground.P2M))*pageSize {
			return nil, fmt.Errorf("%#x bytes at %#x: not pages of this domain", r.Size, r.Start)
		}
		for addr := r.Start; addr < r.End(); addr += pageSize {
			if view(addr) == nil {
				return nil, fmt.Errorf("page %#x cannot be mapped", labels.page(addr/pageSize)*pageSize)
			}
		}
	}
	return view, nil
}

// maxUpdates bounds how many frames one hypercall is about.
const maxUpdates = 256

// tellFrames makes Xen's machine-to-physical list say what the target's p2m
// list does. What was changed before an error is changed back.
func tellFrames(h hypercall.Hypervisor, l *labels) error {
	if err := updateFrames(h, l, func(pfn uint64) uint64 { return pfn }); err != nil {
		return undone(err, untellFrames(h, l))
	}
	return nil
}

// untellFrames makes the list again what the loader found.
func untellFrames(h hypercall.Hypervisor, l *labels) error { return updateFrames(h, l, l.page) }

func updateFrames(h hypercall.Hypervisor, l *labels, value func(pfn uint64) uint64) error {
	var batch []hypercall.MMUUpdate
	list := l.changed()
	for i, pfn := range list {
		batch = append(batch, hypercall.MMUUpdate{Ptr: l.frame(pfn)<<12 | hypercall.MMUMachphysUpdate, Val: value(pfn)})
		if len(batch) < maxUpdates && i+1 < len(list) {
			continue
		}
		if err := hypercall.UpdateMMU(h, batch); err != nil {
			return fmt.Errorf("machine-to-physical list, at page %#x: %w", pfn, err)
		}
		batch = batch[:0]
	}
	return nil
}

// unpin lets the target's tables be ordinary pages again.
func unpin(h hypercall.Hypervisor, root uint64) error {
	return hypercall.MMUExt(h, hypercall.MMUExtOp{Cmd: hypercall.MMUExtUnpinTable, Arg1: root})
}
