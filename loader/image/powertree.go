package image

import "pvboot/internal/fdt"

// reserveFirmware keeps what the firmware of a Power machine needs, which Linux
// learns from the memory reservation block: RTAS, OPAL, and ranges that only a
// property tells of (Linux arch/powerpc/kernel/prom.c, early_reserve_mem_dt;
// LoPAR, B.5.2 and B.6.2.1; skiboot doc/device-tree/ibm,opal.rst).
func (t *tree) reserveFirmware(from fdt.Tree) {
	t.firmware = nil
	for _, f := range []struct{ node, base, size string }{
		{"/rtas", "linux,rtas-base", "rtas-size"},
		{"/ibm,opal", "opal-base-address", "opal-runtime-size"},
	} {
		n, ok := from.Find(f.node)
		if !ok {
			continue
		}
		base, ok1 := n.Uint(f.base)
		size, ok2 := n.Uint(f.size)
		if ok1 && ok2 && size > 0 && base+size > base {
			t.keep(base, size)
			t.firmware = append(t.firmware, Range{Start: base, Size: size, Type: Reserved})
		}
	}
	root, _ := from.Root()
	ranges, _ := root.Prop("reserved-ranges")
	for i := 0; ; i++ {
		addr, size, ok := fdt.Cells{Address: 2, Size: 2}.Reg(ranges, i)
		if !ok {
			return
		}
		t.keep(addr, size)
	}
}

// firstMemory is the end of the lowest range of RAM that the tree names: all that
// a partition is sure to reach in real mode (LoPAR, "Real Mode Area").
func (t *tree) firstMemory() uint64 {
	first := Range{Start: ^uint64(0)}
	w := t.source.Walk()
	for n, ok := w.Next(); ok; n, ok = w.Next() {
		if kind, ok := n.Text("device_type"); !ok || string(kind) != "memory" {
			continue
		}
		cells := w.Cells()
		reg, _ := n.Prop("reg")
		for i := 0; ; i++ {
			addr, size, ok := cells.Reg(reg, i)
			if !ok {
				break
			}
			if addr < first.Start {
				first = Range{Start: addr, Size: size}
			}
		}
	}
	if first.Size == 0 {
		return powerTreeMax
	}
	return first.End()
}
