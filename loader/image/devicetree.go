package image

import (
	"errors"
	"fmt"

	"pvboot/internal/fdt"
)

// tree is the device tree for the next kernel: the toolstack's, or the file
// that the configuration names, with /chosen made anew.
type tree struct {
	doc      *fdt.Doc
	source   fdt.Tree // as it was
	reserved []Range  // nothing may be put here
	firmware []Range  // of these, what the reservation block need not have
}

// Properties of /chosen (Devicetree Specification v0.4, 3.6; Linux
// Documentation/devicetree/bindings/chosen.txt).
const (
	chosen         = "/chosen"
	propBootArgs   = "bootargs"
	propInitrd     = "linux,initrd-start"
	propInitrdEnd  = "linux,initrd-end"
	reservedMemory = "/reserved-memory"
)

// openTree reads a request's device tree. Reservations of the machine's own
// tree hold even if the next kernel does not get to see it.
func openTree(req Request) (*tree, error) {
	t := &tree{}
	raw := req.Machine.DeviceTree
	if raw != nil {
		own, err := fdt.Parse(raw)
		if err != nil {
			return nil, err
		}
		t.reserve(own)
	}
	if req.DeviceTree != nil {
		var err error
		if raw, err = t.readFile(req.DeviceTree.Data); err != nil {
			return nil, fmt.Errorf("device tree %s: %w", req.DeviceTree.Name, err)
		}
	}
	if raw == nil {
		return nil, errors.New("no device tree: neither the machine nor the configuration has one")
	}
	var err error
	t.doc, err = fdt.Unpack(raw)
	return t, err
}

// readFile reads a tree that is to replace the machine's own.
func (t *tree) readFile(file Source) ([]byte, error) {
	head := make([]byte, min(max(file.Size(), 0), 8))
	if n, err := file.ReadAt(head, 0); n < len(head) {
		return nil, err
	}
	size, ok := fdt.Size(head)
	if !ok {
		return nil, errors.New("not a flattened device tree of at most 2 MiB")
	}
	if int64(size) > file.Size() {
		return nil, fmt.Errorf("truncated: %d bytes, the header says %d", file.Size(), size)
	}
	raw := make([]byte, size)
	if n, err := file.ReadAt(raw, 0); n < len(raw) {
		return nil, err
	}
	tree, err := fdt.Parse(raw)
	if err != nil {
		return nil, err
	}
	if !hasMemory(tree) {
		return nil, errors.New("no memory node: it does not describe this machine")
	}
	t.reserve(tree)
	return raw, nil
}

// hasMemory tells whether a tree says where RAM is (Devicetree Specification
// 3.4, "/memory node").
func hasMemory(t fdt.Tree) bool {
	w := t.Walk()
	for n, ok := w.Next(); ok; n, ok = w.Next() {
		if kind, ok := n.Text("device_type"); !ok || string(kind) != "memory" {
			continue
		}
		if reg, ok := n.Prop("reg"); ok && len(reg) > 0 {
			return true
		}
	}
	return false
}

// reserve keeps the memory reservation block and the nodes of
// /reserved-memory free (Devicetree Specification 5.3, 3.5).
func (t *tree) reserve(from fdt.Tree) {
	t.source = from
	t.reserveFirmware(from)
	for i := 0; ; i++ {
		addr, size, ok := from.Reserved(i)
		if !ok {
			break
		}
		t.keep(addr, size)
	}
	parent, ok := from.Find(reservedMemory)
	if !ok {
		return
	}
	cells := parent.Cells()
	for n, ok := parent.Child(); ok; n, ok = n.Next() {
		reg, _ := n.Prop("reg")
		for i := 0; ; i++ {
			addr, size, ok := cells.Reg(reg, i)
			if !ok {
				break
			}
			t.keep(addr, size)
		}
	}
}

// keep adds a range, made whole pages.
func (t *tree) keep(addr, size uint64) {
	if size == 0 {
		return
	}
	end, ok := alignUp(addr+size, pageSize)
	if addr+size < addr || !ok {
		end = ^uint64(0) &^ (pageSize - 1)
	}
	addr &^= pageSize - 1
	t.reserved = append(t.reserved, Range{Start: addr, Size: end - addr, Type: Reserved})
}

// choose sets the command line and where the initrd lies, and flattens the
// tree.
func (t *tree) choose(cmdLine string, initrd []Segment) ([]byte, error) {
	if err := t.doc.SetString(chosen, propBootArgs, cmdLine); err != nil {
		return nil, err
	}
	if len(initrd) == 0 {
		t.doc.Delete(chosen, propInitrd)
		t.doc.Delete(chosen, propInitrdEnd)
		return t.doc.Pack(), nil
	}
	if err := t.doc.SetUint64(chosen, propInitrd, initrd[0].Addr); err != nil {
		return nil, err
	}
	if err := t.doc.SetUint64(chosen, propInitrdEnd, initrd[len(initrd)-1].Range().End()); err != nil {
		return nil, err
	}
	return t.doc.Pack(), nil
}
