package xentest

import (
	"pvboot/internal/shm"
	"pvboot/xen/xenstore"
)

// Words of the xenstore ring page that only the daemon writes
// (docs/misc/xenstore-ring.txt).
const (
	storeFeatures   = 2064
	storeConnection = 2068
	storeError      = 2072
)

// daemon serves the guest's xenstore ring. Step does all the work and never
// waits; run calls it when something happened.
type daemon struct {
	m      *Machine
	s      *Store
	page   []byte
	ring   *xenstore.Ring
	port   *BackPort
	parser xenstore.Parser
	out    []byte
	dead   bool
}

// newDaemon connects to the ring as INTRODUCE does.
func newDaemon(m *Machine, s *Store) *daemon {
	d := &daemon{m: m, s: s, page: m.StorePage()}
	for _, off := range []int{2048, 2052, 2056, 2060} {
		shm.Store(d.page, off, m.c.StoreIndex)
	}
	if !m.c.NoReconnect {
		shm.Store(d.page, storeFeatures, xenstore.FeatureReconnect|xenstore.FeatureError)
	}
	var err error
	if d.port, err = m.Bind(storePort); err == nil {
		d.ring, err = xenstore.NewRing(d.page, true)
	}
	if err != nil {
		panic(err) // a mistake of this package's
	}
	return d
}

func (d *daemon) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-d.port.Events():
		case <-d.s.kick:
		}
		if d.step() {
			d.port.Notify()
		}
	}
}

// step takes requests, answers them and puts answers and events on the ring.
// It tells whether the guest should look at the ring.
func (d *daemon) step() (moved bool) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if !d.m.c.NoReconnect && shm.Load(d.page, storeConnection) != 0 {
		d.reset()
		return true
	}
	var buf [1024]byte
	for !d.dead {
		n, err := d.ring.Read(buf[:])
		if err != nil {
			d.die(2, err)
			break
		}
		if n == 0 {
			break
		}
		moved = true
		d.take(buf[:n])
	}
	return d.flush() || moved
}

// take parses requests and has the core answer them.
func (d *daemon) take(b []byte) {
	for len(b) > 0 {
		n, p, err := d.parser.Feed(b)
		if err != nil {
			d.die(3, err)
			return
		}
		b = b[n:]
		if p != nil {
			d.s.guest.Handle(*p)
			d.s.pass()
		}
	}
}

// flush moves the core's packets onto the ring, as far as there is room.
func (d *daemon) flush() (moved bool) {
	if d.s.hold || d.dead {
		return false
	}
	for _, p := range d.s.guest.Take() {
		raw, err := p.Append(nil)
		if err != nil {
			continue // the core keeps to the limit
		}
		if d.m.c.Reply == nil {
			d.out = append(d.out, raw...)
			continue
		}
		for _, r := range d.m.c.Reply(raw) {
			d.out = append(d.out, r...)
		}
	}
	n, err := d.ring.Write(d.out)
	if err != nil {
		d.die(2, err)
	}
	d.out = d.out[n:]
	return n > 0
}

// die stops serving a guest that broke the protocol.
func (d *daemon) die(code uint32, err error) {
	d.dead = true
	if !d.m.c.NoReconnect {
		shm.Store(d.page, storeError, code)
	}
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	d.m.violation("xenstore daemon gave up: %v", err)
}

// reset carries out the guest's wish for a reconnection.
func (d *daemon) reset() {
	d.s.guest.Reset()
	d.parser, d.out, d.dead = xenstore.Parser{}, nil, false
	for _, off := range []int{2048, 2052, 2056, 2060, storeError} {
		shm.Store(d.page, off, 0)
	}
	d.ring.Reload()
	shm.Store(d.page, storeConnection, 0)
}
