package hypervisor

import (
	"fmt"
	"io"
	"sync"

	"pvboot/console/xencons"
	"pvboot/xen/xentest"
)

// console is xenconsoled: it takes what the guest writes into the ring to the
// hypervisor's own console, and keys the other way.
type console struct {
	out  io.Writer
	ring *xencons.Ring
	port *xentest.BackPort
	kick chan struct{}

	mu   sync.Mutex
	on   bool   // keys go to the ring
	keys []byte // typed and not yet taken
	err  error
}

// maxKeys bounds what is typed ahead.
const maxKeys = 64 << 10

func newConsole(m *xentest.Machine, out io.Writer) (*console, error) {
	ring, err := xencons.New(m.ConsolePage(), true)
	if err != nil {
		return nil, err
	}
	port, err := m.Bind(m.ConsolePort())
	if err != nil {
		return nil, err
	}
	c := &console{out: out, ring: ring, port: port, kick: make(chan struct{}, 1)}
	ring.SetConnected(true)
	m.Go(c.run)
	return c, nil
}

// typeKeys queues keys; what is too much is lost.
func (c *console) typeKeys(keys []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = append(c.keys, keys[:min(len(keys), maxKeys-len(c.keys))]...)
	c.wake()
}

func (c *console) wake() {
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// connect says whether the program that runs has a use for the ring.
func (c *console) connect(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = on
	c.wake()
}

// left tells of what a program has written and nobody taken.
func (c *console) left() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.ring.Waiting()
	if err == nil {
		err = c.err
	}
	switch {
	case err != nil:
		return []string{err.Error()}
	case n > 0:
		return []string{fmt.Sprintf("console ring: %d bytes not taken", n)}
	}
	return nil
}

// key takes a key before it goes to the ring.
func (c *console) key() (byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.keys) == 0 {
		return 0, false
	}
	k := c.keys[0]
	c.keys = c.keys[1:]
	return k, true
}

func (c *console) run(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-c.port.Events():
		case <-c.kick:
		}
		for c.step() {
		}
	}
}

// step moves what can be moved. It tells whether there may be more.
func (c *console) step() (more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	var buf [xencons.OutSize]byte
	n, err := c.ring.Read(buf[:])
	if err == nil && n > 0 {
		_, err = c.out.Write(buf[:n])
	}
	k := 0
	if err == nil && c.on {
		k, err = c.ring.Write(c.keys)
		c.keys = c.keys[k:]
	}
	c.err = err
	if n > 0 || k > 0 {
		c.port.Notify()
	}
	return n > 0 && err == nil
}
