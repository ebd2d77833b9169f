package xentest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"pvboot/blkfront/blkif"
	"pvboot/xen"
	"pvboot/xen/xenbus"
)

// offer publishes what the backend can do and waits for the frontend.
func (b *Blkback) offer() {
	keys := make(map[string]string)
	for k, v := range map[string]int{
		"feature-max-indirect-segments": b.c.MaxIndirect,
		"max-ring-page-order":           b.c.MaxRingOrder,
		"max-ring-pages":                b.c.MaxRingPages,
	} {
		if v > 0 {
			keys[k] = strconv.Itoa(v)
		}
	}
	override(keys, b.c.Offer)
	b.publish(keys)
	b.enter(xenbus.InitWait)
}

func (b *Blkback) publish(keys map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		b.m.store.must(b.m.store.Write(b.paths.Backend+"/"+k, keys[k]))
	}
}

// enter changes the backend's state, unless it is stuck.
func (b *Blkback) enter(s xenbus.State) {
	if slices.Contains(b.c.Stuck, s) {
		return
	}
	b.state = s
	b.m.store.must(b.m.store.Write(b.paths.Backend+"/state", strconv.Itoa(int(s))))
}

// frontendChanged follows the frontend as Linux's blkback does.
func (b *Blkback) frontendChanged() {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.frontendNumber("state", 8)
	if err != nil {
		return
	}
	switch xenbus.State(s) {
	case xenbus.Initialising:
		if b.state == xenbus.Closed {
			// Real backends leave these; the baseline of Leaks has none.
			for k := range b.properties() {
				b.m.store.Rm(b.paths.Backend + "/" + k)
			}
			b.enter(xenbus.InitWait)
		}
	case xenbus.Initialised, xenbus.Connected:
		if b.state == xenbus.Connected || b.quit {
			return
		}
		if err := b.connect(); err != nil {
			b.complain("%v", err)
			b.enter(xenbus.Closing)
			return
		}
		b.publish(b.properties())
		b.enter(xenbus.Connected)
	case xenbus.Closing:
		b.enter(xenbus.Closing)
	case xenbus.Closed:
		b.disconnect()
		b.enter(xenbus.Closed)
	}
}

// properties are what a connected backend says of its disk.
func (b *Blkback) properties() map[string]string {
	info := 0
	if b.c.CDROM {
		info |= blkif.InfoCDROM
	}
	if b.c.ReadOnly {
		info |= blkif.InfoReadOnly
	}
	keys := map[string]string{
		"sectors":     strconv.FormatInt(b.c.Size/blkif.SectorSize, 10),
		"sector-size": strconv.Itoa(b.c.SectorSize),
		"info":        strconv.Itoa(info),
	}
	if b.c.PhysicalSectorSize > 0 {
		keys["physical-sector-size"] = strconv.Itoa(b.c.PhysicalSectorSize)
	}
	if !b.c.NoFlush {
		keys["feature-flush-cache"] = "1"
	}
	if b.c.Persistent > 0 {
		keys["feature-persistent"] = "1" // like blkback, not earlier
	}
	override(keys, b.c.Connect)
	return keys
}

func (b *Blkback) frontendNumber(key string, bits int) (uint64, error) {
	s, err := b.m.store.Read(b.paths.Frontend + "/" + key)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(s, 10, bits)
}

// connect maps the ring and binds the port that the frontend published.
func (b *Blkback) connect() error {
	b.disconnect()
	if p, err := b.m.store.Read(b.paths.Frontend + "/protocol"); err == nil && p != "x86_64-abi" && p != "arm-abi" {
		return fmt.Errorf("unknown protocol %q", p)
	}
	refs, err := b.ringRefs()
	if err != nil {
		return err
	}
	port, err := b.frontendNumber("event-channel", 32)
	if err != nil {
		return err
	}
	if n, err := b.frontendNumber("feature-persistent", 32); err == nil && n == 1 && b.c.Persistent > 0 {
		b.persistent = make(map[xen.Ref]*Mapping)
	}
	if b.mapped, err = b.mapRefs(refs, false); err != nil {
		return err
	}
	var pages [][]byte
	for _, p := range b.mapped {
		pages = append(pages, p.Page)
	}
	if b.ring, err = blkif.NewBackRing(pages...); err != nil {
		return err
	}
	if b.port, err = b.m.Bind(xen.Port(port)); err != nil {
		return err
	}
	b.stats.RingPages = len(pages)
	b.stats.Connects++
	return nil
}

// ringRefs reads the ring's references, in either way to publish them.
func (b *Blkback) ringRefs() ([]xen.Ref, error) {
	order, err := b.frontendNumber("ring-page-order", 32)
	if err != nil {
		ref, err := b.frontendNumber("ring-ref", 32)
		return []xen.Ref{xen.Ref(ref)}, err
	}
	if order > uint64(b.c.MaxRingOrder) && 1<<order > b.c.MaxRingPages {
		return nil, fmt.Errorf("ring page order %d was not offered", order)
	}
	if n, err := b.frontendNumber("num-ring-pages", 32); err != nil || n != 1<<order {
		return nil, fmt.Errorf("num-ring-pages %d for order %d: %v", n, order, err)
	}
	var refs []xen.Ref
	for i := range 1 << order {
		ref, err := b.frontendNumber("ring-ref"+strconv.Itoa(i), 32)
		if err != nil {
			return nil, err
		}
		refs = append(refs, xen.Ref(ref))
	}
	return refs, nil
}

// disconnect lets go of ring and port. Held requests keep their pages, as
// those do whose I/O is stuck in a real backend.
func (b *Blkback) disconnect() {
	unmapAll(b.mapped)
	for _, r := range b.pending {
		b.unmapPages(r.pages)
	}
	for _, r := range b.held {
		b.keep(r.pages...)
	}
	for _, p := range b.persistent {
		p.Unmap()
	}
	b.persistent = nil
	b.mapped, b.pending, b.held, b.ring = nil, nil, nil, nil
	if b.port != nil {
		b.port.Close()
		b.port = nil
	}
}

// keep holds pages beyond the end of the connection.
func (b *Blkback) keep(pages ...*Mapping) {
	for _, p := range pages {
		delete(b.persistent, p.ref)
		b.kept = append(b.kept, p)
	}
}

// complain notes a mistake of the frontend's.
func (b *Blkback) complain(format string, args ...any) {
	b.wrong = append(b.wrong, fmt.Sprintf(format, args...))
}
