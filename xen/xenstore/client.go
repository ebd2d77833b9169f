package xenstore

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"
)

// DefaultLimit is how long a request may take where Transport.Limit is 0. A
// busy dom0 answers in milliseconds, a swapping one in seconds.
const DefaultLimit = 20 * time.Second

// ErrClosed is returned by the requests of a closed client, transaction or
// watch.
var ErrClosed = errors.New("closed")

// Transport is what the client stands on: the ring page, and how to tell the
// daemon and to wait for it.
type Transport struct {
	Page   []byte
	Notify func() error
	// Wait returns nil once cond says true, and an error when limit has
	// passed. It calls cond from the calling goroutine.
	Wait  func(limit time.Duration, cond func() bool) error
	Limit time.Duration // for one request, DefaultLimit if 0
	// Ready is for a daemon that New finds not to serve the ring yet, Limit
	// if 0. Fresh says that the page was made a moment ago.
	Ready time.Duration
	Fresh bool
}

// A Client is the guest's connection to the daemon. Its methods may be called
// by several goroutines at once: whoever waits for a reply takes what the ring
// holds and hands it to the one that it is for. No goroutine of its own stands
// behind it, so nothing moves on the ring while nobody waits.
type Client struct {
	ops
	t     Transport
	limit time.Duration

	sendMu sync.Mutex // held while a request is put on the ring

	mu      sync.Mutex // never held while waiting
	ring    *Ring
	parser  Parser
	nextID  uint32
	waiting map[uint32]*reply // requests by id
	owed    int               // requests on the ring without a reply so far
	watches map[string]*Watch // by token
	txs     int               // open transactions
	unsure  bool              // a request timed out: who knows what it did
	broken  error             // the connection cannot be used any more
	closed  bool
	stats   Stats
}

// Stats counts what a client has seen.
type Stats struct {
	Requests int // sent
	Replies  int // taken that somebody waited for
	Unknown  int // taken that nobody waited for: late, repeated or made up
	Events   int // watch events for a watch of this client
	Strays   int // watch events without one
}

// reply is the place that a request's answer goes to.
type reply struct {
	op  Type
	pkt *Packet
	err error
}

func (r *reply) done() bool { return r.pkt != nil || r.err != nil }

// New connects to the daemon, and waits for it where the ring says so. Replies that an earlier user of the ring did not
// take are thrown away.
func New(t Transport) (*Client, error) {
	c := &Client{t: t, limit: t.Limit, waiting: make(map[uint32]*reply), watches: make(map[string]*Watch)}
	if c.limit == 0 {
		c.limit = DefaultLimit
	}
	c.ops.c = c
	ring, err := NewRing(t.Page, false)
	if err != nil {
		return nil, err
	}
	if err := awaitServed(t, cmp.Or(t.Ready, c.limit)); err != nil {
		return nil, err
	}
	if err := connectionError(t.Page); err != nil {
		return nil, err
	}
	if !Quiescent(t.Page) {
		if err := settle(t, ring, c.limit); err != nil {
			return nil, err
		}
	}
	ring.Reload()
	c.ring = ring
	return c, nil
}

// settle brings a ring to rest that an earlier user left in the middle.
func settle(t Transport, ring *Ring, limit time.Duration) error {
	if canReconnect(t.Page) {
		return reconnectRing(t, limit)
	}
	if _, err := ring.Write(nil); err != nil {
		return err
	}
	if err := t.Wait(limit, ring.drained); err != nil {
		return fmt.Errorf("xenstore: ring left by an earlier user: %s: %w", indexes(t.Page), err)
	}
	if _, err := ring.Readable(); err != nil {
		return err
	}
	ring.skip()
	return nil
}

// Stats returns the counters.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// Poll takes what the ring holds: for those who wait for something else, such
// as a backend's state, and want watches to fire meanwhile.
func (c *Client) Poll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pump()
}

// talk sends one request and waits for its answer.
func (c *Client) talk(op Type, tx uint32, path string, body []byte) ([]byte, error) {
	return c.finish(c.start(op, tx, path, body))
}

// send puts a request on the ring, waiting for room, and books r for its
// answer.
func (c *Client) send(r *reply, p Packet) (id uint32, err error) {
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	if err := c.book(r, &p); err != nil {
		return 0, err
	}
	raw, err := p.Append(nil)
	if err != nil {
		c.forget(p.ReqID)
		return 0, err
	}
	total := len(raw)
	var failed error
	err = c.t.Wait(c.limit, func() bool {
		var n int
		n, failed = c.push(raw)
		raw = raw[n:]
		if n > 0 && failed == nil {
			failed = c.t.Notify()
		}
		return failed != nil || len(raw) == 0
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		c.sendFailed(p.ReqID, total-len(raw), total, err)
		return 0, err
	}
	return p.ReqID, nil
}

// book gives p an id that no open request has, and makes r its reply.
func (c *Client) book(r *reply, p *Packet) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.usable(); err != nil {
		return err
	}
	for c.nextID++; c.nextID == 0 || c.waiting[c.nextID] != nil; {
		c.nextID++
	}
	p.ReqID = c.nextID
	c.waiting[p.ReqID] = r
	c.owed++
	c.stats.Requests++
	return nil
}

// push writes what fits of a request, and makes room for the daemon's replies,
// without which it may take no more requests.
func (c *Client) push(raw []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pump()
	if c.broken != nil {
		return 0, c.broken
	}
	return c.ring.Write(raw)
}

// sendFailed books out a request that did not get onto the ring. Where a part
// of it did, the byte stream is beyond repair.
func (c *Client) sendFailed(id uint32, sent, total int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
	if sent < total {
		c.owed--
	}
	if sent > 0 && sent < total || errors.Is(err, ErrRing) {
		c.fail(fmt.Errorf("xenstore: request cut off after %d of %d bytes: %w", sent, total, err))
	}
	c.unsure = c.unsure || sent > 0
}

// forget books out a request of which nothing was sent.
func (c *Client) forget(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
	c.owed--
}

// await waits for the answer to request id. One that comes too late is thrown
// away later.
func (c *Client) await(id uint32, r *reply) error {
	err := c.t.Wait(c.limit, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pump()
		return r.done()
	})
	if err == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.done() {
		return nil
	}
	delete(c.waiting, id)
	c.unsure = true
	return fmt.Errorf("no reply: %w", err)
}

// usable says why the connection cannot be used. With mu held.
func (c *Client) usable() error {
	if c.closed {
		return ErrClosed
	}
	return c.broken
}

// fail marks the connection as lost and tells all who wait. With mu held.
func (c *Client) fail(err error) {
	if c.broken != nil {
		return
	}
	c.broken = err
	for id, r := range c.waiting {
		r.err = err
		delete(c.waiting, id)
	}
}
