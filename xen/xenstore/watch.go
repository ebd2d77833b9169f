package xenstore

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// maxEvents is how many events wait for a watch's owner. What comes on top is
// told by one event for the watch's own path.
const maxEvents = 64

// A Watch tells of changes at and below a path. Events are taken off the ring
// by whoever waits for anything of the client's.
type Watch struct {
	c     *Client
	path  string
	token string

	// Guarded by c.mu.
	events []string
	more   bool
	closed bool
}

// Watch starts to watch path, which need not exist. The first event comes at
// once.
func (c *Client) Watch(path string) (*Watch, error) {
	if err := checkPath(path); err != nil {
		return nil, &Error{Op: TypeWatch, Path: path, Err: err}
	}
	w := &Watch{c: c, path: path}
	c.mu.Lock()
	for n := len(c.watches); ; n++ {
		w.token = strconv.Itoa(n)
		if c.watches[w.token] == nil {
			break
		}
	}
	c.watches[w.token] = w
	c.mu.Unlock()
	_, err := c.talk(TypeWatch, 0, path, []byte(path+"\x00"+w.token+"\x00"))
	if err == nil {
		return w, nil
	}
	var code Errno
	if errors.As(err, &code) {
		c.mu.Lock()
		delete(c.watches, w.token)
		c.mu.Unlock()
	}
	return nil, err
}

// Path returns what is watched.
func (w *Watch) Path() string { return w.path }

// Pending takes what the ring holds and tells whether an event waits.
func (w *Watch) Pending() bool {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.c.pump()
	return len(w.events) > 0 || w.more || w.closed || w.c.broken != nil
}

// Next waits up to limit for an event and returns the path that changed, the
// watch's own or one below it.
func (w *Watch) Next(limit time.Duration) (string, error) {
	err := w.c.t.Wait(limit, w.Pending)
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	switch {
	case len(w.events) > 0:
		p := w.events[0]
		w.events = w.events[1:]
		return p, nil
	case w.more:
		w.more = false
		return w.path, nil
	case w.closed:
		err = ErrClosed
	case w.c.broken != nil:
		err = w.c.broken
	}
	return "", &Error{Op: TypeWatchEvent, Path: w.path, Err: err}
}

// Close ends the watch. A second Close does nothing.
func (w *Watch) Close() error {
	w.c.mu.Lock()
	closed := w.closed
	w.closed = true
	w.c.mu.Unlock()
	if closed {
		return nil
	}
	_, err := w.c.talk(TypeUnwatch, 0, w.path, []byte(w.path+"\x00"+w.token+"\x00"))
	var code Errno
	if err == nil || errors.As(err, &code) {
		w.c.mu.Lock()
		delete(w.c.watches, w.token)
		w.c.mu.Unlock()
	}
	return err
}

// String names the watch.
func (w *Watch) String() string { return "watch of " + strconv.Quote(w.path) }

// event hands a watch event to its watch. With mu held.
func (c *Client) event(p *Packet) {
	f := strings.Split(string(p.Body), "\x00")
	var w *Watch
	if len(f) >= 3 {
		w = c.watches[f[1]]
	}
	if w == nil || !w.covers(f[0]) {
		c.stats.Strays++
		return
	}
	c.stats.Events++
	if len(w.events) >= maxEvents {
		w.more = true
		return
	}
	w.events = append(w.events, f[0])
}

// covers tells whether an event's path is the watch's or below it.
func (w *Watch) covers(path string) bool {
	if strings.HasPrefix(w.path, "@") || w.path == "/" {
		return true
	}
	rest, ok := strings.CutPrefix(path, w.path)
	return ok && (rest == "" || rest[0] == '/')
}
