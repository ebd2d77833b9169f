package fdt

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/golden"
)

func load(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t testing.TB, b []byte) Tree {
	t.Helper()
	tree, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// dump writes a tree for people, values as hex.
func dump(tree Tree) string {
	var s strings.Builder
	fmt.Fprintf(&s, "boot cpu %d\n", tree.BootCPU())
	for i := 0; ; i++ {
		addr, size, ok := tree.Reserved(i)
		if !ok {
			break
		}
		fmt.Fprintf(&s, "reserved %#x %#x\n", addr, size)
	}
	w := tree.Walk()
	for n, ok := w.Next(); ok; n, ok = w.Next() {
		indent := strings.Repeat("\t", w.Depth())
		fmt.Fprintf(&s, "%s%s {}\n", indent, n.Name())
		for p, ok := n.Property(); ok; p, ok = p.Next() {
			fmt.Fprintf(&s, "%s\t%s = %x\n", indent, p.Name(), p.Value())
		}
	}
	return s.String()
}

var trees = []string{"xenvm.dtb", "xenvm16.dtb", "virt.dtb"}

func TestTrees(t *testing.T) {
	for _, name := range trees {
		t.Run(name, func(t *testing.T) {
			b := load(t, name)
			if n, ok := Size(b[:8]); n != len(b) || !ok {
				t.Errorf("Size = %d, %v; the file has %d", n, ok, len(b))
			}
			tree := open(t, append(b, "more"...))
			if len(tree.Bytes()) != len(b) {
				t.Errorf("tree of %d bytes, want %d", len(tree.Bytes()), len(b))
			}
			golden.Check(t, strings.TrimSuffix(name, ".dtb")+".txt", dump(tree))
		})
	}
}

// names are a node's children's names.
func names(n Node) []string {
	var names []string
	for c, ok := n.Child(); ok; c, ok = c.Next() {
		names = append(names, string(c.Name()))
	}
	return names
}

func TestFind(t *testing.T) {
	tree := open(t, load(t, "xenvm.dtb"))
	for _, c := range []struct {
		path, name string
		ok         bool
	}{
		{"/", "", true},
		{"//", "", true},
		{"/chosen", "chosen", true},
		{"/chosen/", "chosen", true},
		{"//cpus//cpu@0", "cpu@0", true},
		{"/cpus/cpu", "cpu@0", true},
		{"/memory", "memory@40000000", true},
		{"/memory@200000000", "memory@200000000", true},
		{"/memory@2", "", false},
		{"/memor", "", false},
		{"/hypervisor/x", "", false},
		{"/passthrough/empty", "empty", true},
		{"/empty", "", false},
		{"chosen", "", false},
		{"", "", false},
	} {
		n, ok := tree.Find(c.path)
		if ok != c.ok || string(n.Name()) != c.name {
			t.Errorf("Find(%q) = %q, %v; want %q, %v", c.path, n.Name(), ok, c.name, c.ok)
		}
	}
	cpus, _ := tree.Find("/cpus")
	if diff := cmp.Diff([]string{"cpu@0"}, names(cpus)); diff != "" {
		t.Error(diff)
	}
	root, _ := tree.Root()
	want := []string{"aliases", "chosen", "cpus", "psci", "memory@40000000", "memory@200000000",
		"interrupt-controller@3001000", "timer", "hypervisor", "sbsa-uart@22000000", "passthrough"}
	if diff := cmp.Diff(want, names(root)); diff != "" {
		t.Error(diff)
	}
}

func TestStdout(t *testing.T) {
	for _, name := range []string{"xenvm.dtb", "virt.dtb"} {
		want := map[string]string{"xenvm.dtb": "sbsa-uart@22000000", "virt.dtb": "pl011@9000000"}[name]
		n, ok := open(t, load(t, name)).Stdout()
		if !ok || string(n.Name()) != want {
			t.Errorf("%s: Stdout = %q, %v", name, n.Name(), ok)
		}
	}
}

func TestReg(t *testing.T) {
	tree := open(t, load(t, "xenvm.dtb"))
	root, _ := tree.Root()
	cells := root.Cells()
	if cells != (Cells{2, 2}) {
		t.Fatalf("cells of the root: %v", cells)
	}
	hyp, _ := tree.Find("/hypervisor")
	reg, _ := hyp.Prop("reg")
	var got [][2]uint64
	for i := 0; ; i++ {
		addr, size, ok := cells.Reg(reg, i)
		if !ok {
			break
		}
		got = append(got, [2]uint64{addr, size})
	}
	want := [][2]uint64{{0x38000000, 0x1000000}, {1 << 32, 0xc0000000}, {3 << 32, 0x7d << 32}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	long := make([]byte, 48)
	for i := range long {
		long[i] = 0xff
	}
	for _, c := range []struct {
		cells Cells
		reg   []byte
		i     int
		ok    bool
	}{
		{Cells{1, 1}, long, 5, true},
		{Cells{1, 1}, long, 6, false},
		{Cells{1, 1}, long, -1, false},
		{Cells{1, 0}, long, 11, true},
		{Cells{0, 1}, long, 0, false},
		{Cells{3, 2}, long, 0, false},
		{Cells{2, 3}, long, 0, false},
		{Cells{1 << 16, 1 << 16}, long, 0, false},
		{Cells{2, 2}, long, 0, false}, // wraps around
		{Cells{2, 2}, nil, 0, false},
	} {
		if _, _, ok := c.cells.Reg(c.reg, c.i); ok != c.ok {
			t.Errorf("%v.Reg(%d bytes, %d): %v", c.cells, len(c.reg), c.i, ok)
		}
	}
}

func TestValues(t *testing.T) {
	tree := open(t, load(t, "xenvm.dtb"))
	hyp, _ := tree.Find("/hypervisor")
	for name, want := range map[string]bool{
		"xen,xen": true, "xen,xen-4.17": true, "xen,xen-4": false, "xen": false, "": false,
	} {
		if hyp.Compatible(name) != want {
			t.Errorf("Compatible(%q) = %v", name, !want)
		}
	}
	chosen, _ := tree.Find("/chosen")
	if v, ok := chosen.Uint("linux,initrd-end"); v != 0x49234567 || !ok {
		t.Errorf("initrd-end = %#x, %v", v, ok)
	}
	if v, ok := chosen.Uint("bootargs"); ok {
		t.Errorf("bootargs = %#x", v)
	}
	if _, ok := chosen.Uint("none"); ok {
		t.Error("a property that is not there")
	}
	if s, ok := chosen.Text("bootargs"); string(s) != "root=/dev/xvda1 console=hvc0" || !ok {
		t.Errorf("bootargs = %q, %v", s, ok)
	}
	if v, ok := chosen.Prop("linux,initrd"); ok {
		t.Errorf("linux,initrd = %x", v)
	}
	timer, _ := tree.Find("/timer")
	irq, _ := timer.Prop("interrupts")
	if v, ok := U32(irq, 7); v != 11 || !ok {
		t.Errorf("cell 7 = %d, %v", v, ok)
	}
	if _, ok := U32(irq, 9); ok {
		t.Error("cell 9 of 9")
	}
	pass, _ := tree.Find("/passthrough")
	if pass.Enabled() || !hyp.Enabled() {
		t.Error("Enabled does not follow status")
	}
	if ranges, ok := pass.Prop("ranges"); len(ranges) != 0 || !ok {
		t.Errorf("ranges = %x, %v", ranges, ok)
	}
}

func TestParents(t *testing.T) {
	tree := open(t, load(t, "xenvm.dtb"))
	w := tree.Walk()
	parents := map[string]string{}
	for n, ok := w.Next(); ok; n, ok = w.Next() {
		parent, ok := w.Parent()
		if ok != (w.Depth() > 0) {
			t.Errorf("%s: depth %d, parent %v", n.Name(), w.Depth(), ok)
		}
		parents[string(n.Name())] = string(parent.Name())
		for range 2 {
			if w.Cells() != parent.Cells() {
				t.Errorf("%s: cells %v, its parent's are %v", n.Name(), w.Cells(), parent.Cells())
			}
		}
	}
	if parents["cpu@0"] != "cpus" || parents["empty"] != "passthrough" || parents["psci"] != "" {
		t.Errorf("parents: %v", parents)
	}
}

// TestNOPs reads a tree in which, as libxl does, NOPs stand for what was.
func TestNOPs(t *testing.T) {
	b := load(t, "xenvm.dtb")
	structure := int(binary.BigEndian.Uint32(b[hdrStructure:]))
	for _, path := range []string{"/memory@200000000", "/passthrough", "/aliases"} {
		n, _ := open(t, b).Find(path)
		next, _ := n.Next()
		end := next.at
		if end == 0 {
			end = len(n.structure) - 4
		}
		for at := n.at; at < end; at += 4 {
			binary.BigEndian.PutUint32(b[structure+at:], tokenNOP)
		}
	}
	tree := open(t, b)
	root, _ := tree.Root()
	want := []string{"chosen", "cpus", "psci", "memory@40000000",
		"interrupt-controller@3001000", "timer", "hypervisor", "sbsa-uart@22000000"}
	if diff := cmp.Diff(want, names(root)); diff != "" {
		t.Error(diff)
	}
}

func TestZero(t *testing.T) {
	var (
		tree Tree
		node Node
		prop Property
	)
	if _, ok := tree.Root(); ok {
		t.Error("a root")
	}
	if _, ok := tree.Find("/"); ok {
		t.Error("a node")
	}
	if _, _, ok := tree.Reserved(0); ok || tree.BootCPU() != 0 {
		t.Error("a header")
	}
	w := tree.Walk()
	if _, ok := w.Next(); ok {
		t.Error("a walk")
	}
	if _, ok := node.Child(); ok || len(node.Name()) != 0 {
		t.Error("a child")
	}
	if _, ok := node.Next(); ok {
		t.Error("a neighbour")
	}
	if _, ok := node.Prop("x"); ok {
		t.Error("a property")
	}
	if _, ok := prop.Next(); ok || prop.Name() != nil || prop.Value() != nil {
		t.Error("a next property")
	}
}

// TestNoAllocation holds the promise to programs without a runtime, for what
// they would call.
func TestNoAllocation(t *testing.T) {
	b := load(t, "xenvm.dtb")
	bad := append([]byte(nil), b...)
	binary.BigEndian.PutUint32(bad[hdrStringsSize:], 1)
	found := 0
	allocs := testing.AllocsPerRun(10, func() {
		if _, ok := Open(bad); ok {
			found += 1000
		}
		if _, ok := Size(b); !ok {
			found += 1000
		}
		tree, ok := Open(b)
		if !ok {
			return
		}
		w := tree.Walk()
		for n, ok := w.Next(); ok; n, ok = w.Next() {
			reg, _ := n.Prop("reg")
			if _, _, ok := w.Cells().Reg(reg, 0); ok {
				found++
			}
			if n.Compatible("xen,xen") && n.Enabled() {
				found++
			}
			for p, ok := n.Property(); ok; p, ok = p.Next() {
				if string(p.Name()) == "device_type" && Contains(p.Value(), "memory") {
					found++
				}
			}
			for c, ok := n.Child(); ok; c, ok = c.Next() {
				found += len(c.Name())
			}
		}
		if chosen, ok := tree.Find("/chosen"); ok {
			text, _ := chosen.Text("bootargs")
			v, _ := chosen.Uint("linux,initrd-start")
			found += len(text) + int(v&1)
		}
		if n, ok := tree.Stdout(); ok {
			found += len(n.Name())
		}
		if _, _, ok := tree.Reserved(1); ok {
			found++
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if found == 0 || found >= 11000 {
		t.Errorf("found %d", found)
	}
}
