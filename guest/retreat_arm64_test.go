package guest

import (
	"bytes"
	"testing"

	"pvboot/arch/arm64"
)

func TestRetreat(t *testing.T) {
	const mib = 1 << 20
	before := start.memory
	t.Cleanup(func() { start.memory = before })
	image := Range{1026 * mib, 4*mib + 3*pageSize, RAM}
	layoutAt := func(tables, heapEnd uint64) layout {
		return layout{
			tables: Range{tables, 16 * pageSize, RAM},
			heap:   Range{tables + 16*pageSize, heapEnd - tables - 16*pageSize, RAM},
		}
	}
	bank := []Range{{1024 * mib, 512 * mib, RAM}}
	for _, test := range []struct {
		name   string
		memory []Range
		l      layout
		taken  Range // not usable
		want   uint64
		last   uint64 // 0: want
	}{
		{"behind the heap", bank, layoutAt(1200*mib, 1264*mib), Range{}, 1264 * mib, 1394 * mib},
		{"in blocks", bank, layoutAt(1200*mib, 1264*mib+pageSize), Range{}, 1266 * mib, 1396 * mib},
		{"the heap is in the way of a kernel anyway", bank, layoutAt(1031*mib, 1095*mib), Range{}, image.Start, 0},
		{"no room behind the heap", bank, layoutAt(1464*mib, 1534*mib), Range{}, image.Start, 0},
		{"something lies there", bank, layoutAt(1200*mib, 1264*mib), Range{1266 * mib, pageSize, RAM}, image.Start, 0},
		{"the heap in another bank", []Range{{1024 * mib, 128 * mib, RAM}, {2048 * mib, 512 * mib, RAM}},
			layoutAt(2048*mib, 2112*mib), Range{}, 2112 * mib, 2330 * mib},
		{"a heap that ends its bank", []Range{{1024 * mib, 240 * mib, RAM}, {1264 * mib, 512 * mib, RAM}},
			layoutAt(1200*mib, 1264*mib), Range{}, image.Start, 0},
		{"an image that is not in one piece of RAM", []Range{{1024 * mib, 4 * mib, RAM}, {1028 * mib, 512 * mib, RAM}},
			layoutAt(1200*mib, 1264*mib), Range{}, image.Start, 0},
		{"a bank too high", []Range{{1024 * mib, bankView, RAM}}, layoutAt(1200*mib, 1264*mib), Range{}, image.Start, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			start.memory = *rangesOf(test.memory...)
			usable := *rangesOf(test.memory...)
			for _, r := range []Range{image, test.l.tables, test.l.heap, test.taken} {
				usable.cut(r.Start, r.End())
			}
			got := retreat(&usable, image, test.l)
			if got.Start < test.want || got.Start > max(test.want, test.last) || got.Size != image.Size {
				t.Errorf("%#x+%#x, want %#x to %#x", got.Start, got.Size, test.want, test.last)
			}
		})
	}
}

func TestSomewhere(t *testing.T) {
	const mib = 1 << 20
	size := uint64(4*mib + pageSize)
	for _, test := range []struct {
		name  string
		room  uint64
		lasts uint64 // the highest place, from the start on
	}{
		{"nothing to choose", size, 0},
		{"too small a half", 2*size - 2, 0},
		{"two places", 2*size + 4*mib, 2 * mib},
		{"many", 512 * mib, 250 * mib},
	} {
		seen := map[uint64]bool{}
		for i := range uint64(1000) {
			got := somewhere(Range{1024 * mib, test.room, RAM}, size, i)
			at := got.Start - 1024*mib
			if at%imageAlign != 0 || at > test.lasts || got.Size != size {
				t.Fatalf("%s: %#x+%#x, want at most %#x", test.name, at, got.Size, test.lasts)
			}
			seen[at] = true
		}
		if want := int(test.lasts/imageAlign) + 1; len(seen) != want {
			t.Errorf("%s: %d places, want %d", test.name, len(seen), want)
		}
	}
}

// TestMoved looks at a guest whose image has left its place. QEMU's machine has
// the memory for that.
func TestMoved(t *testing.T) {
	if !running {
		return // an ordinary program is where its system put it
	}
	image := moved.image
	if want := pages(arm64.Image()); image != want {
		t.Fatalf("%#x+%#x has moved, want %#x+%#x", image.Start, image.Size, want.Start, want.Size)
	}
	to := physicalOf(image.Start)
	owns, frees := own, free
	if !owns.hold(Range{to, image.Size, RAM}) {
		t.Errorf("the copy at %#x is not the program's own", to)
	}
	if frees.sort(); !frees.hold(image) {
		t.Error("the old place is not free")
	}

	// The old place is seen in one piece with what is above and below.
	p := Platform()
	old := p.View(image.Start-pageSize, image.Size+2*pageSize)
	if old == nil {
		t.Fatal("the old place cannot be seen")
	}
	below, above := p.View(image.Start-pageSize, pageSize), p.View(image.End(), pageSize)
	header := bytes.Clone(memory(image.Start, pageSize))
	for i := range old {
		old[i] = byte(i/pageSize) + 1
	}
	last := byte(image.Size/pageSize) + 2
	if below[0] != 1 || below[pageSize-1] != 1 || above[0] != last || above[pageSize-1] != last {
		t.Errorf("around the old place are %d, %d and %d, %d", below[0], below[pageSize-1], above[0], above[pageSize-1])
	}
	if !bytes.Equal(memory(image.Start, pageSize), header) || !bytes.Equal(memory(to, pageSize), header) {
		t.Error("who writes to the old place changes the image")
	}
	if got := p.View(moved.bank.End()-pageSize, 2*pageSize); got != nil && bankOf(Range{moved.bank.End(), 1, RAM}).Size == 0 {
		t.Error("what is no RAM is seen")
	}

	// What is granted is the frame that an address is mapped to.
	inImage := memory(uint64(addressOf(&moved)), 1)
	for _, test := range []struct {
		name string
		p    []byte
		want uint64
	}{
		{"the old place", old[2*pageSize:], image.Start + pageSize},
		{"below it", below, image.Start - pageSize},
		{"the image", inImage, uint64(addressOf(&moved)) - image.Start + to},
	} {
		if gfn, ok := p.GFN(test.p); !ok || gfn != test.want/pageSize {
			t.Errorf("%s: gfn %#x %v, want %#x", test.name, gfn, ok, test.want/pageSize)
		}
	}
	if _, err := p.MapGFN(image.Start/pageSize, 1); err == nil {
		t.Error("a frame is shown where the image is")
	}
}
