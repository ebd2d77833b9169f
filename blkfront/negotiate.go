package blkfront

import (
	"fmt"
	"math"
	"math/bits"

	"pvboot/blkfront/blkif"
	"pvboot/xen/xenbus"
)

// An offer is what a backend can do, as it published before it connects.
type offer struct {
	indirect uint64 // most segments of an indirect request, 0 for none
	order    uint64 // log2 of the most ring pages
	pages    uint64 // most ring pages, the other way to say it
}

// terms are what a connection uses.
type terms struct {
	order    int // log2 of the ring's pages
	segments int // most pages of a request
}

// indirect says whether requests need tables of segments.
func (t terms) indirect() bool { return t.segments > blkif.MaxSegments }

// readOffer reads the backend's offer; what is missing is not offered.
func readOffer(bus *xenbus.Device) (o offer, err error) {
	for _, k := range []struct {
		key     string
		missing uint64
		value   *uint64
	}{
		{keyMaxIndirect, 0, &o.indirect},
		{keyMaxRingPageOrder, 0, &o.order},
		{keyMaxRingPages, 1, &o.pages},
	} {
		if *k.value, err = bus.BackendUintOr(k.key, 32, k.missing); err != nil {
			return o, err
		}
	}
	return o, nil
}

// negotiate chooses the terms: requests of up to opt.Segments pages, and the
// smallest ring that holds opt.Requests of them and opt.Bytes, as far as the
// backend goes along.
func negotiate(o offer, opt Options) terms {
	t := terms{segments: blkif.MaxSegments}
	if o.indirect > blkif.MaxSegments {
		t.segments = int(min(o.indirect, uint64(opt.Segments), blkif.SegmentsPerPage))
	}
	t.segments = min(t.segments, opt.Segments)
	most := min(int(min(o.order, blkif.MaxOrder)), blkif.MaxOrder)
	if o.pages > 1 {
		most = max(most, bits.Len64(min(o.pages, 1<<blkif.MaxOrder))-1)
	}
	for t.order < most {
		n := blkif.Entries(blkif.PageSize << t.order)
		if n >= opt.Requests && n*t.segments*blkif.PageSize >= opt.Bytes {
			break
		}
		t.order++
	}
	return t
}

// geometry is what a connected backend says of its disk.
type geometry struct {
	size     int64 // bytes, whole sectors
	sector   int   // logical sector in bytes
	physical int   // physical sector in bytes
	info     uint64
	flush    bool
	// keeps says that the backend keeps the pages of requests mapped, as the
	// frontend has allowed it.
	keeps bool
}

// readGeometry reads and checks the disk's properties.
func readGeometry(bus *xenbus.Device) (geometry, error) {
	sectors, err := bus.BackendUint(keySectors, 64)
	if err != nil {
		return geometry{}, err
	}
	sector, err := bus.BackendUintOr(keySectorSize, 32, blkif.SectorSize)
	if err != nil {
		return geometry{}, err
	}
	physical, err := bus.BackendUintOr(keyPhysicalSector, 32, sector)
	if err != nil {
		return geometry{}, err
	}
	info, err := bus.BackendUintOr(keyInfo, 32, 0)
	if err != nil {
		return geometry{}, err
	}
	flush, err := bus.BackendUintOr(keyFlushCache, 32, 0)
	if err != nil {
		return geometry{}, err
	}
	keeps, err := bus.BackendUintOr(keyPersistent, 32, 0)
	if err != nil {
		return geometry{}, err
	}
	g, err := checkGeometry(sectors, sector, physical)
	g.info, g.flush, g.keeps = info, flush != 0, keeps != 0
	return g, err
}

// checkGeometry refuses sizes that no disk has or that the ring cannot
// express.
func checkGeometry(sectors, sector, physical uint64) (geometry, error) {
	switch {
	case sector < blkif.SectorSize || sector&(sector-1) != 0:
		return geometry{}, fmt.Errorf("sector size %d is not a power of two from %d on", sector, blkif.SectorSize)
	case sector > blkif.PageSize:
		return geometry{}, fmt.Errorf("sector size %d is more than a page", sector)
	case sectors > math.MaxInt64/blkif.SectorSize:
		return geometry{}, fmt.Errorf("%d sectors are more than a disk can have", sectors)
	case sectors*blkif.SectorSize < sector:
		return geometry{}, fmt.Errorf("%d sectors: %w", sectors, errEmpty)
	}
	if physical < sector || physical&(physical-1) != 0 || physical > math.MaxInt32 {
		physical = sector // a hint only
	}
	size := int64(sectors*blkif.SectorSize) &^ (int64(sector) - 1)
	return geometry{size: size, sector: int(sector), physical: int(physical)}, nil
}
