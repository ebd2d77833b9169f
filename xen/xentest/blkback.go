package xentest

import (
	"io"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"pvboot/blkfront/blkif"
	"pvboot/xen"
	"pvboot/xen/xenbus"
)

// BlkConfig says what disk a block backend serves, what it offers and how it
// misbehaves. The zero value of each field is a well-behaved default.
type BlkConfig struct {
	ID   int         // virtual device number; 51712, xvda, if 0
	Disk io.ReaderAt // also an io.WriterAt where it can be written
	Size int64       // of Disk in bytes

	SectorSize         int // 512 if 0
	PhysicalSectorSize int // not published if 0
	CDROM, ReadOnly    bool
	NoFlush            bool // no feature-flush-cache

	MaxIndirect  int // most indirect segments; 0: not offered
	MaxRingOrder int // 0: not offered
	MaxRingPages int // the deprecated key; 0: not offered
	Persistent   int // most pages kept mapped for a frontend that takes part; 0: not offered

	// Front and Back override keys that the toolstack writes, Offer those
	// that are published with InitWait, Connect those with Connected.
	Front, Back, Offer, Connect map[string]string

	// Delay is how long a request takes; requests wait at the same time.
	Delay time.Duration
	// Shuffle answers requests out of order.
	Shuffle bool
	// Fault, where set, chooses what goes wrong with the n-th request,
	// counted from 0. It is called by the backend's goroutine.
	Fault func(n int, r blkif.Request) BlkFault
	// Stuck are states that the backend never enters.
	Stuck []xenbus.State
}

// A BlkFault is a way to mistreat a request.
type BlkFault int

// Faults.
const (
	BlkGood         BlkFault = iota
	BlkError                 // answers BLKIF_RSP_ERROR
	BlkNotSupported          // answers BLKIF_RSP_EOPNOTSUPP
	BlkOddStatus             // answers a status that is not defined
	BlkDuplicate             // answers twice
	BlkWrongID               // answers another id, and never this one
	BlkIgnore                // never looks at it, until Release
	BlkHold                  // maps its pages and never answers, until Release
	BlkKeepGrant             // answers, but keeps a page mapped
	BlkJump                  // moves rsp_prod far ahead
	BlkQuit                  // leaves the connection instead of answering
)

// Blkback is a block backend like Linux's blkback: it serves one vbd from
// domain 0.
type Blkback struct {
	m     *Machine
	c     BlkConfig
	paths Paths
	watch *StoreWatch
	kick  chan struct{}

	mu     sync.Mutex
	state  xenbus.State
	ring   *blkif.BackRing
	port   *BackPort
	mapped []*Mapping // ring pages
	// persistent are the pages that stay mapped until the frontend leaves;
	// nil where it takes no part in that.
	persistent map[xen.Ref]*Mapping
	pending    []*blkRequest
	held       []*blkRequest
	kept       []*Mapping
	n          int // requests seen
	released   bool
	quit       bool
	jump       bool // keep rsp_prod where it cannot be
	stats      BlkStats
	wrong      []string
}

// BlkStats counts what a backend saw.
type BlkStats struct {
	Requests    int
	Indirect    int // of them
	Flushes     int
	MaxInFlight int
	MaxSegments int // of one request
	RingPages   int
	Connects    int
	Mapped      int // pages that were mapped for requests
}

// ringABI is what the rings of the program under test are called, by GOARCH's
// name (public/io/protocols.h).
var ringABI = map[string]string{"amd64": "x86_64-abi", "arm64": "arm-abi"}

// AddDisk adds a vbd and starts its backend, which waits for the frontend.
func (m *Machine) AddDisk(c BlkConfig) *Blkback {
	if c.ID == 0 {
		c.ID = 51712
	}
	if c.SectorSize == 0 {
		c.SectorSize = blkif.SectorSize
	}
	front := map[string]string{"virtual-device": strconv.Itoa(c.ID), "device-type": "disk"}
	back := map[string]string{"mode": "w", "params": "/dev/disk", "removable": "0"}
	if abi := ringABI[runtime.GOARCH]; m.c.PV && abi != "" {
		front["protocol"] = abi // as libxl does for PV domains
	}
	if c.CDROM {
		front["device-type"] = "cdrom"
	}
	if c.ReadOnly {
		back["mode"] = "r"
	}
	override(front, c.Front)
	override(back, c.Back)
	b := &Blkback{m: m, c: c, paths: m.AddDevice("vbd", c.ID, front, back), kick: make(chan struct{}, 1), state: xenbus.Initialising}
	b.offer()
	b.watch = m.store.Watch(b.paths.Frontend + "/state")
	m.Go(b.run)
	return b
}

// override copies what is given over the defaults; an empty value takes the
// key away.
func override(keys, by map[string]string) {
	for k, v := range by {
		keys[k] = v
		if v == "" {
			delete(keys, k)
		}
	}
}

// Stats returns the counters.
func (b *Blkback) Stats() BlkStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}

// Wrong lists what the frontend did wrong, as a real backend would log it.
func (b *Blkback) Wrong() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.wrong...)
}

// Paths returns where the device's two ends are in xenstore.
func (b *Blkback) Paths() Paths { return b.paths }

// Release answers the requests that were ignored or held, and unmaps what was
// kept.
func (b *Blkback) Release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.released = true
	for _, p := range b.kept {
		p.Unmap()
	}
	b.kept = nil
	b.wake()
}

func (b *Blkback) wake() {
	select {
	case b.kick <- struct{}{}:
	default:
	}
}

// run reacts to the frontend's state, its notifications and passing time.
func (b *Blkback) run(stop <-chan struct{}) {
	defer b.watch.Close()
	for {
		var events <-chan struct{}
		var due <-chan time.Time
		b.mu.Lock()
		if b.port != nil {
			events = b.port.Events()
		}
		if len(b.pending) > 0 {
			first := slices.MinFunc(b.pending, func(x, y *blkRequest) int { return x.due.Compare(y.due) })
			due = time.After(time.Until(first.due))
		}
		b.mu.Unlock()
		select {
		case <-stop:
			return
		case <-b.watch.Events():
			b.frontendChanged()
		case <-events:
			b.serve()
		case <-due:
			b.serve()
		case <-b.kick:
			b.serve()
		}
	}
}

// mapPages maps the pages of a request, all or none: anew, or for a frontend
// that has persistent grants where they stayed mapped. What is kept is always
// mapped for writing.
func (b *Blkback) mapPages(refs []xen.Ref, readOnly bool) ([]*Mapping, error) {
	var list []*Mapping
	for _, r := range refs {
		p := b.persistent[r]
		if p == nil {
			var err error
			if p, err = b.m.Map(r, readOnly && b.persistent == nil); err != nil {
				b.unmapPages(list)
				return nil, err
			}
			b.stats.Mapped++
			if b.persistent != nil && len(b.persistent) < b.c.Persistent {
				b.persistent[r] = p
			}
		}
		list = append(list, p)
	}
	return list, nil
}

// unmapPages unmaps what mapPages has mapped and nobody keeps.
func (b *Blkback) unmapPages(list []*Mapping) {
	for _, p := range list {
		if b.persistent[p.ref] != p {
			p.Unmap()
		}
	}
}

// mapRefs maps granted pages, all or none.
func (b *Blkback) mapRefs(refs []xen.Ref, readOnly bool) ([]*Mapping, error) {
	var list []*Mapping
	for _, r := range refs {
		p, err := b.m.Map(r, readOnly)
		if err != nil {
			unmapAll(list)
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func unmapAll(list []*Mapping) {
	for _, p := range list {
		p.Unmap()
	}
}
