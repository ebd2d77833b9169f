package fdt

import "bytes"

// Find is the node at an absolute path, as "/memory@40000000/x". A part
// without a unit address finds the first node of that name with any.
func (t Tree) Find(path string) (Node, bool) { return find(t, path) }

// Stdout is the node that /chosen's stdout-path means, an absolute path or an
// alias, both perhaps followed by options behind a colon (specification 3.6,
// "/chosen node").
func (t Tree) Stdout() (Node, bool) {
	chosen, ok := t.Find("/chosen")
	if !ok {
		return Node{}, false
	}
	path, _ := chosen.Text("stdout-path")
	if i := bytes.IndexByte(path, ':'); i >= 0 {
		path = path[:i]
	}
	if len(path) > 0 && path[0] == '/' {
		return find(t, path)
	}
	return t.alias(path)
}

// alias is the node that a property of /aliases names.
func (t Tree) alias(name []byte) (Node, bool) {
	aliases, ok := t.Find("/aliases")
	if !ok {
		return Node{}, false
	}
	for p, ok := aliases.Property(); ok; p, ok = p.Next() {
		if bytes.Equal(p.Name(), name) {
			path := p.Value()
			if i := bytes.IndexByte(path, 0); i >= 0 {
				path = path[:i]
			}
			return find(t, path)
		}
	}
	return Node{}, false
}

// text is what a path may come as; neither is turned into the other, which
// would need memory.
type text interface{ string | []byte }

func find[T text](t Tree, path T) (Node, bool) {
	if len(path) == 0 || path[0] != '/' {
		return Node{}, false
	}
	n, ok := t.Root()
	for start := 0; ok && start < len(path); {
		end := start
		for end < len(path) && path[end] != '/' {
			end++
		}
		if end > start {
			n, ok = childNamed(n, path[start:end])
		}
		start = end + 1
	}
	return n, ok
}

func childNamed[T text](parent Node, name T) (Node, bool) {
	for n, ok := parent.Child(); ok; n, ok = n.Next() {
		if nodeNamed(n, name) {
			return n, true
		}
	}
	return Node{}, false
}

// nodeNamed tells whether the node's name is name, or name and a unit address.
func nodeNamed[T text](n Node, name T) bool {
	own := n.Name()
	if len(own) < len(name) {
		return false
	}
	unit := false
	for i := range len(name) {
		if own[i] != name[i] {
			return false
		}
		unit = unit || name[i] == '@'
	}
	return len(own) == len(name) || own[len(name)] == '@' && !unit
}
