package blkif

import (
	"encoding/binary"
	"fmt"
)

// EntrySize is the size of one ring entry in bytes: struct blkif_request, the
// larger half of the union, in the 64-bit ABI.
const EntrySize = 112

// ResponseSize is the size of struct blkif_response in bytes.
const ResponseSize = 16

// An Entry is one ring entry as it lies in memory.
type Entry [EntrySize]byte

// A Segment is a run of sectors within one granted page.
type Segment struct {
	Ref uint32 // grant reference of the page
	// First and Last sector of the page, in 512-byte units, both inclusive.
	First, Last uint8
}

// Sectors returns the segment's length, 0 when it is malformed.
func (s Segment) Sectors() int {
	if s.Last < s.First || s.Last >= SectorsPerPage {
		return 0
	}
	return int(s.Last) - int(s.First) + 1
}

// A Request asks for one operation on consecutive sectors. Its segments are
// either in Segments, or in granted pages named by Pages when Indirect is set.
type Request struct {
	Op     Op     // OpRead, OpWrite, OpBarrier or OpFlush, also when Indirect
	Handle uint16 // the frontend's device number, low 16 bits
	ID     uint64 // echoed in the response
	Sector uint64 // first sector on the disk, in 512-byte units

	Indirect bool
	Count    int // number of segments
	Segments [MaxSegments]Segment
	Pages    [MaxIndirectPages]uint32
}

// Encode writes the request as the ring carries it: struct blkif_request, or
// struct blkif_request_indirect. Count must be in range.
func (r *Request) Encode(e *Entry) {
	le := binary.NativeEndian
	*e = Entry{}
	if r.Indirect {
		e[0], e[1] = byte(OpIndirect), byte(r.Op)
		le.PutUint16(e[2:], uint16(r.Count))
		le.PutUint64(e[8:], r.ID)
		le.PutUint64(e[16:], r.Sector)
		le.PutUint16(e[24:], r.Handle)
		for i, ref := range r.Pages {
			le.PutUint32(e[28+4*i:], ref)
		}
		return
	}
	e[0], e[1] = byte(r.Op), byte(r.Count)
	le.PutUint16(e[2:], r.Handle)
	le.PutUint64(e[8:], r.ID)
	le.PutUint64(e[16:], r.Sector)
	for i, s := range r.Segments[:r.Count] {
		PutSegment(e[24:], i, s)
	}
}

// DecodeRequest reads a request that a frontend put on the ring. It fails when
// the number of segments is out of the protocol's range; the request then
// holds the ID and operation only, enough for an answer.
func DecodeRequest(e *Entry) (Request, error) {
	le := binary.NativeEndian
	r := Request{Op: Op(e[0]), ID: le.Uint64(e[8:])}
	sector := le.Uint64(e[16:])
	if r.Op == OpIndirect {
		r.Indirect = true
		r.Op = Op(e[1])
		n := int(le.Uint16(e[2:]))
		if n == 0 || n > MaxIndirectPages*SegmentsPerPage {
			return r, fmt.Errorf("blkif: indirect request with %d segments", n)
		}
		r.Count, r.Sector, r.Handle = n, sector, le.Uint16(e[24:])
		for i := range r.Pages {
			r.Pages[i] = le.Uint32(e[28+4*i:])
		}
		return r, nil
	}
	n := int(e[1])
	if n > MaxSegments {
		return r, fmt.Errorf("blkif: request with %d segments", n)
	}
	r.Count, r.Sector, r.Handle = n, sector, le.Uint16(e[2:])
	for i := range n {
		r.Segments[i] = GetSegment(e[24:], i)
	}
	return r, nil
}

// PutSegment writes segment i of a segment array.
func PutSegment(b []byte, i int, s Segment) {
	b = b[i*SegmentSize : (i+1)*SegmentSize]
	binary.NativeEndian.PutUint32(b, s.Ref)
	b[4], b[5], b[6], b[7] = s.First, s.Last, 0, 0
}

// GetSegment reads segment i of a segment array.
func GetSegment(b []byte, i int) Segment {
	b = b[i*SegmentSize : (i+1)*SegmentSize]
	return Segment{Ref: binary.NativeEndian.Uint32(b), First: b[4], Last: b[5]}
}

// A Response answers the request that had its ID.
type Response struct {
	ID     uint64
	Op     Op
	Status Status
}

// Encode writes the response as the ring carries it: struct blkif_response.
func (r Response) Encode(e *[ResponseSize]byte) {
	*e = [ResponseSize]byte{}
	binary.NativeEndian.PutUint64(e[:], r.ID)
	e[8] = byte(r.Op)
	binary.NativeEndian.PutUint16(e[10:], uint16(r.Status))
}

// DecodeResponse reads a response that a backend put on the ring.
func DecodeResponse(e *[ResponseSize]byte) Response {
	return Response{
		ID:     binary.NativeEndian.Uint64(e[:]),
		Op:     Op(e[8]),
		Status: Status(binary.NativeEndian.Uint16(e[10:])),
	}
}
