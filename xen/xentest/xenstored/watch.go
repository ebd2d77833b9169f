package xenstored

import (
	"slices"
	"strings"

	"pvboot/xen/xenstore"
)

// watchArgs splits the body of WATCH and UNWATCH.
func (c *Conn) watchArgs(body []byte) (w *watch, err xenstore.Errno) {
	f := strings.Split(string(body), "\x00")
	if len(f) != 3 || f[2] != "" {
		return nil, xenstore.EINVAL
	}
	w = &watch{path: f[0], token: f[1], rel: !strings.HasPrefix(f[0], "/")}
	if strings.HasPrefix(w.path, "@") {
		if w.rel = false; len(w.path) > xenstore.MaxRelPath {
			return nil, xenstore.EINVAL
		}
		if c.dom != 0 {
			return nil, xenstore.EACCES
		}
		return w, ""
	}
	w.path, err = c.absolute(w.path)
	return w, err
}

func (c *Conn) find(w *watch) int {
	return slices.IndexFunc(c.watches, func(o *watch) bool { return o.path == w.path && o.token == w.token })
}

func (c *Conn) watch(body []byte) (string, func(), xenstore.Errno) {
	w, err := c.watchArgs(body)
	switch {
	case err != "":
		return "", nil, err
	case c.find(w) >= 0:
		return "", nil, xenstore.EEXIST
	case c.dom != 0 && len(c.watches) >= c.s.quota.Watches:
		return "", nil, xenstore.E2BIG
	}
	c.watches = append(c.watches, w)
	return ok, func() { c.tell(w, w.path) }, ""
}

func (c *Conn) unwatch(body []byte) xenstore.Errno {
	w, err := c.watchArgs(body)
	if err != "" {
		return err
	}
	i := c.find(w)
	if i < 0 {
		return xenstore.ENOENT
	}
	c.watches = slices.Delete(c.watches, i, i+1)
	return ""
}

// tell queues an event.
func (c *Conn) tell(w *watch, path string) {
	if w.rel {
		path = strings.TrimPrefix(path, c.home+"/")
	}
	c.out = append(c.out, xenstore.Packet{Type: xenstore.TypeWatchEvent, Body: []byte(path + "\x00" + w.token + "\x00")})
}

// within tells whether path is dir or below it.
func within(path, dir string) bool {
	rest, cut := strings.CutPrefix(path, dir)
	return cut && (rest == "" || rest[0] == '/' || dir == "/")
}

// fire tells the watches that cover each event.
func (s *Server) fire(events []event) {
	for _, e := range events {
		for _, c := range s.conns {
			if !c.sees(e) {
				continue
			}
			for _, w := range c.watches {
				switch {
				case within(e.path, w.path):
					c.tell(w, e.path)
				case e.removal && within(w.path, e.path):
					c.tell(w, w.path)
				}
			}
		}
	}
}

// sees tells whether the connection may be told of an event.
func (c *Conn) sees(e event) bool {
	if e.removal {
		return slices.Contains(e.seen, c)
	}
	n := c.s.nodes[e.path]
	return n != nil && c.may(n, xenstore.AccessRead)
}
