// Package xenstored is the core of a xenstore daemon: a tree of nodes with
// permissions, transactions, watches and quotas, driven packet by packet. It
// does no I/O and starts no goroutine; callers serialise their calls.
//
// It answers as Xen's C xenstored does (docs/misc/xenstore.txt and
// tools/xenstored), so that a client meets the same refusals.
package xenstored

import (
	"fmt"
	"slices"
	"strings"

	"pvboot/xen/xenstore"
)

// Quota limits what an unprivileged domain may use; 0 stands for the C
// daemon's default.
type Quota struct {
	Nodes        int // owned by the domain, 1000
	Watches      int // 128
	Transactions int // open at once, 10
	NodeSize     int // bytes of a node: value, names below it, permissions, 2048
}

func (q Quota) withDefaults() Quota {
	set := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	set(&q.Nodes, 1000)
	set(&q.Watches, 128)
	set(&q.Transactions, 10)
	set(&q.NodeSize, 2048)
	return q
}

// Server is the store and its connections.
type Server struct {
	quota Quota
	nodes map[string]*node
	gen   uint64 // counts changes
	owned map[uint16]int
	conns []*Conn
	lastT uint32
}

// node is one node of the tree. Nodes are values that a change replaces.
type node struct {
	value    string
	perms    []xenstore.Perm
	children []string // in the order of their making
	gen      uint64   // the change that made this value
}

// New returns a store with nothing but its root, which domain 0 owns.
func New(q Quota) *Server {
	s := &Server{quota: q.withDefaults(), nodes: make(map[string]*node), owned: make(map[uint16]int)}
	s.nodes["/"] = &node{perms: []xenstore.Perm{{Dom: 0, Access: xenstore.AccessRead}}}
	return s
}

// Dump returns all paths and their values, for tests.
func (s *Server) Dump() map[string]string {
	m := make(map[string]string, len(s.nodes))
	for p, n := range s.nodes {
		m[p] = n.value
	}
	return m
}

// Conn is one domain's connection.
type Conn struct {
	s       *Server
	dom     uint16
	home    string
	watches []*watch
	txs     map[uint32]*tx
	out     []xenstore.Packet
}

type watch struct {
	path  string // absolute
	rel   bool   // the client gave a relative path
	token string
}

// Connect makes a connection for domain dom; 0 is privileged.
func (s *Server) Connect(dom uint16) *Conn {
	c := &Conn{s: s, dom: dom, home: fmt.Sprintf("/local/domain/%d", dom), txs: make(map[uint32]*tx)}
	s.conns = append(s.conns, c)
	return c
}

// Take returns the packets that wait to be sent to the connection's client:
// replies and watch events.
func (c *Conn) Take() []xenstore.Packet {
	out := c.out
	c.out = nil
	return out
}

// Watches lists the connection's watches, for tests.
func (c *Conn) Watches() []string {
	var l []string
	for _, w := range c.watches {
		l = append(l, w.path)
	}
	return l
}

// Transactions returns how many transactions are open.
func (c *Conn) Transactions() int { return len(c.txs) }

// Reset drops watches, transactions and packets not yet taken, as a
// reconnection does.
func (c *Conn) Reset() {
	c.watches, c.out = nil, nil
	clear(c.txs)
}

// Close ends the connection.
func (c *Conn) Close() {
	c.Reset()
	c.s.conns = slices.DeleteFunc(c.s.conns, func(o *Conn) bool { return o == c })
}

// Handle answers one request; the reply waits in Take.
func (c *Conn) Handle(p xenstore.Packet) {
	reply, after, err := c.request(p)
	r := xenstore.Packet{Type: p.Type, ReqID: p.ReqID, TxID: p.TxID, Body: []byte(reply)}
	if err == "" && len(reply) > xenstore.MaxBody {
		err = xenstore.E2BIG
	}
	if err != "" {
		r.Type, r.Body = xenstore.TypeError, append([]byte(err), 0)
	}
	c.out = append(c.out, r)
	if err == "" && after != nil {
		after()
	}
}

const ok = "OK\x00"

// request carries out one request. after, where not nil, runs once the reply
// stands in line.
func (c *Conn) request(p xenstore.Packet) (reply string, after func(), err xenstore.Errno) {
	switch p.Type {
	case xenstore.TypeWatch:
		return c.watch(p.Body)
	case xenstore.TypeUnwatch:
		return ok, nil, c.unwatch(p.Body)
	case xenstore.TypeResetWatches:
		c.watches = nil
		clear(c.txs)
		return ok, nil, ""
	case xenstore.TypeTransactionStart:
		reply, err = c.begin(p)
		return reply, nil, err
	case xenstore.TypeTransactionEnd:
		return c.end(p)
	case xenstore.TypeGetDomainPath:
		var dom uint16
		if _, e := fmt.Sscanf(strings.TrimSuffix(string(p.Body), "\x00"), "%d", &dom); e != nil {
			return "", nil, xenstore.EINVAL
		}
		return fmt.Sprintf("/local/domain/%d\x00", dom), nil, ""
	}
	op := operations[p.Type]
	if op == nil {
		return "", nil, xenstore.ENOSYS
	}
	v, err := c.viewOf(p.TxID)
	if err != "" {
		return "", nil, err
	}
	path, rest, err := c.pathArg(string(p.Body))
	if err != "" {
		return "", nil, err
	}
	reply, err = op(c, v, path, rest)
	if err == "" {
		v.finish()
	}
	return reply, nil, err
}

// pathArg splits a body into the absolute path that it starts with and the
// rest behind the path's zero byte.
func (c *Conn) pathArg(body string) (path, rest string, err xenstore.Errno) {
	path, rest, found := strings.Cut(body, "\x00")
	if !found {
		return "", "", xenstore.EINVAL
	}
	if path, err = c.absolute(path); err != "" {
		return "", "", err
	}
	return path, rest, ""
}

// absolute checks a path and puts the domain's directory before a relative
// one.
func (c *Conn) absolute(path string) (string, xenstore.Errno) {
	if !strings.HasPrefix(path, "/") {
		if len(path) > xenstore.MaxRelPath {
			return "", xenstore.EINVAL
		}
		path = c.home + "/" + path
	}
	if len(path) > xenstore.MaxAbsPath || path != "/" && strings.HasSuffix(path, "/") || strings.Contains(path, "//") {
		return "", xenstore.EINVAL
	}
	for i := range len(path) {
		b := path[i]
		alnum := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !alnum && !strings.ContainsRune("-/_@", rune(b)) {
			return "", xenstore.EINVAL
		}
	}
	return path, ""
}
