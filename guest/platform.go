package guest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"pvboot/hypercall"
	"pvboot/xen"
)

// Guest is the real ground under a [xen.Domain]: this guest's memory and the
// hypervisor below it. Memory is identity mapped, so an address is physical
// (pseudo-physical in a PV domain) and a Go pointer is what Xen wants. An image
// on arm64 that has left the place where it is linked is the exception.
type Guest struct {
	hypercall.Real

	mu     sync.Mutex
	frames map[uintptr][]byte // given out by AllocFrames, by address
}

var _ xen.Platform = (*Guest)(nil)

var platform = &Guest{frames: map[uintptr][]byte{}}

// Platform returns the guest that this program is. In an ordinary program its
// hypercalls fail with -ENOSYS.
func Platform() *Guest { return platform }

// Platform errors.
var (
	// ErrNotMapped means frames that this guest does not see.
	ErrNotMapped = errors.New("guest: frames are not mapped")
	// ErrNoHole means that no guest frame numbers outside RAM are left.
	ErrNoHole = errors.New("guest: no hole in the memory map is large enough")
)

// AllocFrames implements [xen.Platform]. Frames come from the Go heap, where
// nothing ever moves, and are kept from the collector until FreeFrames.
func (g *Guest) AllocFrames(n int) ([]byte, error) {
	if n <= 0 || uint64(n) > RamSize/pageSize {
		return nil, fmt.Errorf("guest: %d frames: the heap has %d", n, RamSize/pageSize)
	}
	whole := make([]byte, (n+1)*pageSize-1)
	skip := -addressOf(&whole[0]) & (pageSize - 1)
	frames := whole[skip : skip+uintptr(n)*pageSize : skip+uintptr(n)*pageSize]
	g.mu.Lock()
	defer g.mu.Unlock()
	g.frames[addressOf(&frames[0])] = frames
	return frames, nil
}

// FreeFrames implements [xen.Platform].
func (g *Guest) FreeFrames(frames []byte) {
	if len(frames) == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.frames, addressOf(&frames[0]))
}

// GFN implements [xen.Platform]: all of this guest's RAM can be granted.
func (g *Guest) GFN(p []byte) (gfn uint64, ok bool) {
	if len(p) == 0 {
		return 0, false
	}
	addr := physicalOf(uint64(addressOf(&p[0])))
	for _, r := range start.memory.list() {
		if r.Type == RAM && addr >= r.Start && addr < r.End() {
			return frameOf(addr), true
		}
	}
	return 0, false
}

// MapGFN implements [xen.Platform]. Any frame but frame 0 can be mapped that
// the architecture's page tables reach.
func (g *Guest) MapGFN(gfn uint64, n int) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	const limit = 1 << 36 // gfns of 48 bits
	if !running || n <= 0 || gfn == 0 || gfn >= limit || uint64(n) > limit-gfn {
		return nil, fmt.Errorf("%w: gfn %#x, %d of them", ErrNotMapped, gfn, n)
	}
	addr, err := showFrames(gfn, n)
	if err != nil {
		return nil, fmt.Errorf("%w: gfn %#x, %d of them", err, gfn, n)
	}
	return memory(addr, n*pageSize), nil
}

// UnmapGFN implements [xen.Platform].
func (g *Guest) UnmapGFN(frames []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !running || len(frames) == 0 {
		return nil
	}
	return hideFrames(uint64(addressOf(&frames[0])), len(frames)/pageSize)
}

// StartInfo implements [xen.Platform].
func (g *Guest) StartInfo() *xen.StartInfo { return rings() }

// View sees size bytes of RAM at physical address addr; nil when they are
// not all mapped. In a PV domain, RAM is mapped by being asked for.
func (g *Guest) View(addr, size uint64) []byte {
	if !running || addr < pageSize || addr+size < addr {
		return nil
	}
	if addr = viewed(addr, size); !mapped(addr, size) {
		return nil
	}
	return memory(addr, int(size))
}

// Hole implements [xen.Platform]. It gives each gfn out once.
func (g *Guest) Hole(n int) (gfn uint64, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gfn, ok := hole(n)
	if !ok {
		return 0, fmt.Errorf("%w: %d frames", ErrNoHole, n)
	}
	return gfn, nil
}

// Sleep implements [xen.Platform].
func (g *Guest) Sleep(d time.Duration) error {
	if onXen {
		block(int64(d))
	} else {
		time.Sleep(d)
	}
	return nil
}
