package guest

import (
	"pvboot/arch/arm64"
	"pvboot/arch/pagetable"
)

// The image is linked to the bottom of RAM, where kernels want to lie. In a
// domain with memory to spare it goes out of their way at the start: a copy of
// it behind the heap is mapped where it is linked, and the memory that it was
// loaded to becomes free. So no kernel has to be staged elsewhere and copied over
// the loader at the end, which costs most where code is translated: an emulator
// has to forget what it has translated of each page that is overwritten.
//
// All other RAM is mapped to itself. The bank with the image is mapped a second
// time from bankView on, where a range that has the image's old place in it can
// be seen in one piece.

// bankView is added to a physical address of the image's bank.
const bankView = 1 << 46

// imageAlign lets the image be mapped in blocks.
const imageAlign = 2 << 20

// moved is what has left its place: image is where it is linked, and bank the
// RAM around that. Both are empty when it stayed.
var moved struct{ image, bank Range }

// retreat says where the image is to lie: behind the heap of l where that leaves
// room for a kernel below, else where it is.
func retreat(usable *ranges, image Range, l layout) Range {
	from := (l.heap.End() + imageAlign - 1) &^ (imageAlign - 1)
	r, ok := usable.piece(from, image.Size)
	if !ok || r.Start != from || l.tables.Start < image.End()+leastGap {
		return image
	}
	place := somewhere(r, image.Size, stir(arm64.Began(), found.seed))
	together := Range{l.tables.Start, place.End() - l.tables.Start, RAM}
	if bankOf(image).Size == 0 || bankOf(together).Size == 0 {
		return image
	}
	return place
}

// somewhere is a place for size bytes in the lower half of r, which begins at a
// multiple of imageAlign and has room for them: another one each time. A copy
// over a loader that ran there before, in an earlier domain or in a chain, would
// cost what it is to save.
func somewhere(r Range, size, random uint64) Range {
	if half := r.Size / 2; half > size {
		r.Start += random % ((half-size)/imageAlign + 1) * imageAlign
	}
	return Range{r.Start, size, RAM}
}

// bankOf is the whole pages of the RAM around r; empty when r is not in one
// piece of RAM, or too high to be mapped twice.
func bankOf(r Range) Range {
	for _, m := range start.memory.list() {
		if m.Type == RAM && m.Start <= r.Start && r.End() <= m.End() && m.End() <= bankView {
			first := (m.Start + pageSize - 1) &^ (pageSize - 1)
			return Range{first, m.End()&^(pageSize-1) - first, RAM}
		}
	}
	return Range{}
}

// retreatTables is how many page tables the second view and the image take.
func retreatTables(image Range) uint64 {
	bank := bankOf(image)
	n := uint64(1) // the root
	for _, r := range [...]Range{image, {bank.Start, image.Start - bank.Start, RAM}, {image.End(), bank.End() - image.End(), RAM}, bank} {
		n += pagetable.AArch64.FramesFor(r.Start, r.End())
	}
	return n
}

// settle maps all memory with tables of size bytes, and moves the image to its
// place in l.
func settle(image Range, l layout, size uint64) {
	pool, to := l.tables.Start, l.image
	if to == image {
		arm64.InitTables(pool, size)
		mapAll(Range{})
		return
	}
	moved.image, moved.bank = image, bankOf(image)
	arm64.EmptyTables(pool, size)
	if !arm64.MapTo(image.Start, image.End(), to.Start, pagetable.Normal) ||
		!arm64.MapTo(moved.bank.Start+bankView, moved.bank.End()+bankView, moved.bank.Start, pagetable.Normal) {
		die("the page tables do not reach all of the memory")
	}
	mapAll(image)
	initConsole()
	arm64.Relocate(image.Start, image.End(), to.Start)
}

// physicalOf is the address that addr, a mapped one, is mapped to.
func physicalOf(addr uint64) uint64 {
	if b := moved.bank; addr >= bankView+b.Start && addr < bankView+b.End() {
		return addr - bankView
	}
	return arm64.Physical(addr)
}

// viewed is where the size bytes at physical address addr are mapped, if at all.
func viewed(addr, size uint64) uint64 {
	if moved.image.Size != 0 && moved.image.overlaps(Range{addr, size, RAM}) {
		return addr + bankView
	}
	return addr
}
