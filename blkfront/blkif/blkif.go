// Package blkif is the block ring protocol that a frontend and a backend
// speak: requests, responses and the ring that carries them, without any I/O.
// blkfront and xentest's backend share it.
//
// Memory that both sides can write is read once, by atomic loads, and every
// index and count that the other side controls is checked before use.
//
// Source: Xen's public headers public/io/blkif.h and public/io/ring.h. All
// fields are in the byte order of both domains.
package blkif

import "fmt"

const (
	// PageSize is the granularity of grants, in bytes.
	PageSize = 4096
	// SectorSize is the unit of all sector fields in the ring, in bytes,
	// whatever the device's own sector size is.
	SectorSize = 512
	// SectorsPerPage is how many sectors one segment can hold.
	SectorsPerPage = PageSize / SectorSize
	// MaxSegments is the number of segments in a direct request
	// (BLKIF_MAX_SEGMENTS_PER_REQUEST).
	MaxSegments = 11
	// MaxIndirectPages is the number of segment pages in an indirect request
	// (BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST).
	MaxIndirectPages = 8
	// SegmentSize is the size of a segment in the ring, in bytes.
	SegmentSize = 8
	// SegmentsPerPage is the number of segments in an indirect page.
	SegmentsPerPage = PageSize / SegmentSize
)

// Op is a request code (BLKIF_OP_*).
type Op uint8

// Request codes.
const (
	OpRead     Op = 0
	OpWrite    Op = 1
	OpBarrier  Op = 2
	OpFlush    Op = 3
	OpDiscard  Op = 5
	OpIndirect Op = 6
)

func (o Op) String() string {
	switch o {
	case OpRead:
		return "read"
	case OpWrite:
		return "write"
	case OpBarrier:
		return "write barrier"
	case OpFlush:
		return "flush"
	case OpDiscard:
		return "discard"
	case OpIndirect:
		return "indirect"
	}
	return fmt.Sprintf("operation %d", uint8(o))
}

// Status is a response's result (BLKIF_RSP_*).
type Status int16

// Results. A backend may send any other value; a frontend takes it for
// [StatusError].
const (
	StatusOK           Status = 0
	StatusError        Status = -1
	StatusNotSupported Status = -2
)

// Bits of the backend's xenstore key "info" (VDISK_*).
const (
	InfoCDROM     = 1
	InfoRemovable = 2
	InfoReadOnly  = 4
)
