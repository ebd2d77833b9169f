package blkfront

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pvboot/blkfront/blkif"
	"pvboot/xen"
	"pvboot/xen/xenbus"
)

// Open connects to the backend of a vbd. A device must be open once at a time
// only. A drive without a disk in it is [ErrNoMedium]. An Open under way ends
// when the domain is closed.
func Open(info Info, opt Options) (*Device, error) {
	dev := &Device{
		info: info, name: info.Name(), opt: opt.withDefaults(),
		d: info.bus.Domain(), bus: info.bus,
		readOnly: info.ReadOnly, cdrom: info.CDROM,
		opened: make(chan struct{}),
	}
	if err := dev.open(); err != nil {
		return nil, fmt.Errorf("blkfront: %s: %w", dev.name, err)
	}
	return dev, nil
}

func (dev *Device) open() error {
	o := opening{dev}
	dev.d.Register(o)
	defer dev.d.Unregister(o)
	defer close(dev.opened)
	if err := dev.bringUp(); err != nil {
		return also(err, dev.shut())
	}
	return nil
}

// opening stands for an Open under way in the domain's register.
type opening struct{ dev *Device }

// Close makes the Open come to its end, and undoes what was done.
func (o opening) Close() error { return o.dev.Close() }

func (o opening) String() string { return o.dev.String() }

func (dev *Device) bringUp() error {
	if err := dev.leftover(); err != nil {
		return err
	}
	if dev.empty() {
		return ErrNoMedium
	}
	// A backend that skips InitWait offers nothing but the defaults
	// (blkif.h, "STATE DIAGRAMS").
	if err := dev.await(xenbus.InitWait, xenbus.Initialised, xenbus.Connected); err != nil {
		return err
	}
	o, err := readOffer(dev.bus)
	if err != nil {
		return err
	}
	dev.terms = negotiate(o, dev.opt)
	if err := dev.allocate(); err != nil {
		return err
	}
	// After what it needs, so that the domain closes it before that.
	dev.d.Register(dev)
	return dev.connect()
}

// leftover ends a connection that somebody before us has not ended.
func (dev *Device) leftover() error {
	s, err := dev.bus.State()
	if err != nil || s == xenbus.Unknown || s == xenbus.Initialising {
		return err
	}
	gone, err := dev.hangUp()
	if gone {
		err = ErrBackend
	}
	if err != nil {
		return fmt.Errorf("frontend was left %v: %w", s, err)
	}
	dev.keepProtocol = true // whose it is nobody can tell
	return dev.bus.Reset(dev.opt.Handshake, dev.publishedKeys(1<<blkif.MaxOrder)...)
}

// empty says whether the toolstack put no disk into the drive. Its backend
// would never connect.
func (dev *Device) empty() bool {
	if !dev.cdrom {
		return false
	}
	p, err := dev.bus.BackendKey(keyParams)
	// libxl writes "aio:" and the like before an empty name.
	return err == nil && (p == "" || strings.HasSuffix(p, ":"))
}

// allocate gets ring, tables, references and port. After an error, release
// gives back what there is.
func (dev *Device) allocate() error {
	var err error
	if dev.mem.ring, err = dev.share(1<<dev.terms.order, false); err != nil {
		return fmt.Errorf("ring: %w", err)
	}
	ring, err := blkif.NewFrontRing(dev.mem.ring.frames)
	if err != nil {
		return err
	}
	if dev.port, err = dev.d.AllocUnbound(dev.bus.Remote); err != nil {
		return err
	}
	if err := dev.allocateGrants(ring.Size()); err != nil {
		return err
	}
	// The sector size is known later, when the backend has connected.
	dev.q = newQueue(dev.name, uint16(dev.bus.ID), blkif.SectorSize, dev.terms.segments,
		dev.opt.Bounce/blkif.PageSize, dev.d.Platform(), ring, dev.mem.data, dev.mem.data.Len())
	if dev.terms.indirect() {
		dev.q.tables = dev.mem.tables.frames
		for i := range ring.Size() {
			dev.q.tableRefs = append(dev.q.tableRefs, dev.mem.tables.grants.Ref(i))
		}
	}
	return nil
}

// allocateGrants gets what n requests need: opt.Bytes' worth of references that
// they share. Many disks may exhaust the grant table: then there are fewer.
func (dev *Device) allocateGrants(n int) (err error) {
	if dev.terms.indirect() {
		// What is to stay mapped is mapped for writing.
		if dev.mem.tables, err = dev.share(n, dev.opt.Persistent != On); err != nil {
			dev.terms.segments = blkif.MaxSegments
		}
	}
	refs := min(n*dev.terms.segments, dev.opt.Bytes/blkif.PageSize)
	for {
		dev.mem.data, err = dev.d.AllocGrants(dev.bus.Remote, refs)
		if err == nil || refs == 1 {
			return err
		}
		refs /= 2
	}
}

// share allocates frames and grants them to the backend.
func (dev *Device) share(pages int, readOnly bool) (s sharedPages, err error) {
	if s.frames, err = dev.d.Platform().AllocFrames(pages); err != nil {
		return sharedPages{}, err
	}
	if s.grants, err = dev.d.GrantPages(dev.bus.Remote, s.frames, readOnly); err != nil {
		dev.d.Platform().FreeFrames(s.frames)
		return sharedPages{}, err
	}
	return s, nil
}

// connect tells the backend of the ring and waits until it serves it.
func (dev *Device) connect() error {
	if _, err := dev.bus.FrontendKey(keyProtocol); err == nil {
		dev.keepProtocol = true
	}
	dev.published = true
	if err := dev.bus.Publish(xenbus.Initialised, dev.publication()...); err != nil {
		return err
	}
	if err := dev.await(xenbus.Connected); err != nil {
		return err
	}
	g, err := readGeometry(dev.bus)
	if errors.Is(err, errEmpty) && (dev.cdrom || g.info&(blkif.InfoCDROM|blkif.InfoRemovable) != 0) {
		return ErrNoMedium
	}
	if err != nil {
		return err
	}
	dev.size, dev.sector, dev.physical, dev.flush = g.size, g.sector, g.physical, g.flush
	dev.q.sector = g.sector
	if g.keeps && dev.opt.Persistent == On {
		dev.q.keep(min(dev.opt.Bounce, mostKept) / blkif.PageSize)
	}
	dev.readOnly = dev.readOnly || g.info&blkif.InfoReadOnly != 0
	dev.cdrom = dev.cdrom || g.info&blkif.InfoCDROM != 0
	dev.cache = newCache(dev.size, dev.opt.Cache, dev.d.Platform(), dev.fetch)
	return dev.bus.SetState(xenbus.Connected)
}

// await waits until the backend is in one of the wanted states, or Close is
// called.
func (dev *Device) await(want ...xenbus.State) error {
	for start := time.Now(); ; {
		left := dev.opt.Handshake - time.Since(start)
		_, err := dev.bus.WaitBackend(min(left, closeEvery), want...)
		if err == nil {
			return nil
		}
		if dev.life() != stateOpen {
			return xen.ErrClosed
		}
		if left <= closeEvery || !errors.Is(err, xen.ErrTimeout) {
			return err
		}
	}
}

// mostKept bounds the bytes of persistent grants: enough to keep a backend busy,
// and each page costs it a mapping at the beginning and at the end.
const mostKept = 2 << 20

// closeEvery is how long await waits before it looks whether the device is
// still wanted.
const closeEvery = 500 * time.Millisecond

// publication is what the frontend writes to its directory.
func (dev *Device) publication() []xenbus.Pair {
	refs := dev.mem.ring.grants
	num := func(v uint64) string { return strconv.FormatUint(v, 10) }
	ref := func(i int) string { return num(uint64(refs.Ref(i))) }
	pairs := []xenbus.Pair{{Key: keyEventChannel, Value: num(uint64(dev.port.Port()))}}
	if protocol != "" {
		pairs = append(pairs, xenbus.Pair{Key: keyProtocol, Value: protocol})
	}
	if dev.opt.Persistent == On {
		pairs = append(pairs, xenbus.Pair{Key: keyPersistent, Value: "1"})
	}
	if refs.Len() == 1 {
		return append(pairs, xenbus.Pair{Key: keyRingRef, Value: ref(0)})
	}
	// Both schemes of a multi-page ring at once, as blkif.h asks.
	pairs = append(pairs, xenbus.Pair{Key: keyRingPageOrder, Value: strconv.Itoa(dev.terms.order)},
		xenbus.Pair{Key: keyNumRingPages, Value: strconv.Itoa(refs.Len())})
	for i := range refs.Len() {
		pairs = append(pairs, xenbus.Pair{Key: keyRingRef + strconv.Itoa(i), Value: ref(i)})
	}
	return pairs
}

// publishedKeys names all keys that a connection with a ring of up to pages
// pages may have published and that were not there before.
func (dev *Device) publishedKeys(pages int) []string {
	keys := []string{keyEventChannel, keyPersistent, keyRingRef}
	if !dev.keepProtocol {
		keys = append(keys, keyProtocol)
	}
	if pages > 1 {
		keys = append(keys, keyRingPageOrder, keyNumRingPages)
		for i := range pages {
			keys = append(keys, keyRingRef+strconv.Itoa(i))
		}
	}
	return keys
}

var _ xen.Resource = (*Device)(nil)
