package fdt

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func addTrees(f *testing.F) {
	for _, name := range trees {
		f.Add(load(f, name))
	}
	f.Add(small().bytes())
	f.Add(new(raw).begin("").prop("a", "1").prop("a", "2").begin("chosen@0").end().cells(tokenNOP).end().cells(tokenStop).bytes())
	f.Add((&raw{version: 16, reserved: []uint64{1, 2, 0, 0}}).begin("/").end().cells(tokenStop).bytes())
	f.Add([]byte{})
}

// FuzzOpen calls all that reads, on whole and broken trees alike.
func FuzzOpen(f *testing.F) {
	addTrees(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, ok := Open(b)
		if size, sized := Size(b); ok && (!sized || size != len(tree.Bytes())) {
			t.Errorf("Size = %d, %v; the tree has %d", size, sized, len(tree.Bytes()))
		}
		var nodes, children int
		w := tree.Walk()
		for n, ok := w.Next(); ok; n, ok = w.Next() {
			nodes++
			parent, _ := w.Parent()
			cells := w.Cells()
			if nodes <= 100 && cells != parent.Cells() {
				t.Errorf("cells %v, the parent's are %v", cells, parent.Cells())
			}
			for p, ok := n.Property(); ok; p, ok = p.Next() {
				name := p.Name()
				if len(name) == 0 || len(name) > MaxNameLen {
					t.Errorf("name %q", name)
				}
				if _, ok := n.Prop(string(name)); !ok {
					t.Errorf("property %q is not found", name)
				}
				Contains(p.Value(), "x")
				U32(p.Value(), 1)
				for i := 0; ; i++ {
					if _, _, ok := cells.Reg(p.Value(), i); !ok {
						break
					}
				}
			}
			if n.Compatible("") {
				n.Enabled()
			}
			if nodes > 100 {
				continue // Next is linear
			}
			for c, ok := n.Child(); ok; c, ok = c.Next() {
				children++
			}
		}
		if ok && (nodes == 0 || nodes <= 100 && children != nodes-1) {
			t.Errorf("%d nodes, %d children", nodes, children)
		}
		for i := 0; ; i++ {
			if _, _, ok := tree.Reserved(i); !ok {
				break
			}
		}
		tree.Find("/cpus/cpu@0/x")
		tree.Stdout()
	})
}

// FuzzUnpack packs what it unpacked: the same tree, which then stays the same
// bytes; and edits it beside the model.
func FuzzUnpack(f *testing.F) {
	addTrees(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Unpack(b)
		if err != nil {
			return
		}
		m := newModel(open(t, b))
		packed := d.Pack()
		if diff := cmp.Diff(m, newModel(open(t, packed)), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("-unpacked +packed:\n%s", diff)
		}
		if again := unpack(t, packed).Pack(); !bytes.Equal(packed, again) {
			t.Errorf("packed again: %x, before: %x", again, packed)
		}
		if d.Set("/chosen", "a", []byte("xyzzy")) != nil || d.SetUint64("/chosen/b@1", "compatible", 7) != nil {
			return // too large, or too deep
		}
		m.set("/chosen", "a", "xyzzy")
		m.set("/chosen/b@1", "compatible", "\x00\x00\x00\x00\x00\x00\x00\x07")
		for _, name := range []string{"model", "linux,initrd-end"} {
			if d.Delete("/", name) != m.delete("/", name) || d.Delete("/chosen", name) != m.delete("/chosen", name) {
				t.Errorf("Delete %s differs", name)
			}
		}
		if diff := cmp.Diff(m, newModel(open(t, d.Pack())), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("-model +doc:\n%s", diff)
		}
	})
}
