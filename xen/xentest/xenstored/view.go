package xenstored

import (
	"strconv"

	"pvboot/xen/xenstore"
)

// view is the tree as one request sees it: the store itself, or a
// transaction's own state over it.
type view struct {
	s      *Server
	by     *Conn
	t      *tx // nil: the store itself
	events []event
}

// event is a change that watches are told of. A removal is told to watches
// below the path too.
type event struct {
	path    string
	removal bool
	seen    []*Conn // who may see the path, for a removal
}

// tx is an open transaction.
type tx struct {
	seen   map[string]uint64 // generation of each node at first sight, 0 for none
	nodes  map[string]*node  // what the transaction changed, nil for removed
	events []event
}

// viewOf returns the view that a request's transaction id names.
func (c *Conn) viewOf(id uint32) (*view, xenstore.Errno) {
	v := &view{s: c.s, by: c}
	if id == 0 {
		return v, ""
	}
	if v.t = c.txs[id]; v.t == nil {
		return nil, xenstore.ENOENT
	}
	return v, ""
}

// node returns the node at path, nil for none, and in a transaction remembers
// what it was.
func (v *view) node(path string) *node {
	if v.t == nil {
		return v.s.nodes[path]
	}
	if n, changed := v.t.nodes[path]; changed {
		return n
	}
	n := v.s.nodes[path]
	if _, known := v.t.seen[path]; !known {
		v.t.seen[path] = 0
		if n != nil {
			v.t.seen[path] = n.gen
		}
	}
	return n
}

// put replaces or makes the node at path.
func (v *view) put(path string, n *node) {
	if v.t != nil {
		v.t.nodes[path] = n
		return
	}
	v.s.set(path, n)
}

func (v *view) delete(path string) { v.put(path, nil) }

// set changes the store and keeps count of who owns what.
func (s *Server) set(path string, n *node) {
	if old := s.nodes[path]; old != nil {
		s.owned[old.perms[0].Dom]--
	}
	if n == nil {
		delete(s.nodes, path)
		return
	}
	s.gen++
	n.gen = s.gen
	s.owned[n.perms[0].Dom]++
	s.nodes[path] = n
}

func (v *view) changed(path string) { v.events = append(v.events, event{path: path}) }

// removed notes a removal before it happens, while it can still be told who
// may see the node.
func (v *view) removed(path string) {
	e := event{path: path, removal: true}
	for _, c := range v.s.conns {
		if c.may(v.node(path), xenstore.AccessRead) {
			e.seen = append(e.seen, c)
		}
	}
	v.events = append(v.events, e)
}

// finish tells of the changes, or keeps them for the transaction's end.
func (v *view) finish() {
	if v.t != nil {
		v.t.events = append(v.t.events, v.events...)
		return
	}
	v.s.fire(v.events)
}

func (c *Conn) begin(p xenstore.Packet) (string, xenstore.Errno) {
	if p.TxID != 0 {
		return "", xenstore.EBUSY
	}
	if string(p.Body) != "\x00" {
		return "", xenstore.EINVAL
	}
	if c.dom != 0 && len(c.txs) >= c.s.quota.Transactions {
		return "", xenstore.ENOSPC
	}
	c.s.lastT++
	c.txs[c.s.lastT] = &tx{seen: make(map[string]uint64), nodes: make(map[string]*node)}
	return strconv.FormatUint(uint64(c.s.lastT), 10) + "\x00", ""
}

// end commits or drops a transaction. A commit is refused when a node that the
// transaction saw has changed since.
func (c *Conn) end(p xenstore.Packet) (string, func(), xenstore.Errno) {
	t := c.txs[p.TxID]
	if t == nil {
		return "", nil, xenstore.ENOENT
	}
	how := string(p.Body)
	if how != "T\x00" && how != "F\x00" {
		return "", nil, xenstore.EINVAL
	}
	delete(c.txs, p.TxID)
	if how == "F\x00" {
		return ok, nil, ""
	}
	for path, gen := range t.seen {
		n := c.s.nodes[path]
		if n == nil && gen != 0 || n != nil && n.gen != gen {
			return "", nil, xenstore.EAGAIN
		}
	}
	for path, n := range t.nodes {
		c.s.set(path, n)
	}
	return ok, func() { c.s.fire(t.events) }, ""
}
