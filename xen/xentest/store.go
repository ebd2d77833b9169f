package xentest

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"pvboot/xen/xenstore"
	"pvboot/xen/xentest/xenstored"
)

// Store is domain 0's view of the machine's xenstore. Its operations take
// absolute paths and never wait.
type Store struct {
	m *Machine

	mu      sync.Mutex
	server  *xenstored.Server
	dom0    *xenstored.Conn
	guest   *xenstored.Conn
	watches []*StoreWatch
	kick    chan struct{} // packets wait for the guest
	hold    bool          // keep replies back
}

var _ xenstore.Store = (*Store)(nil)

// newStore makes the store with the guest's directory in it, and starts the
// daemon on the guest's ring.
func newStore(m *Machine) *Store {
	s := &Store{m: m, server: xenstored.New(m.c.Quota), kick: make(chan struct{}, 1)}
	s.dom0 = s.server.Connect(0)
	s.guest = s.server.Connect(uint16(m.c.DomID))
	s.makeDomain()
	if !m.c.NoStore && !m.c.Dom0less {
		d := newDaemon(m, s)
		m.Go(d.run)
	}
	return s
}

// request asks the core as domain 0.
func (s *Store) request(op xenstore.Type, path string, rest string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requestLocked(op, path, rest)
}

func (s *Store) requestLocked(op xenstore.Type, path, rest string) (string, error) {
	s.dom0.Handle(xenstore.Packet{Type: op, Body: []byte(path + "\x00" + rest)})
	var reply xenstore.Packet
	for _, p := range s.dom0.Take() {
		if p.Type == op || p.Type == xenstore.TypeError {
			reply = p
		}
	}
	s.pass()
	if reply.Type == xenstore.TypeError {
		name, _, _ := bytes.Cut(reply.Body, []byte{0})
		return "", &xenstore.Error{Op: op, Path: path, Err: xenstore.Errno(name)}
	}
	return string(reply.Body), nil
}

// pass hands on what requests caused: events to domain 0's watches, and word
// to the daemon that packets wait for the guest. With mu held.
func (s *Store) pass() {
	for _, w := range s.watches {
		if len(w.conn.Take()) > 0 {
			select {
			case w.ch <- struct{}{}:
			default:
			}
		}
	}
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// Read returns the value at path.
func (s *Store) Read(path string) (string, error) { return s.request(xenstore.TypeRead, path, "") }

// Write sets the value at path.
func (s *Store) Write(path, value string) error {
	_, err := s.request(xenstore.TypeWrite, path, value)
	return err
}

// Mkdir makes sure that path exists.
func (s *Store) Mkdir(path string) error {
	_, err := s.request(xenstore.TypeMkdir, path, "")
	return err
}

// Rm removes path and all below it.
func (s *Store) Rm(path string) error {
	_, err := s.request(xenstore.TypeRm, path, "")
	return err
}

// Directory lists the names directly below path.
func (s *Store) Directory(path string) ([]string, error) {
	l, err := s.request(xenstore.TypeDirectory, path, "")
	if err != nil || l == "" {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(l, "\x00"), "\x00"), nil
}

// GetPerms returns who may access path.
func (s *Store) GetPerms(path string) ([]xenstore.Perm, error) {
	l, err := s.request(xenstore.TypeGetPerms, path, "")
	if err != nil {
		return nil, err
	}
	var perms []xenstore.Perm
	for f := range strings.SplitSeq(strings.TrimSuffix(l, "\x00"), "\x00") {
		p, err := xenstore.ParsePerm(f)
		if err != nil {
			return nil, err
		}
		perms = append(perms, p)
	}
	return perms, nil
}

// SetPerms sets who may access path.
func (s *Store) SetPerms(path string, perms ...xenstore.Perm) error {
	var rest strings.Builder
	for _, p := range perms {
		rest.WriteString(p.String() + "\x00")
	}
	_, err := s.request(xenstore.TypeSetPerms, path, rest.String())
	return err
}

// StoreWatch is a watch of domain 0's.
type StoreWatch struct {
	s    *Store
	conn *xenstored.Conn
	ch   chan struct{}
}

// Watch watches path. Events fires at once, and then after changes; several
// may be told as one.
func (s *Store) Watch(path string) *StoreWatch {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &StoreWatch{s: s, conn: s.server.Connect(0), ch: make(chan struct{}, 1)}
	s.watches = append(s.watches, w)
	w.conn.Handle(xenstore.Packet{Type: xenstore.TypeWatch, Body: []byte(path + "\x00w\x00")})
	s.pass()
	return w
}

// Events fires when something at or below the path changed.
func (w *StoreWatch) Events() <-chan struct{} { return w.ch }

// Close ends the watch.
func (w *StoreWatch) Close() {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.conn.Close()
	w.s.watches = slices.DeleteFunc(w.s.watches, func(o *StoreWatch) bool { return o == w })
}

// Hold keeps all packets for the guest back until it is called with false.
func (s *Store) Hold(hold bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = hold
	s.pass()
}

// Dump returns all paths and values.
func (s *Store) Dump() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server.Dump()
}
