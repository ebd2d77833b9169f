package image

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pvboot/internal/fdt"
)

// bareTree is a tree with nothing in it.
func bareTree(t testing.TB) []byte {
	t.Helper()
	le := binary.BigEndian
	b := make([]byte, 40+16+16)
	for i, v := range []uint32{fdt.Magic, uint32(len(b)), 56, 72, 40, 17, 16, 0, 0, 16, 0, 0, 0, 0, 1, 0, 2, 9} {
		le.PutUint32(b[4*i:], v)
	}
	if _, err := fdt.Parse(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// reservingTree has memory, and reservations where kernel, initrd and tree
// would otherwise lie in a machine of 64 MiB.
func reservingTree(t testing.TB) []byte {
	t.Helper()
	d, err := fdt.Unpack(bareTree(t))
	if err != nil {
		t.Fatal(err)
	}
	reg := func(words ...uint64) (b []byte) {
		for _, w := range words {
			b = binary.BigEndian.AppendUint64(b, w)
		}
		return b
	}
	two := []byte{0, 0, 0, 2}
	for _, p := range []struct {
		path, name string
		value      []byte
	}{
		{"/", "#address-cells", two}, {"/", "#size-cells", two},
		{"/memory@40000000", "device_type", []byte("memory\x00")},
		{"/memory@40000000", "reg", reg(1<<30, 64*mib)},
		{"/reserved-memory", "#address-cells", two}, {"/reserved-memory", "#size-cells", two}, {"/reserved-memory", "ranges", nil},
		{"/reserved-memory/low@40000000", "reg", reg(1<<30, 1)},
		{"/reserved-memory/high@43ff0000", "reg", reg(1<<30+64*mib-0x10000, 0x10000, 1<<30+60*mib, mib)},
		{"/reserved-memory/dynamic", "size", reg(mib)},
	} {
		if err := d.Set(p.path, p.name, p.value); err != nil {
			t.Fatal(err)
		}
	}
	return d.Pack()
}

// property is one property of a tree, with the path of its node.
type property struct {
	Path, Name string
	Value      []byte
}

// list is all of a tree in its order: nodes as properties without a name.
func list(t *testing.T, b []byte) (props []property) {
	t.Helper()
	tree, err := fdt.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		addr, size, ok := tree.Reserved(i)
		if !ok {
			break
		}
		props = append(props, property{"/memreserve/", "", binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, addr), size)})
	}
	var names [fdt.MaxDepth]string
	w := tree.Walk()
	for n, ok := w.Next(); ok; n, ok = w.Next() {
		names[w.Depth()] = string(n.Name())
		path := ""
		for _, name := range names[:w.Depth()+1] {
			path += name + "/"
		}
		props = append(props, property{path, "", nil})
		for p, ok := n.Property(); ok; p, ok = p.Next() {
			props = append(props, property{path, string(p.Name()), bytes.Clone(p.Value())})
		}
	}
	return props
}

// Nothing but three properties of /chosen changes, and nothing its place.
func TestTreeIsKept(t *testing.T) {
	number := func(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
	for _, tt := range []struct {
		name   string
		initrd []File
	}{
		{"with an initrd", []File{initrd("a", 1000), initrd("b", 999)}},
		{"without", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := Request{Name: "k", Kernel: bytes.NewReader(a64File(nil)), CmdLine: "root=/dev/xvda2", Initrd: tt.initrd, Machine: xenvm(t)}
			original := bytes.Clone(req.Machine.DeviceTree)
			plan, err := Build(req)
			if err != nil {
				t.Fatal(err)
			}
			tree := plan.Segments[1]
			if tree.Name != "device tree" || plan.Entry.Regs["x0"] != tree.Addr || tree.Addr%8 != 0 ||
				tree.Addr>>21 != (tree.Addr+tree.Size-1)>>21 {
				t.Errorf("segment %q at %#x, %d bytes", tree.Name, tree.Addr, tree.Size)
			}
			got := make([]byte, tree.Size)
			if n, err := tree.Data.ReadAt(got, 0); n < len(got) {
				t.Fatal(err)
			}
			var want []property
			for _, p := range list(t, original) {
				switch p.Name {
				case "bootargs":
					p.Value = []byte("root=/dev/xvda2\x00")
				case "linux,initrd-start":
					if tt.initrd == nil {
						continue
					}
					p.Value = number(plan.Segments[2].Addr)
				case "linux,initrd-end":
					if tt.initrd == nil {
						continue
					}
					p.Value = number(plan.Segments[3].Addr + 999)
				}
				want = append(want, p)
			}
			if diff := cmp.Diff(want, list(t, got)); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
			if !bytes.Equal(original, req.Machine.DeviceTree) {
				t.Error("the machine's own tree was changed")
			}
		})
	}
}

// What either tree reserves is left alone.
func TestReservations(t *testing.T) {
	plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(a64File(nil)), Initrd: []File{initrd("a", mib)},
		DeviceTree: file("/x.dtb", reservingTree(t)), Machine: ram(t, 64)})
	if err != nil {
		t.Fatal(err)
	}
	reserved := []Range{
		{Start: gib, Size: 4096}, {Start: gib + 64*mib - 0x10000, Size: 0x10000}, {Start: gib + 60*mib, Size: mib},
		{Start: 0x47e00000, Size: 0x1a40}, {Start: 0x48000000, Size: 0x1234567}, // the machine's
	}
	for _, s := range plan.Segments {
		for _, r := range reserved {
			if s.Addr < r.End() && r.Start < s.Range().End() {
				t.Errorf("%s at %#x-%#x lies in %#x-%#x", s.Name, s.Addr, s.Range().End(), r.Start, r.End())
			}
		}
	}
	if plan.Entry.PC != gib+2*mib {
		t.Errorf("kernel at %#x", plan.Entry.PC)
	}
}

// A tree without /chosen gets one; one that is longer than it says is cut.
func TestTreeWithoutChosen(t *testing.T) {
	m := ram(t, 64)
	m.DeviceTree = append(bareTree(t), 1, 2, 3, 4)
	plan, err := Build(Request{Name: "k", Kernel: bytes.NewReader(a64File(nil)), CmdLine: "quiet", Machine: m})
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, plan.Segments[1].Size)
	if n, err := plan.Segments[1].Data.ReadAt(b, 0); n < len(b) {
		t.Fatal(err)
	}
	want := []property{{Path: "/"}, {Path: "/chosen/"}, {"/chosen/", "bootargs", []byte("quiet\x00")}}
	if diff := cmp.Diff(want, list(t, b)); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}
