package fdt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// create is the node at path, made if need be.
func (d *Doc) create(path string) (Node, error) {
	n, ok := d.t.Root()
	if !ok || !strings.HasPrefix(path, "/") {
		return Node{}, fmt.Errorf("device tree: %q is not an absolute path", path)
	}
	depth := 1
	for part := range strings.SplitSeq(path, "/") {
		if part == "" {
			continue
		}
		child, ok := childNamed(n, part)
		if !ok {
			if depth == MaxDepth || len(part) > MaxNameLen || strings.IndexByte(part, 0) >= 0 {
				return Node{}, fmt.Errorf("device tree: %q: too deep, or not a name", path)
			}
			if err := d.room(4 + len(part) + 4 + 4); err != nil {
				return Node{}, fmt.Errorf("device tree: %s: %w", path, err)
			}
			child = d.addChild(n, part)
		}
		n = child
		depth++
	}
	return n, nil
}

// addChild puts a node at the end of its parent.
func (d *Doc) addChild(parent Node, name string) Node {
	at := parent.end()
	node := binary.BigEndian.AppendUint32(nil, tokenBegin)
	node = append(node, name...)
	node = pad(append(node, 0))
	node = binary.BigEndian.AppendUint32(node, tokenEnd)
	d.t.structure = slices.Insert(d.t.structure, at, node...)
	return Node{d.t.blocks, at}
}

// end is the offset of the node's FDT_END_NODE.
func (n Node) end() int {
	depth, at := 0, n.at
	for {
		token, next := n.step(at)
		switch token {
		case tokenBegin:
			depth++
		case tokenEnd:
			depth--
		}
		if depth <= 0 || next <= at {
			return at
		}
		at = next
	}
}

// propertiesEnd is the offset behind the node's last property.
func (n Node) propertiesEnd() int {
	_, end := n.step(n.at)
	for p, ok := n.Property(); ok; p, ok = p.Next() {
		_, end = p.step(p.at)
	}
	return end
}

// remove takes all properties of that name out of a node and tells where the
// first of them was.
func (d *Doc) remove(n Node, name string) (at int, ok bool) {
	var kept []byte
	rest := 0 // where what is not looked at begins
	for p, more := n.Property(); more; p, more = p.Next() {
		if !p.isNamed(name) {
			continue
		}
		if !ok {
			at, ok = p.at, true
			kept = make([]byte, 0, len(n.structure))
		}
		kept = append(kept, n.structure[rest:p.at]...)
		_, rest = p.step(p.at)
	}
	if ok {
		d.t.structure = append(kept, n.structure[rest:]...)
	}
	return at, ok
}

// nameOffset is where name stands in the strings block, put there if need be.
func (d *Doc) nameOffset(name string) uint32 {
	text := append([]byte(name), 0)
	at := bytes.Index(d.t.strings, text)
	if at < 0 {
		at = len(d.t.strings)
		d.t.strings = append(d.t.strings, text...)
	}
	return uint32(at)
}

// pad ends b on a whole cell.
func pad(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
