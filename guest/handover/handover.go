// Package handover carries out an image.Plan: it reads the plan's segments
// into guest memory and then leaves the loader for the target. Everything
// here but the jump itself is ordinary code that tests run on any host.
//
// The order of a boot is: [Load], which still needs the disks; then the
// caller gives back all that the loader acquired (xen.Domain.Close); then
// [Loaded.Jump], which touches nothing but memory.
package handover

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"pvboot/loader/image"
)

// Ground is the memory that a hand-over works in.
type Ground struct {
	Own  []image.Range // what the loader occupies until the jump
	Free []image.Range // RAM that the loader never touches by itself
	// View gives access to size bytes of guest memory at physical address
	// addr, all of it inside one range of Free.
	View func(addr, size uint64) []byte

	// In a PV domain: the loader's p2m list, and the machine frames of the
	// rings that the toolstack placed, 0 for none. What is not in Free is
	// taken for the loader's.
	P2M            []uint64
	Store, Console uint64
}

// Loaded is a plan in memory, ready for the jump.
type Loaded struct {
	plan     *image.Plan
	schedule *image.Schedule
	ground   Ground
}

const pageSize = 4096

// maxRead bounds one read, so that other goroutines get their turn.
const maxRead = 32 << 20

// Load brings the plan's segments into memory: to their final place where
// the loader does not lie itself, else nearby. It fails, naming segment and
// offset, when data cannot be read or ends early; nothing is lost then but
// the contents of free memory.
func Load(plan *image.Plan, ground Ground) (*Loaded, error) {
	own := ground.Own
	if plan.PV != nil {
		own = busy(ground.Free)
	}
	schedule, err := image.NewSchedule(plan, own, ground.Free)
	if err != nil {
		return nil, fmt.Errorf("handover: %w", err)
	}
	for _, z := range schedule.Zeros {
		memory := ground.View(z.Start, z.Size)
		if memory == nil {
			return nil, fmt.Errorf("handover: %#x-%#x cannot be mapped", z.Start, z.End())
		}
		clear(memory)
	}
	for _, l := range schedule.Loads {
		segment := plan.Segments[l.Segment]
		chunk := maxRead
		if segment.Whole {
			chunk = int(l.Size)
		}
		memory := ground.View(l.Addr, l.Size)
		if memory == nil {
			return nil, fmt.Errorf("handover: %s: %#x-%#x cannot be mapped", segment.Name, l.Addr, l.Addr+l.Size)
		}
		if err := readFull(segment.Data, l.Offset, memory, chunk); err != nil {
			return nil, fmt.Errorf("handover: %s: %w", segment.Name, err)
		}
	}
	loaded := &Loaded{plan: plan, schedule: schedule, ground: ground}
	for i, segment := range plan.Segments {
		if segment.Check == nil {
			continue
		}
		if err := segment.Check(&loadedSegment{loaded, i}); err != nil {
			return nil, fmt.Errorf("handover: %s: %w", segment.Name, err)
		}
	}
	return loaded, nil
}

// loadedSegment is the data of a segment, read from memory.
type loadedSegment struct {
	*Loaded
	index int
}

func (s *loadedSegment) Size() int64 { return s.plan.Segments[s.index].Data.Size() }

func (s *loadedSegment) ReadAt(p []byte, off int64) (n int, err error) {
	for _, l := range s.schedule.Loads {
		if l.Segment != s.index || n == len(p) {
			continue
		}
		if at := off + int64(n) - l.Offset; at >= 0 && uint64(at) < l.Size {
			n += copy(p[n:], s.ground.View(l.Addr, l.Size)[at:])
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readFull fills buf from offset on, at most size bytes at a time.
func readFull(src image.Source, offset int64, buf []byte, size int) error {
	for len(buf) > 0 {
		chunk := buf[:min(len(buf), size)]
		n, err := src.ReadAt(chunk, offset)
		if n < len(chunk) {
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("read at %d: %w", offset+int64(n), err)
		}
		buf, offset = buf[n:], offset+int64(n)
	}
	return nil
}

// busy is all that is not free: what a PV plan has there is made elsewhere.
// Page 0, which is not mapped, is part of it.
func busy(free []image.Range) []image.Range {
	sorted := slices.Clone(free)
	slices.SortFunc(sorted, func(a, b image.Range) int { return cmp.Compare(a.Start, b.Start) })
	var list []image.Range
	at := uint64(0)
	for _, r := range sorted {
		start, end := (r.Start+pageSize-1)&^(pageSize-1), r.End()&^(pageSize-1)
		start = max(start, pageSize)
		if start >= end {
			continue
		}
		if at < start {
			list = append(list, image.Range{Start: at, Size: start - at, Type: image.RAM})
		}
		at = max(at, end)
	}
	return append(list, image.Range{Start: at, Size: ^uint64(0) - at, Type: image.RAM})
}
