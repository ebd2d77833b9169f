package fdt

import (
	"bytes"
	"encoding/binary"
)

// Node is a node of a [Tree]. The zero Node has neither name, properties nor
// neighbours.
type Node struct {
	blocks
	at int // of FDT_BEGIN_NODE
}

// nodeFrom is the node that begins at or, NOPs apart, behind offset at.
func (b blocks) nodeFrom(at int) (Node, bool) {
	token, at, _ := b.skipNOPs(at)
	if token != tokenBegin {
		return Node{}, false
	}
	return Node{b, at}, true
}

// Name is the node's name with its unit address, as "memory@40000000". The
// root's is empty as a rule.
func (n Node) Name() []byte {
	if token, _ := n.step(n.at); token != tokenBegin {
		return nil
	}
	name := n.structure[n.at+4:]
	return name[:bytes.IndexByte(name, 0)]
}

// Child is the node's first child, false when it has none:
//
//	for c, ok := n.Child(); ok; c, ok = c.Next() {
func (n Node) Child() (Node, bool) {
	_, at := n.step(n.at)
	for {
		token, next := n.step(at)
		switch token {
		case tokenProp, tokenNOP:
			at = next
		case tokenBegin:
			return Node{n.blocks, at}, true
		default:
			return Node{}, false
		}
	}
}

// Next is the next child of the same parent, false after the last one. It
// goes through all nodes below n: use a [Walker] to see a whole tree.
func (n Node) Next() (Node, bool) {
	depth, at := 0, n.at
	for {
		token, next := n.step(at)
		switch token {
		case tokenBegin:
			depth++
		case tokenEnd:
			depth--
		case tokenProp, tokenNOP:
		default:
			return Node{}, false
		}
		if at = next; depth <= 0 {
			return n.nodeFrom(at)
		}
	}
}

// Property is the node's first property, false when it has none:
//
//	for p, ok := n.Property(); ok; p, ok = p.Next() {
func (n Node) Property() (Property, bool) {
	_, at := n.step(n.at)
	return n.propertyFrom(at)
}

// Prop is the value of the property with that name, false when there is none.
func (n Node) Prop(name string) ([]byte, bool) {
	for p, ok := n.Property(); ok; p, ok = p.Next() {
		if p.isNamed(name) {
			return p.Value(), true
		}
	}
	return nil, false
}

// Property is a property of a [Node].
type Property struct {
	blocks
	at int // of FDT_PROP
}

func (b blocks) propertyFrom(at int) (Property, bool) {
	token, at, _ := b.skipNOPs(at)
	if token != tokenProp {
		return Property{}, false
	}
	return Property{b, at}, true
}

// Next is the same node's next property, false after the last one.
func (p Property) Next() (Property, bool) {
	token, next := p.step(p.at)
	if token != tokenProp {
		return Property{}, false
	}
	return p.propertyFrom(next)
}

// Name is the property's name, 1 to [MaxNameLen] bytes.
func (p Property) Name() []byte {
	name := p.nameOn()
	return name[:max(bytes.IndexByte(name, 0), 0)]
}

// nameOn is the strings block from the property's name on.
func (p Property) nameOn() []byte {
	if token, _ := p.step(p.at); token != tokenProp {
		return nil
	}
	offset := binary.BigEndian.Uint32(p.structure[p.at+8:])
	return p.strings[min(int(offset), len(p.strings)):]
}

func (p Property) isNamed(name string) bool {
	own := p.nameOn()
	return len(own) > len(name) && string(own[:len(name)]) == name && own[len(name)] == 0
}

// Value is the property's value, which may be empty.
func (p Property) Value() []byte {
	token, _ := p.step(p.at)
	if token != tokenProp {
		return nil
	}
	n := int(binary.BigEndian.Uint32(p.structure[p.at+4:]))
	return p.structure[p.at+propHeader:][:n:n]
}
