package blkfront

import (
	"container/list"
	"errors"
	"sync"

	"pvboot/blkfront/blkif"
)

const (
	// lineSize is what the cache reads at a time at least: through a
	// backend, 32 KiB take hardly longer than one sector.
	lineSize = 32 << 10
	// maxAhead is the most lines that one miss fetches, when reads come one
	// after the other.
	maxAhead = 32
	// streams is how many sequential readers are told apart.
	streams = 4
)

// errUncached says that the cache has no room for a fetch.
var errUncached = errors.New("no cache line free")

type fetchFunc func(off int64, spans, own [][]byte) (lost bool, err error)

// A cache keeps blocks of a device for small reads, such as a filesystem's
// metadata, so that they do not cost one round trip each. Sequential readers
// get a growing read-ahead. Writes must be told by invalidate.
//
// It holds clean copies only. A fetch runs without the lock; who needs a line
// that another goroutine fetches waits for that.
type cache struct {
	size  int64 // of the device
	limit int   // lines
	mem   memory
	// fetch fills spans, the used parts of the lines own, which together lie
	// on the disk from off on. When it says lost, the backend may still
	// write to them, and the lines' memory is not the cache's any more.
	fetch fetchFunc

	mu     sync.Mutex
	lines  map[int64]*line
	lru    list.List // of *line, the most recently used first; filled ones only
	live   int       // lines that have memory
	ahead  [streams]stream
	clock  int64
	hits   int64
	misses int64
}

// A line is one block of the device, aligned to its size.
type line struct {
	index int64
	buf   []byte // whole frames
	n     int    // valid bytes, fewer at the end of the device
	elem  *list.Element
	stale bool          // written to while it was fetched
	done  chan struct{} // closed when the fetch is over
}

// A stream remembers where a sequential reader will go on.
type stream struct {
	next int64 // line
	run  int   // lines fetched last
	used int64
}

func newCache(size int64, bytes int, mem memory, fetch fetchFunc) *cache {
	return &cache{size: size, limit: bytes / lineSize, mem: mem, fetch: fetch, lines: make(map[int64]*line)}
}

// readAt fills p, which must lie within the device. When it fails it says how
// far it came.
func (c *cache) readAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		k, err := c.readLine(p[n:], off+int64(n))
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// readLine copies as much of p as one line holds.
func (c *cache) readLine(p []byte, off int64) (int, error) {
	index, in := off/lineSize, int(off%lineSize)
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := c.lines[index]; l != nil; l = c.lines[index] {
		if l.elem != nil {
			c.lru.MoveToFront(l.elem)
			c.hits++
			return copy(p, l.buf[in:l.n]), nil
		}
		c.mu.Unlock()
		<-l.done
		c.mu.Lock()
	}
	c.misses++
	batch := c.reserve(index, (in+len(p)+lineSize-1)/lineSize)
	if len(batch) == 0 {
		return 0, errUncached
	}
	spans, own := make([][]byte, len(batch)), make([][]byte, len(batch))
	for i, l := range batch {
		spans[i], own[i] = l.buf[:l.n], l.buf
	}
	c.mu.Unlock()
	lost, err := c.fetch(index*lineSize, spans, own)
	c.mu.Lock()
	n := 0
	if err == nil {
		n = copy(p, spans[0][in:])
	}
	for _, l := range batch {
		c.settle(l, lost, err == nil)
	}
	return n, err
}

// settle puts a fetched line in use, or drops it. With mu held.
func (c *cache) settle(l *line, lost, ok bool) {
	if ok && !l.stale {
		l.elem = c.lru.PushFront(l)
	} else {
		delete(c.lines, l.index)
		c.live--
		if !lost {
			c.mem.FreeFrames(l.buf)
		}
	}
	close(l.done)
}

// reserve makes lines from index on: need of them, or more if a sequential
// reader deserves it, up to the next one that is there already. With mu held.
func (c *cache) reserve(index int64, need int) []*line {
	s := c.stream(index)
	s.run = min(max(s.run, need), maxAhead, max(c.limit/4, 1))
	var batch []*line
	for i := index; len(batch) < s.run && i*lineSize < c.size && c.lines[i] == nil; i++ {
		buf := c.frames()
		if buf == nil {
			break
		}
		l := &line{index: i, buf: buf, n: int(min(lineSize, c.size-i*lineSize)), done: make(chan struct{})}
		c.lines[i] = l
		batch = append(batch, l)
	}
	s.next = index + int64(len(batch))
	return batch
}

// stream finds the sequential reader that comes to index, or begins a new one
// in place of the one that was away the longest. With mu held.
func (c *cache) stream(index int64) *stream {
	c.clock++
	oldest := &c.ahead[0]
	for i := range c.ahead {
		s := &c.ahead[i]
		if s.run > 0 && s.next == index {
			s.run *= 2
			s.used = c.clock
			return s
		}
		if s.used < oldest.used {
			oldest = s
		}
	}
	*oldest = stream{run: 1, used: c.clock}
	return oldest
}

// frames returns memory for one line: new while the limit allows it, else the
// least recently used line's. With mu held.
func (c *cache) frames() []byte {
	if c.live < c.limit {
		if buf, err := c.mem.AllocFrames(lineSize / blkif.PageSize); err == nil {
			c.live++
			return buf
		}
	}
	e := c.lru.Back()
	if e == nil {
		return nil
	}
	l := e.Value.(*line)
	c.lru.Remove(e)
	delete(c.lines, l.index)
	return l.buf
}

// invalidate forgets the n bytes from off on, which are written to. It is
// called before and after the write.
func (c *cache) invalidate(off int64, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := off / lineSize; i*lineSize < off+int64(n); i++ {
		if l := c.lines[i]; l != nil {
			c.forget(l)
		}
	}
}

// close gives the memory back. Nobody may be reading.
func (c *cache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lines {
		c.forget(l)
	}
	c.limit = 0
}

// forget drops a line, at once or when its fetch is over. With mu held.
func (c *cache) forget(l *line) {
	if l.elem == nil {
		l.stale = true
		return
	}
	c.lru.Remove(l.elem)
	delete(c.lines, l.index)
	c.live--
	c.mem.FreeFrames(l.buf)
}

// counts returns the reads that found their line, and the fetches. A cache
// that was never made has none.
func (c *cache) counts() (hits, misses int64) {
	if c == nil {
		return 0, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits, c.misses
}
