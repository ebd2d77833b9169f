package blkfront

import (
	"fmt"

	"pvboot/blkfront/blkif"
)

// Stats counts what a device did since it was opened.
type Stats struct {
	Slots    int // requests that the ring holds
	Segments int // most pages of one request

	Requests     int64 // requests sent
	Notified     int64 // event channel notifications sent for them
	BytesRead    int64 // bytes that successful reads brought, whole sectors
	BytesWritten int64
	BytesBounced int64 // part of both that was copied through a bounce frame

	InFlight         int // requests in flight now
	MaxInFlight      int // the most that ever were
	BytesInFlight    int64
	MaxBytesInFlight int64

	Errors   int64 // requests that the backend answered with an error
	Timeouts int64 // requests given up for want of an answer
	Late     int64 // given up and answered after all
	Lost     int   // given up and not answered until now

	CacheHits   int64 // small reads that found their blocks in the cache
	CacheMisses int64 // and fetches from the disk on behalf of the others
}

// String is one line for a log.
func (s Stats) String() string {
	return fmt.Sprintf("%d requests (%d of %d in flight at most, %d KiB), %d KiB read, %d KiB written, %d KiB bounced, %d errors, %d timeouts, cache %d hits %d misses",
		s.Requests, s.MaxInFlight, s.Slots, s.MaxBytesInFlight>>10,
		s.BytesRead>>10, s.BytesWritten>>10, s.BytesBounced>>10, s.Errors, s.Timeouts, s.CacheHits, s.CacheMisses)
}

// submitted counts a request that went into the ring.
func (s *Stats) submitted(r *slot) {
	s.Requests++
	s.InFlight++
	s.BytesInFlight += int64(r.sectors) * blkif.SectorSize
	s.MaxInFlight = max(s.MaxInFlight, s.InFlight)
	s.MaxBytesInFlight = max(s.MaxBytesInFlight, s.BytesInFlight)
	for _, seg := range r.segs {
		if seg.bounce != nil {
			s.BytesBounced += int64(seg.n)
		}
	}
}

// completed counts a request that succeeded.
func (s *Stats) completed(r *slot) {
	n := int64(r.sectors) * blkif.SectorSize
	switch r.t.op {
	case blkif.OpRead:
		s.BytesRead += n
	case blkif.OpWrite:
		s.BytesWritten += n
	}
}
