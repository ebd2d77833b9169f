package guest

const (
	pageSize = 4096
	// arenaSize is the runtime's heapArenaBytes as cmd/xengo sets it.
	arenaSize = 512 << 10
	// maxHeap bounds the Go heap and the runtime's own memory together in a
	// Xen domain, and maxTestHeap elsewhere, where tests run.
	maxHeap     = 64 << 20
	maxTestHeap = 512 << 20
	// leastGap is more than what most kernels take in memory.
	leastGap = 64 << 20
	// minHeap is what the runtime and a small program need at least.
	minHeap = 3 << 20
	// low4G is what is mapped from the start on x86-64, and what the runtime
	// can have its heap in: heapAddrBits as cmd/xengo sets it.
	low4G = 1 << 32
)

// layout is who has which RAM. image is where the image is to lie: where it was
// loaded to or, where an architecture can move it, elsewhere.
type layout struct {
	tables, heap, image Range
}

// place puts page tables of tableSize bytes and the heap into the first
// large enough piece of usable RAM behind the image, and takes at most limit
// bytes and half of all that is left. It reports false when there is too
// little.
func place(usable *ranges, imageEnd, tableSize, limit uint64) (l layout, ok bool) {
	return placeBeside(usable, imageEnd, tableSize, limit, kernelRoom)
}

// placeBeside is place with up to room bytes left free behind the image, as
// [gap] says.
func placeBeside(usable *ranges, imageEnd, tableSize, limit, room uint64) (l layout, ok bool) {
	total := usable.size()
	want := min(limit, total/2) &^ (pageSize - 1)
	best, ok := usable.piece(imageEnd+gap(total-want, room), tableSize+want)
	if !ok {
		best, _ = usable.piece(imageEnd, tableSize+want)
	}
	if best.Size < tableSize+minHeap {
		return l, false
	}
	l.tables = Range{best.Start, tableSize, RAM}
	l.heap = Range{best.Start + tableSize, min(want, best.Size-tableSize), RAM}
	return l, l.heap.Size >= minHeap
}

// gap is how many bytes to leave free below the heap, when left bytes are free
// around it: half of them, so that a kernel at the bottom of RAM and an initrd
// at its top both lie beside the heap, and nothing is to be moved at the end;
// at most room. What is too little to be divided is not.
func gap(left, room uint64) uint64 {
	half := left / 2 &^ (pageSize - 1)
	if half < min(room, leastGap) {
		return 0
	}
	return min(half, room)
}

// piece returns the first piece of at least size bytes that is left when only
// addresses from from on and below 4 GiB count; the largest one, and false,
// when there is none.
func (l *ranges) piece(from, size uint64) (best Range, ok bool) {
	for _, r := range l.list() {
		start, end := max(r.Start, from), min(r.End(), low4G)
		if start >= end {
			continue
		}
		r = Range{start, end - start, RAM}
		if r.Size >= size {
			return r, true
		}
		if r.Size > best.Size {
			best = r
		}
	}
	return best, false
}

// partition divides the RAM of start between own and free: image is what the
// program was loaded to, and keep what else must still be there when it has
// ended. It reports false when there is too little RAM for tableSize bytes of
// tables and a heap of at most limit bytes; left says then how much there is.
func partition(image, keep Range, tableSize, limit uint64) (l layout, left uint64, ok bool) {
	start.memory.usable(&free, 1<<63)
	free.cut(0, vectorsEnd)
	for _, m := range start.modules.list() {
		free.cut(m.Start&^(pageSize-1), (m.End()+pageSize-1)&^(pageSize-1))
	}
	rest := free
	rest.cut(image.Start, image.End())
	rest.cut(keep.Start, keep.End())
	l, ok = place(&rest, image.End(), tableSize, limit)
	if !ok {
		return l, rest.size(), false
	}
	l.image = retreat(&rest, image, l)
	free.cut(l.image.Start, l.image.End())
	free.cut(l.tables.Start, l.heap.End())
	own.n = 0
	own.add(l.image)
	own.add(Range{l.tables.Start, l.heap.End() - l.tables.Start, RAM})
	own.add(Range{0, vectorsEnd, RAM})
	return l, 0, true
}

// pages grows [first, end) to whole pages.
func pages(first, end uint64) Range {
	first &^= pageSize - 1
	return Range{first, (end+pageSize-1)&^(pageSize-1) - first, RAM}
}
