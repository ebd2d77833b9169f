package guest

const (
	pageSize = 4096
	// arenaSize is the runtime's heapArenaBytes as cmd/xengo sets it.
	arenaSize = 512 << 10
	// maxHeap bounds the Go heap and the runtime's own memory together in a
	// Xen domain, and maxTestHeap elsewhere, where tests run.
	maxHeap     = 64 << 20
	maxTestHeap = 512 << 20
	// minHeap is what the runtime and a small program need at least.
	minHeap = 3 << 20
	// low4G is what is mapped from the start.
	low4G = 1 << 32
)

// layout is who has which RAM.
type layout struct {
	tables, heap Range
}

// place puts page tables of tableSize bytes and the heap into the first
// large enough piece of usable RAM behind the image, and takes at most limit
// bytes and half of all that is left. It reports false when there is too
// little.
func place(usable *ranges, imageEnd, tableSize, limit uint64) (l layout, ok bool) {
	want := min(limit, usable.size()/2) &^ (pageSize - 1)
	best := Range{}
	for _, r := range usable.list() {
		if r.Start < imageEnd || r.End() > low4G {
			continue
		}
		if r.Size >= tableSize+want {
			best = r
			break
		}
		if r.Size > best.Size {
			best = r
		}
	}
	if best.Size < tableSize+minHeap {
		return l, false
	}
	l.tables = Range{best.Start, tableSize, RAM}
	l.heap = Range{best.Start + tableSize, min(want, best.Size-tableSize), RAM}
	return l, l.heap.Size >= minHeap
}
