package xentest

import (
	"sync"
	"time"

	"pvboot/console/xencons"
)

// ConsoleConfig says how the console daemon behaves.
type ConsoleConfig struct {
	Chunk int           // most bytes taken at a time, all if 0
	Delay time.Duration // between two such chunks
	Deaf  bool          // takes nothing until Serve(true)
}

// ConsoleDaemon is xenconsoled for the machine's console: it collects what the
// guest writes and types what a test wants.
type ConsoleDaemon struct {
	c    ConsoleConfig
	ring *xencons.Ring
	port *BackPort
	kick chan struct{}

	mu      sync.Mutex
	deaf    bool
	out     []byte
	in      []byte // typed and not yet in the ring
	err     error
	changed chan struct{} // closed when out grows or the daemon fails
}

// StartConsole connects a console daemon to the guest's console.
func (m *Machine) StartConsole(c ConsoleConfig) (*ConsoleDaemon, error) {
	ring, err := xencons.New(m.ConsolePage(), true)
	if err != nil {
		return nil, err
	}
	port, err := m.Bind(m.ConsolePort())
	if err != nil {
		return nil, err
	}
	d := &ConsoleDaemon{c: c, ring: ring, port: port, deaf: c.Deaf, kick: make(chan struct{}, 1), changed: make(chan struct{})}
	ring.SetConnected(true)
	m.Go(d.run)
	return d, nil
}

// Type types p at the console.
func (d *ConsoleDaemon) Type(p string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.in = append(d.in, p...)
	d.wake()
}

// Serve makes the daemon take output and give input, or stop doing so.
func (d *ConsoleDaemon) Serve(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deaf = !on
	d.wake()
}

// Output returns all that the guest has written, and why the daemon gave up on
// the ring, if it did.
func (d *ConsoleDaemon) Output() (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return string(d.out), d.err
}

// Wait returns when ok says true of the output, or the daemon gave up, or
// after limit.
func (d *ConsoleDaemon) Wait(limit time.Duration, ok func(output string) bool) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		d.mu.Lock()
		out, failed, changed := string(d.out), d.err != nil, d.changed
		d.mu.Unlock()
		if ok(out) {
			return true
		}
		if failed {
			return false
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		}
	}
}

func (d *ConsoleDaemon) wake() {
	select {
	case d.kick <- struct{}{}:
	default:
	}
}

func (d *ConsoleDaemon) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-d.port.Events():
		case <-d.kick:
		}
		for d.step() {
			select {
			case <-stop:
				return
			case <-time.After(d.c.Delay):
			}
		}
	}
}

// step takes a chunk of output and gives the input that fits. It tells whether
// there is more output.
func (d *ConsoleDaemon) step() (more bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.deaf || d.err != nil {
		return false
	}
	chunk := d.c.Chunk
	if chunk == 0 {
		chunk = xencons.OutSize
	}
	buf := make([]byte, chunk)
	n, err := d.ring.Read(buf)
	d.out = append(d.out, buf[:n]...)
	var k int
	if err == nil {
		k, err = d.ring.Write(d.in)
		d.in = d.in[k:]
	}
	d.err = err
	if n > 0 || err != nil {
		close(d.changed)
		d.changed = make(chan struct{})
	}
	if n > 0 || k > 0 {
		d.port.Notify()
	}
	return n > 0 && err == nil
}
