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
	err = bus.BackendUints(
		xenbus.Number{Key: keyMaxIndirect, Bits: 32, Value: &o.indirect},
		xenbus.Number{Key: keyMaxRingPageOrder, Bits: 32, Value: &o.order},
		xenbus.Number{Key: keyMaxRingPages, Bits: 32, Missing: 1, Value: &o.pages},
	)
	return o, err
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
	var sectors, sector, physical, info, flush, keeps uint64
	err := bus.BackendUints(
		xenbus.Number{Key: keySectors, Bits: 64, Needed: true, Value: &sectors},
		xenbus.Number{Key: keySectorSize, Bits: 32, Missing: blkif.SectorSize, Value: &sector},
		xenbus.Number{Key: keyPhysicalSector, Bits: 32, Value: &physical},
		xenbus.Number{Key: keyInfo, Bits: 32, Value: &info},
		xenbus.Number{Key: keyFlushCache, Bits: 32, Value: &flush},
		xenbus.Number{Key: keyPersistent, Bits: 32, Value: &keeps},
	)
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
