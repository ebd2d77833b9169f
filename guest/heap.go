package guest

import (
	"math/bits"

	"pvboot/hypercall"
)

// heapPages hands out pages of the heap range, one bit a page. Arenas come
// from the bottom and everything else from the top, so that arenas find room
// at their alignment.
type heapPages struct {
	base  uint64
	n     int // pages
	inUse int
	used  [maxTestHeap / pageSize / 64]uint64
}

var heap heapPages

// heapLimit is the most bytes that the heap range may have.
func heapLimit() uint64 {
	if hypercall.Present() {
		return maxHeap
	}
	return maxTestHeap
}

// initHeap makes r the runtime's memory.
func initHeap(r Range) {
	heap.init(r)
	RamStart, RamSize = r.Start, r.Size
}

func (h *heapPages) init(r Range) {
	h.base, h.n, h.inUse = r.Start, int(r.Size/pageSize), 0
	clear(h.used[:])
}

// contains reports whether [addr, addr+size) lies inside the range.
func (h *heapPages) contains(addr, size uint64) bool {
	return addr >= h.base && size <= uint64(h.n)*pageSize && addr-h.base <= uint64(h.n)*pageSize-size
}

func (h *heapPages) free(i int) bool { return h.used[i/64]&(1<<(i%64)) == 0 }

// mark sets or clears n bits from page i on.
func (h *heapPages) mark(i, n int, used bool) {
	for ; n > 0; n-- {
		bit := uint64(1) << (i % 64)
		switch was := h.used[i/64]&bit != 0; {
		case used && !was:
			h.used[i/64] |= bit
			h.inUse++
		case !used && was:
			h.used[i/64] &^= bit
			h.inUse--
		}
		i++
	}
}

// run returns how many pages from page i on are free, up to n.
func (h *heapPages) run(i, n int) int {
	for k := range n {
		if !h.free(i + k) {
			return k
		}
	}
	return n
}

// bottom takes n pages at the lowest multiple of align bytes.
func (h *heapPages) bottom(n int, align uint64) (addr uint64, ok bool) {
	step := int(align / pageSize)
	first := int((h.base+align-1)&^(align-1)-h.base) / pageSize
	for i := first; n > 0 && i <= h.n-n; i += step {
		if h.run(i, n) == n {
			h.mark(i, n, true)
			return h.base + uint64(i)*pageSize, true
		}
	}
	return 0, false
}

// top takes the n highest free pages in a row.
func (h *heapPages) top(n int) (addr uint64, ok bool) {
	for i := h.n - n; n > 0 && i >= 0; {
		k := h.run(i, n)
		if k == n {
			h.mark(i, n, true)
			return h.base + uint64(i)*pageSize, true
		}
		i += k - n // the page that is in the way becomes the one after the run
	}
	return 0, false
}

// release gives back what lies in [addr, addr+size).
func (h *heapPages) release(addr, size uint64) {
	if h.contains(addr, size) {
		h.mark(int((addr-h.base)/pageSize), int((size+pageSize-1)/pageSize), false)
	}
}

// largest returns the longest run of free pages, for messages.
func (h *heapPages) largest() (n int) {
	run := 0
	for i := 0; i < h.n; i++ {
		if i%64 == 0 && h.n-i >= 64 && bits.OnesCount64(h.used[i/64]) == 64 {
			run = 0
			i += 63
			continue
		}
		if h.free(i) {
			run++
		} else {
			run = 0
		}
		n = max(n, run)
	}
	return n
}
