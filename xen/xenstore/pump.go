package xenstore

import (
	"bytes"
	"fmt"
)

// pumpLimit bounds the bytes that one pump takes, so that a daemon that never
// stops sending cannot hold the client.
const pumpLimit = 64 << 10

// pump takes what the ring holds and hands out replies and events. With mu
// held.
func (c *Client) pump() {
	var buf [ringSize]byte
	moved, full := 0, false
	for c.broken == nil && moved < pumpLimit {
		before := c.ring.in.mine
		n, err := c.ring.Read(buf[:])
		if err != nil {
			c.fail(err)
			break
		}
		if n == 0 {
			break
		}
		moved += n
		full = full || c.ring.filled(before)
		c.feed(buf[:n])
	}
	if full {
		// The daemon may wait for room; otherwise it need not be woken.
		if err := c.t.Notify(); err != nil {
			c.fail(fmt.Errorf("xenstore: %w", err))
		}
	}
	if moved > 0 {
		return
	}
	if err := connectionError(c.t.Page); err != nil {
		c.fail(err)
	}
}

// feed parses bytes from the ring and delivers the packets in them. With mu
// held.
func (c *Client) feed(b []byte) {
	for len(b) > 0 {
		n, pkt, err := c.parser.Feed(b)
		if err != nil {
			c.fail(err)
			return
		}
		b = b[n:]
		if pkt == nil {
			continue
		}
		if pkt.Type == TypeWatchEvent {
			c.event(pkt)
			continue
		}
		c.deliver(pkt)
	}
}

// deliver hands a reply to the request that it answers. With mu held.
func (c *Client) deliver(p *Packet) {
	if c.owed > 0 {
		c.owed--
	}
	r := c.waiting[p.ReqID]
	if r == nil {
		c.stats.Unknown++
		return
	}
	delete(c.waiting, p.ReqID)
	c.stats.Replies++
	if p.Type != r.op && p.Type != TypeError {
		r.err = fmt.Errorf("answered with a reply of %v", p.Type)
		return
	}
	r.pkt = p
}

// errnoOf reads an error reply: the name of an errno. Whatever else the daemon
// sends is cut short, quoted and no errno.
func errnoOf(body []byte) error {
	name, _, _ := bytes.Cut(body, []byte{0})
	ok := len(name) > 1 && len(name) <= 16 && name[0] == 'E'
	for _, b := range name {
		ok = ok && (b >= 'A' && b <= 'Z' || b >= '0' && b <= '9')
	}
	if !ok {
		return fmt.Errorf("error reply %.32q", name)
	}
	return Errno(name)
}
