package hypervisor

import (
	"encoding/binary"
	"fmt"

	"pvboot/internal/fdt"
	"pvboot/xen"
)

// Tree is what the guest's device tree says (Devicetree Specification v0.4,
// chapter 3; Xen docs/misc/arm/device-tree/guest.txt). It has no devices.
type Tree struct {
	Guest   *Guest
	CmdLine string
	CPU     CPU
	// Initrd and InitrdEnd are where an initial RAM disk lies, both 0 for none.
	Initrd, InitrdEnd uint64
}

// CPU is what the architecture says of its processor: the properties of the node
// /cpus/cpu@0, of /cpus itself, and of nodes by their path.
type CPU struct {
	Props, CPUs Props
	Nodes       map[string]Props
}

// Props are a node's properties, in order.
type Props []Prop

// Prop is a property: its value is a string, a uint32, a uint64, a []string, a
// [2]uint64 (an address and a size), or no value at all (nil).
type Prop struct {
	Name  string
	Value any
}

// Bytes flattens the tree.
func (t *Tree) Bytes() ([]byte, error) {
	g := t.Guest
	cpu := append(Props{{"device_type", "cpu"}, {"reg", uint32(0)}, {"status", "okay"}}, t.CPU.Props...)
	chosen := Props{{"bootargs", t.CmdLine}}
	if t.InitrdEnd != 0 {
		chosen = append(chosen, Prop{"linux,initrd-start", t.Initrd}, Prop{"linux,initrd-end", t.InitrdEnd})
	}
	nodes := []struct {
		path  string
		props Props
	}{
		{"/", Props{{"model", fmt.Sprintf("XENVM-%d.%d", major, minor)}, {"compatible", []string{fmt.Sprintf("xen,xenvm-%d.%d", major, minor), "xen,xenvm"}},
			{"#address-cells", uint32(2)}, {"#size-cells", uint32(2)}}},
		{"/chosen", chosen},
		{"/cpus", append(Props{{"#address-cells", uint32(1)}, {"#size-cells", uint32(0)}}, t.CPU.CPUs...)},
		{"/cpus/cpu@0", cpu},
		{fmt.Sprintf("/memory@%x", g.Base), Props{{"device_type", "memory"}, {"reg", [2]uint64{g.Base, uint64(len(g.RAM))}}}},
		{"/hypervisor", Props{{"compatible", []string{fmt.Sprintf("xen,xen-%d.%d", major, minor), "xen,xen"}},
			{"reg", [2]uint64{g.Grants, g.GrantSize}}}},
	}
	d := fdt.New()
	for _, n := range nodes {
		if err := set(d, n.path, n.props); err != nil {
			return nil, err
		}
	}
	for path, props := range t.CPU.Nodes {
		if err := set(d, path, props); err != nil {
			return nil, err
		}
	}
	return d.Pack(), nil
}

// set gives the node at path its properties.
func set(d *fdt.Doc, path string, props Props) error {
	if err := d.Create(path); err != nil {
		return err
	}
	for _, p := range props {
		var b []byte
		switch v := p.Value.(type) {
		case nil:
		case string:
			b = append([]byte(v), 0)
		case []string:
			for _, s := range v {
				b = append(append(b, s...), 0)
			}
		case uint32:
			b = binary.BigEndian.AppendUint32(nil, v)
		case uint64:
			b = binary.BigEndian.AppendUint64(nil, v)
		case [2]uint64:
			b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, v[0]), v[1])
		default:
			return fmt.Errorf("device tree: %s: property %s of type %T", path, p.Name, p.Value)
		}
		if err := d.Set(path, p.Name, b); err != nil {
			return err
		}
	}
	return nil
}

// maxTree is the room for a device tree at the end of the guest's RAM.
const maxTree = 64 << 10

// PutInitrd copies an initial RAM disk to the end of what PutTree leaves, and says
// where it begins and ends.
func (g *Guest) PutInitrd(initrd []byte) (start, end uint64, err error) {
	if len(g.RAM) < maxTree || len(initrd) > len(g.RAM)-maxTree {
		return 0, 0, fmt.Errorf("hypervisor: an initial RAM disk of %d bytes: too little RAM", len(initrd))
	}
	at := (len(g.RAM) - maxTree - len(initrd)) &^ (xen.PageSize - 1)
	copy(g.RAM[at:], initrd)
	return g.Base + uint64(at), g.Base + uint64(at+len(initrd)), nil
}

// PutTree writes a device tree to the end of the guest's RAM and says where that
// is.
func (g *Guest) PutTree(tree []byte) (addr uint64, err error) {
	if len(tree) > maxTree || len(g.RAM) < maxTree {
		return 0, fmt.Errorf("hypervisor: a device tree of %d bytes: room for %d", len(tree), maxTree)
	}
	at := len(g.RAM) - maxTree
	copy(g.RAM[at:], tree)
	return g.Base + uint64(at), nil
}
