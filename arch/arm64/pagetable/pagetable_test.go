package pagetable

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

// tables makes empty tables in n frames of the test's own memory.
func tables(t *testing.T, n int) *Tables {
	t.Helper()
	raw := make([]byte, (n+2)*FrameSize)
	t.Cleanup(func() { raw[0] = 1 }) // raw must outlive the test
	base := (uint64(uintptr(unsafe.Pointer(&raw[0]))) + FrameSize - 1) &^ (FrameSize - 1)
	for i := range raw {
		raw[i] = 0xff // what is not cleared is seen
	}
	clear(frame(base)[:])
	tt := New(base, base+FrameSize, uint64(n)*FrameSize)
	return &tt
}

func (t *Tables) used() uint64 { return (t.next - t.root) / FrameSize }

// walk does what the processor does (Arm ARM, "VMSAv8-64 translation using the
// 4KB granule").
func walk(t *Tables, addr uint64) (pa uint64, kind Kind, ok bool) {
	if addr >= Limit {
		return 0, 0, false
	}
	at := t.root
	for level := 0; ; level++ {
		shift := 39 - 9*level
		d := frame(at)[addr>>shift&511]
		switch {
		case d&1 == 0:
			return 0, 0, false
		case d&2 != 0 && level < 3:
			at = d & 0x0000_ffff_ffff_f000
			continue
		case d&2 == 0 && (level == 0 || level == 3), d&(1<<10) == 0:
			return 0, 0, false // reserved, or an access flag fault
		}
		page := uint64(1)<<shift - 1
		return d&0x0000_ffff_ffff_f000&^page | addr&page, Kind(d & kindMask), true
	}
}

const (
	mib = 1 << 20
	gib = 1 << 30
)

func TestMap(t *testing.T) {
	type area struct {
		start, end uint64
		kind       Kind
	}
	for _, test := range []struct {
		name   string
		areas  []area
		frames uint64 // in use at the end, the root among them
	}{
		{"a page", []area{{0x9000000, 0x9001000, Device}}, 4},
		{"part of a page", []area{{0x9000010, 0x9000020, Device}}, 4},
		{"a block", []area{{gib, gib + 2*mib, Normal}}, 3},
		{"a gibibyte", []area{{gib, 2 * gib, Normal}}, 2},
		{"nothing", []area{{gib, gib, Normal}}, 1},
		{"a small domain", []area{{gib, gib + 16*mib, Normal}}, 3},
		{"odd ends", []area{{gib - 4096, 3*gib + 2*mib + 4096, Normal}}, 6},
		{"two banks", []area{{gib, 4 * gib, Normal}, {8 * gib, 9*gib + 8*mib, Normal}}, 3},
		{"a tebibyte", []area{{8 * gib, 1024 * gib, Normal}}, 3},
		{"over again", []area{{gib, gib + 5*mib, Normal}, {gib + 2*mib, gib + 6*mib, Normal}}, 4},
		{"blocks first", []area{{gib + 2*mib, gib + 4*mib, Normal}, {gib, 2*gib + mib, Normal}}, 5},
		{"to the end", []area{{1<<48 - gib, 1 << 48, Normal}}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			tt := tables(t, 16)
			bound := uint64(1)
			for _, a := range test.areas {
				if !tt.Map(a.start, a.end, a.kind) {
					t.Fatalf("%#x-%#x is refused", a.start, a.end)
				}
				bound += FramesFor(a.start, a.end)
			}
			if got := tt.used(); got != test.frames || got > bound {
				t.Errorf("%d frames, want %d and at most %d", got, test.frames, bound)
			}
			for _, a := range test.areas {
				if !tt.Mapped(a.start, a.end) {
					t.Errorf("%#x-%#x is not mapped", a.start, a.end)
				}
				for _, addr := range []uint64{a.start, a.start + (a.end-a.start)/2&^7, a.end - 1} {
					if pa, kind, ok := walk(tt, addr); a.start < a.end && (!ok || pa != addr || kind != a.kind) {
						t.Errorf("%#x is %#x %#x %v, want kind %#x", addr, pa, kind, ok, a.kind)
					}
				}
				if _, _, ok := walk(tt, 0); ok {
					t.Error("the nil address is mapped")
				}
			}
		})
	}
}

// TestMapTo maps memory elsewhere than to itself, beside what is mapped so.
func TestMapTo(t *testing.T) {
	const view = 1 << 46
	for _, test := range []struct {
		name           string
		start, end, to uint64
		frames         uint64 // in use at the end, the root among them
	}{
		{"blocks", gib + 2*mib, gib + 6*mib, 2*gib + 8*mib, 3},
		{"blocks and pages", gib + 2*mib, gib + 4*mib + 3*4096, 2 * gib, 4},
		{"not aligned alike", gib + 2*mib, gib + 4*mib, 2*gib + 4096, 4},
		{"a view far up", view + gib, view + 2*gib, gib, 2},
		{"part of a page", gib + 16, gib + 32, 16, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			tt := tables(t, 16)
			if !tt.MapTo(test.start, test.end, test.to, Normal) {
				t.Fatal("refused")
			}
			if got := tt.used(); got != test.frames || got > 1+FramesFor(test.start, test.end) {
				t.Errorf("%d frames, want %d", got, test.frames)
			}
			for _, at := range []uint64{0, (test.end - test.start) / 2, test.end - test.start - 1} {
				if pa, kind, ok := walk(tt, test.start+at); !ok || pa != test.to+at || kind != Normal {
					t.Errorf("%#x is %#x %#x %v, want %#x", test.start+at, pa, kind, ok, test.to+at)
				}
			}
			if !tt.Mapped(test.start, test.end) || !tt.MapTo(test.start, test.end, test.to, Normal) {
				t.Error("what is mapped is not found again")
			}
			if tt.Map(test.start, test.end, Normal) || tt.MapTo(test.start, test.end, test.to+4096, Normal) {
				t.Error("what is mapped is mapped elsewhere")
			}
		})
	}
	tt := tables(t, 16)
	for _, to := range []uint64{1<<48 - 4096, 1 << 48, 1<<64 - 4096, gib + 1} {
		if tt.MapTo(gib, gib+8192, to, Normal) {
			t.Errorf("to %#x is taken", to)
		}
	}
}

// Tables from the start on: the pool's first frame is the root.
func TestEmpty(t *testing.T) {
	other := tables(t, 8)
	pool := other.root + FrameSize
	tt := Empty(pool, 7*FrameSize)
	if tt.Root() != pool || tt.Mapped(gib, gib+1) {
		t.Errorf("root %#x, want %#x, and nothing mapped", tt.Root(), pool)
	}
	if !tt.Map(gib, gib+4096, Normal) {
		t.Fatal("a page is refused")
	}
	if pa, _, ok := walk(&tt, gib); !ok || pa != gib {
		t.Errorf("%#x %v, want %#x", pa, ok, uint64(gib))
	}
}

func TestMapRefuses(t *testing.T) {
	tt := tables(t, 3)
	if tt.Map(gib, 1<<48+1, Normal) || tt.Map(2*gib, gib, Normal) {
		t.Error("a range outside the address space is taken")
	}
	if !tt.Map(gib, gib+4096, Normal) {
		t.Fatal("one page in three frames is refused")
	}
	if tt.Map(gib, gib+4096, Device) {
		t.Error("memory becomes a device")
	}
	if tt.Map(2*gib, 2*gib+4096, Normal) {
		t.Error("a fourth frame was found")
	}
	if tt.Mapped(2*gib, 2*gib+4096) || tt.Mapped(gib, gib+4097) || tt.Mapped(gib, 1<<48+1) {
		t.Error("what was refused is mapped")
	}
}

// TestRandom maps ranges at random and asks for addresses in and around them.
func TestRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		tt := tables(t, 256)
		type span struct{ start, end uint64 }
		var spans []span
		for range 1 + r.IntN(8) {
			start := r.Uint64N(64*gib) &^ (1<<(12+r.Uint64N(19)) - 1)
			size := (1 + r.Uint64N(600)) << (12 + r.Uint64N(12))
			spans = append(spans, span{start, start + size})
			if !tt.Map(start, start+size, Normal) {
				t.Fatalf("%#x+%#x is refused", start, size)
			}
		}
		for range 500 {
			s := spans[r.IntN(len(spans))]
			addr := s.start - 8192 + r.Uint64N(s.end-s.start+16384)
			if addr >= Limit {
				continue
			}
			want := false
			for _, s := range spans {
				want = want || addr >= s.start && addr < s.end
			}
			pa, kind, ok := walk(tt, addr)
			if ok != want || ok && (pa != addr || kind != Normal) || tt.Mapped(addr, addr+1) != want {
				t.Fatalf("%#x is %#x %#x %v, want mapped %v, of %v", addr, pa, kind, ok, want, spans)
			}
		}
	}
}
