package blkfront

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"pvboot/blkfront/blkif"
	"pvboot/xen"
	"pvboot/xen/xenbus"
)

// Options tune a device. A zero field means its default.
type Options struct {
	Segments int // most pages of a request: 128; 1 to 512
	Requests int // requests that the ring should hold: 64; on arm64 32
	Bytes    int // bytes that are in flight at most: 16 MiB; on arm64 4 MiB
	Cache    int // bytes of the cache for small reads: 4 MiB; negative for none
	Bounce   int // bytes of memory for copies in between: 4 MiB
	// Persistent grants (public/io/blkif.h, "feature-persistent"): a backend
	// that offers it keeps the pages of requests mapped until Close, and all
	// data is copied. By default this is on where mapping a page costs more
	// than copying it: on arm64, where dom0's address space changes with
	// each page.
	Persistent Switch

	Timeout   time.Duration // for the backend to answer a request: 30 s
	Handshake time.Duration // for each step of connecting and leaving: 20 s
}

// A Switch is on, off, or left to a default.
type Switch int

// States of a Switch.
const (
	Default Switch = iota
	On
	Off
)

// withDefaults fills in what is zero and bounds the rest.
func (o Options) withDefaults() Options {
	for _, f := range []struct {
		v                  *int
		missing, low, high int
	}{
		{&o.Segments, 128, 1, blkif.SegmentsPerPage},
		{&o.Requests, requestsDefault, 1, 512},
		{&o.Bytes, bytesDefault, blkif.PageSize, 64 << 20},
		{&o.Cache, 4 << 20, 0, 64 << 20},
		{&o.Bounce, 4 << 20, framesPerChunk * blkif.PageSize, 64 << 20},
	} {
		if *f.v == 0 {
			*f.v = f.missing
		}
		*f.v = min(max(*f.v, f.low), f.high)
	}
	if o.Persistent == Default {
		o.Persistent = persistentDefault
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Handshake <= 0 {
		o.Handshake = 20 * time.Second
	}
	return o
}

// A Device is a connected vbd. It has the methods of a disk: ReadAt, WriteAt,
// Size and SectorSize.
type Device struct {
	info     Info
	name     string
	opt      Options
	d        *xen.Domain
	bus      *xenbus.Device
	size     int64
	sector   int
	physical int
	readOnly bool
	cdrom    bool
	flush    bool
	cache    *cache
	terms    terms
	port     *xen.EventChannel
	opened   chan struct{} // closed when Open has come to its end
	// published says that the backend may know of the ring. Open sets it,
	// and Close reads it after Open.
	published bool
	// keepProtocol says that the key is the toolstack's: libxl writes it for
	// PV domains.
	keepProtocol bool

	mu    sync.Mutex // guards all below
	q     *queue
	users int // operations under way
	state lifeState
	mem   ringMemory
}

// ringMemory is what the ring needs of the domain. Close gives it back in
// the order of the fields.
type ringMemory struct {
	data   *xen.Grants // for the pages of all requests
	tables sharedPages // segments of indirect requests
	ring   sharedPages
}

// sharedPages are frames that the backend may access all the time.
type sharedPages struct {
	frames []byte
	grants *xen.Grants
}

// A lifeState is how far a device's life has come.
type lifeState int

const (
	stateOpen     lifeState = iota
	stateClosing            // Close was called, the backend is still connected
	stateReleased           // memory and port are back
	stateClosed
)

// Name returns the vbd's name, such as xvda.
func (dev *Device) Name() string { return dev.name }

// Info returns what was known of the vbd before it was opened.
func (dev *Device) Info() Info { return dev.info }

// String names the device as a resource of its domain.
func (dev *Device) String() string { return "disk " + dev.name }

// ReadOnly tells whether the backend refuses writes.
func (dev *Device) ReadOnly() bool { return dev.readOnly }

// CDROM tells whether the device is a CD drive.
func (dev *Device) CDROM() bool { return dev.cdrom }

// PhysicalSectorSize returns the sector size of the disk behind the backend in
// bytes, at least SectorSize.
func (dev *Device) PhysicalSectorSize() int { return dev.physical }

// Stats returns the device's counters.
func (dev *Device) Stats() Stats {
	hits, misses := dev.cache.counts()
	dev.mu.Lock()
	defer dev.mu.Unlock()
	s := dev.q.stats
	s.Slots, s.Segments = len(dev.q.slots), dev.q.segments
	s.CacheHits, s.CacheMisses = hits, misses
	return s
}

// enter begins an operation, which leave ends.
func (dev *Device) enter() error {
	dev.mu.Lock()
	defer dev.mu.Unlock()
	if dev.state != stateOpen {
		return fmt.Errorf("blkfront: %s: %w", dev.name, xen.ErrClosed)
	}
	dev.users++
	return nil
}

func (dev *Device) leave() {
	dev.mu.Lock()
	defer dev.mu.Unlock()
	dev.users--
}

// backendGone tells why the backend cannot be expected to answer any more, nil
// when it can, or when xenstore does not say.
func (dev *Device) backendGone() error {
	s, err := dev.bus.BackendState()
	if err != nil || s == xenbus.Connected {
		return nil
	}
	return fmt.Errorf("%w: it is %v", ErrBackend, s)
}

// errEmpty says that a disk has no sectors.
var errEmpty = errors.New("empty")
