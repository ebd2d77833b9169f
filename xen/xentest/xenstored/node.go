package xenstored

import (
	"slices"
	"strings"

	"pvboot/xen/xenstore"
)

// parent returns the path above path; the root's is the root.
func parent(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 {
		return "/"
	}
	return path[:i]
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func join(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}

// may tells whether the connection has access want to n.
func (c *Conn) may(n *node, want xenstore.Access) bool {
	if c.dom == 0 || n.perms[0].Dom == c.dom {
		return true
	}
	a := n.perms[0].Access
	for _, p := range n.perms[1:] {
		if p.Dom == c.dom {
			a = p.Access
			break
		}
	}
	return a == xenstore.AccessBoth || a == want
}

// get returns the node at path if the connection has access want to it. That a
// node does not exist is told only to those who may see the one above.
func (c *Conn) get(v *view, path string, want xenstore.Access) (*node, xenstore.Errno) {
	if n := v.node(path); n != nil {
		if !c.may(n, want) {
			return nil, xenstore.EACCES
		}
		return n, ""
	}
	for dir := parent(path); ; dir = parent(dir) {
		if n := v.node(dir); n != nil {
			if !c.may(n, want) {
				return nil, xenstore.EACCES
			}
			return nil, xenstore.ENOENT
		}
	}
}

// create makes the node at path and what is missing above it, all with the
// permissions of the nearest node above that exists, and owned by the domain
// that asks.
func (c *Conn) create(v *view, path, value string) xenstore.Errno {
	var missing []string
	dir := path
	for v.node(dir) == nil {
		missing = append(missing, dir)
		dir = parent(dir)
	}
	above := v.node(dir)
	if !c.may(above, xenstore.AccessWrite) {
		return xenstore.EACCES
	}
	if c.dom != 0 && c.s.owned[c.dom]+len(missing) > c.s.quota.Nodes {
		return xenstore.ENOSPC
	}
	perms := slices.Clone(above.perms)
	if c.dom != 0 {
		perms[0].Dom = c.dom
	}
	up := *above
	up.children = append(slices.Clone(up.children), base(missing[len(missing)-1]))
	if !c.fits(&up) || !c.fits(&node{value: value, perms: perms}) {
		return xenstore.ENOSPC
	}
	v.put(dir, &up)
	for i, p := range missing { // from the bottom up
		n := &node{perms: perms}
		if i == 0 {
			n.value = value
		} else {
			n.children = []string{base(missing[i-1])}
		}
		v.put(p, n)
	}
	return ""
}

// Bytes of a node as the C daemon counts them (tools/xenstored/core.c,
// write_node): a header, and each permission.
const (
	headerSize = 24
	permSize   = 8
)

// fits tells whether a node is small enough for the domain to write it.
func (c *Conn) fits(n *node) bool {
	size := headerSize + permSize*len(n.perms) + len(n.value) + len(children(n))
	return c.dom == 0 || size < c.s.quota.NodeSize
}

// remove takes the node at path and all below it away.
func (v *view) remove(path string) {
	up := *v.node(parent(path))
	i := slices.Index(up.children, base(path))
	up.children = slices.Delete(slices.Clone(up.children), i, i+1)
	v.put(parent(path), &up)
	v.drop(path)
}

func (v *view) drop(path string) {
	for _, child := range v.node(path).children {
		v.drop(join(path, child))
	}
	v.delete(path)
}
