package xen

import (
	"time"

	"pvboot/hypercall"
)

// StartInfo is what a paravirtualised (PV) domain is told of its rings, where
// others have HVM parameters (struct start_info, public/xen.h).
type StartInfo struct {
	SharedInfo     uint64 // machine address of struct shared_info
	Store, Console RingInfo
}

// RingInfo is a ring page of the toolstack's, by machine frame, and its port. A
// frame of 0 means that there is none.
type RingInfo struct {
	MFN  uint64
	Port Port
}

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
	// In a PV domain gfns are machine frames.
	MapGFN(gfn uint64, n int) ([]byte, error)
	// UnmapGFN ends what MapGFN returned. It does nothing where all frames
	// are always visible.
	UnmapGFN(frames []byte) error
	// Hole returns n consecutive guest frame numbers outside RAM where
	// XENMEM_add_to_physmap may put frames such as the grant table's.
	Hole(n int) (gfn uint64, err error)
	// StartInfo is nil but in a PV domain. There Xen's own frames are mapped by
	// their machine frame, and Hole is of no use.
	StartInfo() *StartInfo
	// Sleep blocks the virtual processor, and every goroutine with it, for
	// about d or until an event is sent to it. It may end early.
	Sleep(d time.Duration) error
}
