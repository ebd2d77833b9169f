package xenstore

import "fmt"

// Close ends the connection so that the next user of the ring finds it as this
// one did: no watch, no transaction, no reply on its way, the ring empty. What
// the daemon cannot be made to take back by requests, a reset of the ring
// does, where the daemon offers one. The error says what is left. A second
// Close checks again.
func (c *Client) Close() error {
	c.mu.Lock()
	again := c.closed
	c.mu.Unlock()
	var err error
	if !again {
		err = c.closeRequests()
	}
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	if rest := c.drain(); err == nil {
		err = rest
	}
	if err == nil {
		return nil
	}
	if !canReconnect(c.t.Page) {
		return fmt.Errorf("xenstore: close: %w", err)
	}
	if rerr := reconnectRing(c.t, c.limit); rerr != nil {
		return also(err, rerr)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ring.Reload()
	c.owed, c.parser = 0, Parser{}
	if !Quiescent(c.t.Page) {
		return fmt.Errorf("xenstore: close: ring not empty after its reset: %s", indexes(c.t.Page))
	}
	return nil
}

// closeRequests ends watches and transactions that are left, and those that
// a request without an answer may have made.
func (c *Client) closeRequests() error {
	c.mu.Lock()
	broken, left := c.broken, len(c.watches) > 0 || c.txs > 0 || c.unsure
	clear(c.watches)
	c.txs = 0
	c.mu.Unlock()
	if broken != nil {
		return broken
	}
	if !left {
		return nil
	}
	_, err := c.talk(TypeResetWatches, 0, "", []byte{0})
	return err
}

// drain waits until every request has its answer and the ring is empty.
func (c *Client) drain() error {
	err := c.t.Wait(c.limit, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.pump()
		return c.broken != nil || c.owed == 0 && !c.parser.Partial() && Quiescent(c.t.Page)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return c.broken
	}
	if err != nil {
		return fmt.Errorf("ring not at rest: %d requests without an answer, %s: %w", c.owed, indexes(c.t.Page), err)
	}
	return nil
}
