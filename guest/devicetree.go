package guest

import "pvboot/internal/fdt"

// What a guest reads from its device tree (Devicetree Specification v0.4,
// chapter 3; Xen docs/misc/arm/device-tree/guest.txt). All of it runs before
// there is a heap.

// hardware is what a device tree tells besides startInfo.
type hardware struct {
	xen bool
	// regions are the address ranges of the node /hypervisor, whole pages
	// outside RAM: where the grant table may be mapped, then others that are
	// free for a guest's use.
	regions ranges
	// uart is the address of a PL011's registers, 0 for none.
	uart uint64
	// ns16550 is a UART of that kind.
	ns16550 registers
	// finisher is the address of the register that ends QEMU's machine "virt"
	// for RISC-V, 0 for none.
	finisher uint64
	// timebase is how many ticks a second the processors' counter has, 0 where
	// the tree does not say so.
	timebase uint64
	// seed is /chosen's rng-seed, 0 for none, mixed to one number.
	seed uint64
	// psciBySMC is whether PSCI is called by SMC, not by HVC.
	psciBySMC bool
	papr      papr
}

// registers are a device's, each 1<<shift bytes from the next, to be accessed
// in width bytes. addr is 0 for none.
type registers struct {
	addr         uint64
	shift, width uint64
}

// typeReserved is a range of memory that is not to be used.
const typeReserved uint32 = 2

// readDeviceTree fills s and h from a tree; false when it names no memory.
func readDeviceTree(tree fdt.Tree, s *startInfo, h *hardware) bool {
	readMemory(tree, s)
	readChosen(tree, s, h)
	readHypervisor(tree, s, h)
	_, h.uart = findDevice(tree, isPL011)
	h.ns16550 = findNS16550(tree)
	_, h.finisher = findDevice(tree, isFinisher)
	h.timebase = readTimebase(tree)
	readPAPR(tree, &h.papr)
	if psci, ok := tree.Find("/psci"); ok {
		method, _ := psci.Text("method")
		h.psciBySMC = string(method) == "smc"
	}
	return s.memory.n > 0
}

// reserved is a list for readMemory.
var reserved ranges

// readMemory lists the RAM, which any node of the device type "memory" may
// name, and what is reserved of it.
func readMemory(tree fdt.Tree, s *startInfo) {
	var all ranges
	reserved.n, s.memory.n = 0, 0
	w := tree.Walk()
	for n, ok := w.Next(); ok; n, ok = w.Next() {
		deviceType, _ := n.Text("device_type")
		if string(deviceType) == "memory" && n.Enabled() {
			addReg(&w, n, &all, RAM)
		}
		if parent, ok := w.Parent(); ok && w.Depth() == 2 && string(parent.Name()) == "reserved-memory" && n.Enabled() {
			addReg(&w, n, &reserved, typeReserved)
		}
	}
	for i := 0; ; i++ {
		addr, size, ok := tree.Reserved(i)
		if !ok {
			break
		}
		reserved.add(Range{addr, size, typeReserved})
	}
	all.sort()
	reserved.sort()
	divide(&all, &reserved, &s.memory)
}

// addReg adds the ranges in the reg property of n, where w stands.
func addReg(w *fdt.Walker, n fdt.Node, list *ranges, kind uint32) {
	cells := w.Cells()
	reg, _ := n.Prop("reg")
	for i := 0; i < maxRanges; i++ {
		addr, size, ok := cells.Reg(reg, i)
		if !ok {
			return
		}
		list.add(Range{addr, size, kind})
	}
}

// divide makes one sorted list without overlaps of RAM and what is reserved
// of it. Both lists are sorted; reservations grow to whole pages.
func divide(all, reserved, memory *ranges) {
	end := uint64(0) // of what is listed
	for _, r := range all.list() {
		at := max(r.Start, end)
		for _, t := range reserved.list() {
			first, last := t.Start&^(pageSize-1), (t.End()+pageSize-1)&^(pageSize-1)
			if last < t.End() { // wrapped around
				last = t.End()
			}
			first, last = max(first, at), min(last, r.End())
			if first >= last {
				continue
			}
			memory.add(Range{at, first - at, RAM})
			memory.add(Range{first, last - first, typeReserved})
			at = last
		}
		if at < r.End() {
			memory.add(Range{at, r.End() - at, RAM})
		}
		end = max(end, r.End())
	}
}

// readChosen reads the command line and where the initial RAM disk lies, and a
// bit of randomness.
func readChosen(tree fdt.Tree, s *startInfo, h *hardware) {
	s.cmdLine.n, s.modules.n, h.seed = 0, 0, 0
	chosen, ok := tree.Find("/chosen")
	if !ok {
		return
	}
	line, _ := chosen.Text("bootargs")
	s.cmdLine.n = copy(s.cmdLine.b[:len(s.cmdLine.b)-1], line)
	begin, ok1 := chosen.Uint("linux,initrd-start")
	end, ok2 := chosen.Uint("linux,initrd-end")
	if ok1 && ok2 && begin < end {
		s.modules.add(Range{begin, end - begin, RAM})
	}
	seed, _ := chosen.Prop("rng-seed")
	for i := range len(seed) / 4 {
		word, _ := fdt.U32(seed, i)
		h.seed = stir(h.seed, uint64(word))
	}
}

// readHypervisor looks for Xen, and keeps what its ranges do not share with
// memory. A range too many is dropped.
func readHypervisor(tree fdt.Tree, s *startInfo, h *hardware) {
	h.xen, h.regions.n = false, 0
	w := tree.Walk()
	for n, ok := w.Next(); ok; n, ok = w.Next() {
		if !n.Compatible("xen,xen") {
			continue
		}
		h.xen = true
		addReg(&w, n, &h.regions, typeReserved)
		break
	}
	for _, r := range s.memory.list() {
		h.regions.cut(r.Start&^(pageSize-1), (r.End()+pageSize-1)&^(pageSize-1))
	}
	for i := range h.regions.list() {
		r := &h.regions.r[i]
		first, last := (r.Start+pageSize-1)&^(pageSize-1), r.End()&^(pageSize-1)
		first = max(first, pageSize)
		r.Start, r.Size = first, max(last, first)-first
	}
}

// findDevice returns the device of a kind that is the console, else the first
// one, and the address of its registers. Only those at the top and on a bus whose
// addresses are its parent's are looked at (specification 2.3.8, "ranges").
func findDevice(tree fdt.Tree, isKind func(fdt.Node) bool) (first fdt.Node, at uint64) {
	console, _ := tree.Stdout()
	w := tree.Walk()
	for n, ok := w.Next(); ok; n, ok = w.Next() {
		if !isKind(n) || !n.Enabled() || !untranslated(&w) {
			continue
		}
		reg, _ := n.Prop("reg")
		addr, _, ok := w.Cells().Reg(reg, 0)
		switch {
		case !ok:
		case string(n.Name()) == string(console.Name()):
			return n, addr
		case at == 0:
			first, at = n, addr
		}
	}
	return first, at
}

// untranslated reports whether the addresses of the node at w are the
// processor's.
func untranslated(w *fdt.Walker) bool {
	if w.Depth() == 1 {
		return true
	}
	bus, _ := w.Parent()
	ranges, ok := bus.Prop("ranges")
	return w.Depth() == 2 && ok && len(ranges) == 0 && bus.Compatible("simple-bus")
}

// isPL011 knows Arm's UART (Arm DDI 0183; SBSA's is a subset).
func isPL011(n fdt.Node) bool { return n.Compatible("arm,pl011") || n.Compatible("arm,sbsa-uart") }

func isNS16550(n fdt.Node) bool { return n.Compatible("ns16550a") || n.Compatible("snps,dw-apb-uart") }

// isFinisher knows SiFive's test device (QEMU hw/misc/sifive_test.c).
func isFinisher(n fdt.Node) bool { return n.Compatible("sifive,test0") }

// findNS16550 returns the registers of a 16550 (Linux
// Documentation/devicetree/bindings/serial/8250.yaml).
func findNS16550(tree fdt.Tree) registers {
	n, addr := findDevice(tree, isNS16550)
	r := registers{addr: addr, width: 1}
	if addr == 0 {
		return registers{}
	}
	if shift, ok := n.Uint("reg-shift"); ok {
		r.shift = shift
	}
	if width, ok := n.Uint("reg-io-width"); ok {
		r.width = width
	}
	if r.shift > 3 || r.width != 1 && r.width != 4 {
		return registers{}
	}
	return r
}

// readTimebase finds the counter's frequency, of all processors or of the first
// (specification 3.8.1, "timebase-frequency").
func readTimebase(tree fdt.Tree) uint64 {
	cpus, ok := tree.Find("/cpus")
	if !ok {
		return 0
	}
	hz, ok := cpus.Uint("timebase-frequency")
	for cpu, more := cpus.Child(); more && !ok; cpu, more = cpu.Next() {
		hz, ok = cpu.Uint("timebase-frequency")
	}
	return hz
}

// takeHole takes n frames from the first of regions that has them: from its
// start on, so that the grant table comes to lie where Linux puts it.
func takeHole(regions *ranges, n int) (gfn uint64, ok bool) {
	if n <= 0 {
		return 0, false
	}
	for i := range regions.list() {
		r := &regions.r[i]
		if r.Size/pageSize < uint64(n) {
			continue
		}
		gfn = r.Start / pageSize
		r.Start += uint64(n) * pageSize
		r.Size -= uint64(n) * pageSize
		return gfn, true
	}
	return 0, false
}
