package fdt

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// model is a tree as plain values, edited the simple way.
type model struct {
	BootCPU  uint32
	Reserved [][2]uint64
	Root     *modelNode
}

type modelNode struct {
	Name     string
	Props    []modelProp
	Children []*modelNode
}

type modelProp struct{ Name, Value string }

func newModel(t Tree) *model {
	m := &model{BootCPU: t.BootCPU()}
	for i := 0; ; i++ {
		addr, size, ok := t.Reserved(i)
		if !ok {
			break
		}
		m.Reserved = append(m.Reserved, [2]uint64{addr, size})
	}
	var open [MaxDepth]*modelNode
	w := t.Walk()
	for n, ok := w.Next(); ok; n, ok = w.Next() {
		mn := &modelNode{Name: string(n.Name())}
		for p, ok := n.Property(); ok; p, ok = p.Next() {
			mn.Props = append(mn.Props, modelProp{string(p.Name()), string(p.Value())})
		}
		open[w.Depth()] = mn
		if w.Depth() == 0 {
			m.Root = mn
		} else {
			parent := open[w.Depth()-1]
			parent.Children = append(parent.Children, mn)
		}
	}
	return m
}

func (m *model) find(path string, create bool) *modelNode {
	n := m.Root
	for part := range strings.SplitSeq(path, "/") {
		if part == "" {
			continue
		}
		i := slices.IndexFunc(n.Children, func(c *modelNode) bool {
			base, _, _ := strings.Cut(c.Name, "@")
			return c.Name == part || base == part && !strings.Contains(part, "@")
		})
		if i < 0 {
			if !create {
				return nil
			}
			i = len(n.Children)
			n.Children = append(n.Children, &modelNode{Name: part})
		}
		n = n.Children[i]
	}
	return n
}

func (m *model) set(path, name, value string) {
	n := m.find(path, true)
	i := slices.IndexFunc(n.Props, func(p modelProp) bool { return p.Name == name })
	n.Props = slices.DeleteFunc(n.Props, func(p modelProp) bool { return p.Name == name })
	if i < 0 {
		i = len(n.Props)
	}
	n.Props = slices.Insert(n.Props, i, modelProp{name, value})
}

func (m *model) delete(path, name string) bool {
	n := m.find(path, false)
	if n == nil {
		return false
	}
	before := len(n.Props)
	n.Props = slices.DeleteFunc(n.Props, func(p modelProp) bool { return p.Name == name })
	return len(n.Props) < before
}

// raw builds flattened trees of odd shapes, whole or broken.
type raw struct {
	structure, strings []byte
	reserved           []uint64
	version            uint32
}

func (r *raw) cells(cells ...uint32) *raw {
	for _, c := range cells {
		r.structure = binary.BigEndian.AppendUint32(r.structure, c)
	}
	return r
}

func (r *raw) begin(name string) *raw {
	r.cells(tokenBegin)
	r.structure = pad(append(append(r.structure, name...), 0))
	return r
}

func (r *raw) end() *raw { return r.cells(tokenEnd) }

func (r *raw) prop(name, value string) *raw {
	r.cells(tokenProp, uint32(len(value)), uint32(len(r.strings)))
	r.structure = pad(append(r.structure, value...))
	r.strings = append(append(r.strings, name...), 0)
	return r
}

// bytes puts the blocks behind one another.
func (r *raw) bytes() []byte {
	if r.version == 0 {
		r.version = version
	}
	if r.reserved == nil {
		r.reserved = []uint64{0, 0}
	}
	structure := headerSize + 8*len(r.reserved)
	names := structure + len(r.structure)
	b := make([]byte, headerSize)
	for i, v := range []uint32{Magic, uint32(names + len(r.strings)), uint32(structure), uint32(names), headerSize,
		r.version, min(r.version, minVersion), 0, uint32(len(r.strings)), uint32(len(r.structure))} {
		binary.BigEndian.PutUint32(b[4*i:], v)
	}
	for _, v := range r.reserved {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return append(append(b, r.structure...), r.strings...)
}

func TestRaw(t *testing.T) {
	b := new(raw).begin("").prop("a", "1234").begin("b@1").prop("c", "").end().end().cells(tokenStop).bytes()
	want := "boot cpu 0\n {}\n\ta = 31323334\n\tb@1 {}\n\t\tc = \n"
	if got := dump(open(t, b)); got != want {
		t.Errorf("got %s", got)
	}
}
