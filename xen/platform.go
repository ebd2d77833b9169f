package xen

import (
	"time"

	"pvboot/hypercall"
)

// Platform is the ground that a [Domain] stands on: the real guest (package
// guest) or xentest.Machine.
type Platform interface {
	hypercall.Hypervisor

	// AllocFrames returns n zeroed, page-aligned, consecutive 4 KiB frames
	// of the guest's own RAM, to be shared with other domains.
	AllocFrames(n int) ([]byte, error)
	// FreeFrames gives back what AllocFrames returned. No other domain may
	// still have access.
	FreeFrames(frames []byte)
	// GFN returns the frame number by which a grant names the page that
	// holds p[0]; false when p is not memory that can be granted.
	GFN(p []byte) (gfn uint64, ok bool)
	// MapGFN makes n frames from gfn visible: rings that the toolstack
	// placed, or frames put into Hole. Memory is shared with other domains:
	// read it with atomic loads.
	MapGFN(gfn uint64, n int) ([]byte, error)
	// Hole returns n consecutive guest frame numbers outside RAM where
	// XENMEM_add_to_physmap may put frames such as the grant table's.
	Hole(n int) (gfn uint64, err error)
	// Sleep blocks the virtual processor, and every goroutine with it, for
	// about d or until an event is sent to it. It may end early.
	Sleep(d time.Duration) error
}
