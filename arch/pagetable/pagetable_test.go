package pagetable

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// format is a format with what the processor makes of its tables.
type format struct {
	name string
	*Format
	walk func(t *Tables, addr uint64) (pa uint64, kind Kind, ok bool)
}

var formats = []format{
	{"AArch64", &AArch64, walkAArch64},
	{"Sv39", &Sv39, walkSv39},
	{"Radix", &Radix, walkRadix},
}

// tables makes empty tables in n frames of the test's own memory.
func (f format) tables(t *testing.T, n int) *Tables {
	t.Helper()
	raw := make([]byte, (n+2)*FrameSize)
	t.Cleanup(func() { raw[0] = 1 }) // raw must outlive the test
	base := (uint64(uintptr(unsafe.Pointer(&raw[0]))) + FrameSize - 1) &^ (FrameSize - 1)
	for i := range raw {
		raw[i] = 0xff // what is not cleared is seen
	}
	clear(frame(base)[:])
	tt := New(f.Format, base, base+FrameSize, uint64(n)*FrameSize)
	return &tt
}

func (t *Tables) used() uint64 { return (t.next - t.root) / FrameSize }

// walkAArch64 does what the processor does (Arm ARM, "VMSAv8-64 translation
// using the 4KB granule"), and knows memory by its attributes.
func walkAArch64(t *Tables, addr uint64) (pa uint64, kind Kind, ok bool) {
	if addr >= 1<<48 {
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
		case d&2 == 0 && (level == 0 || level == 3), d&(1<<10) == 0, d&(1<<54) == 0:
			return 0, 0, false // reserved, an access flag fault, or EL0's to execute
		}
		switch normal := d>>2&7 == 0 && d>>8&3 == 3; {
		case normal && d&(1<<53) == 0:
			kind = Normal
		case d>>2&7 == 1 && d&(1<<53) != 0:
			kind = Device
		default:
			return 0, 0, false
		}
		page := uint64(1)<<shift - 1
		return d&0x0000_ffff_ffff_f000&^page | addr&page, kind, true
	}
}

// walkSv39 does what the processor does (The RISC-V Instruction Set Manual,
// volume II, "Virtual Address Translation Process"), where it does not set A
// and D by itself.
func walkSv39(t *Tables, addr uint64) (pa uint64, kind Kind, ok bool) {
	if addr >= 1<<38 {
		return 0, 0, false
	}
	at := t.root
	for i := 2; i >= 0; i-- {
		pte := frame(at)[addr>>(12+9*i)&511]
		ppn := pte >> 10 & (1<<44 - 1)
		switch {
		case pte&1 == 0, pte&6 == 4, pte>>54 != 0, pte>>8&3 != 0:
			return 0, 0, false // invalid, reserved, or of an extension
		case pte&0xe == 0:
			if pte&0xd0 != 0 {
				return 0, 0, false // A, D and U are reserved where no leaf is
			}
			at = ppn << 12
			continue
		case ppn&(1<<(9*i)-1) != 0, pte&0xc0 != 0xc0, pte&0x10 != 0:
			return 0, 0, false // a misaligned superpage, A or D to set, U-mode's
		}
		switch pte & 0xe {
		case 0xe:
			kind = Normal
		case 6:
			kind = Device
		default:
			return 0, 0, false
		}
		return ppn<<12 | addr&(1<<(12+9*i)-1), kind, true
	}
	return 0, 0, false
}

// walkRadix does what the processor does (Power ISA 3.0B, book III, 5.7.10.2
// "Radix Tree Translation"), in big-endian tables, where it does not set R and C
// by itself.
func walkRadix(t *Tables, addr uint64) (pa uint64, kind Kind, ok bool) {
	if addr >= 1<<52 {
		return 0, 0, false
	}
	at, shift := t.root, uint(52)
	for bits := uint64(RadixRootBits); ; {
		shift -= uint(bits)
		index := addr >> shift & (1<<bits - 1)
		var raw [8]byte
		binary.NativeEndian.PutUint64(raw[:], frame(at + index/512*FrameSize)[index%512])
		e := binary.BigEndian.Uint64(raw[:])
		switch {
		case e>>63 == 0:
			return 0, 0, false
		case e>>62&1 == 0:
			at, bits = e&0x0fff_ffff_ffff_ff00, e&31
			if shift < 12+9 || bits != 9 {
				return 0, 0, false // no tree that POWER9 has
			}
			continue
		case shift != 12 && shift != 21 && shift != 30, e&(1<<8) == 0, e&(1<<7) == 0, e&8 == 0:
			return 0, 0, false // no page of POWER9's, or problem state's
		}
		switch {
		case e&0x37 == 7:
			kind = Normal
		case e&0x37 == 0x26:
			kind = Device
		default:
			return 0, 0, false
		}
		page := uint64(1)<<shift - 1
		return e&0x01ff_ffff_ffff_f000&^page | addr&page, kind, true
	}
}

// each runs a test for each format.
func each(t *testing.T, test func(t *testing.T, f format)) {
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) { test(t, f) })
	}
}

const (
	mib = 1 << 20
	gib = 1 << 30
)

func TestMap(t *testing.T) { each(t, testMap) }

func testMap(t *testing.T, f format) {
	// more is how many tables the root has below it before one of 1 GiB blocks.
	more := uint64(f.Levels - 3)
	type area struct {
		start, end uint64
		kind       Kind
	}
	for _, test := range []struct {
		name   string
		areas  []area
		frames uint64 // in use at the end, the root among them, without more
	}{
		{"a page", []area{{0x9000000, 0x9001000, Device}}, 3},
		{"part of a page", []area{{0x9000010, 0x9000020, Device}}, 3},
		{"a block", []area{{gib, gib + 2*mib, Normal}}, 2},
		{"a gibibyte", []area{{gib, 2 * gib, Normal}}, 1},
		{"a small domain", []area{{gib, gib + 16*mib, Normal}}, 2},
		{"odd ends", []area{{gib - 4096, 3*gib + 2*mib + 4096, Normal}}, 5},
		{"two banks", []area{{gib, 4 * gib, Normal}, {8 * gib, 9*gib + 8*mib, Normal}}, 2},
		{"many", []area{{8 * gib, 248 * gib, Normal}}, 1},
		{"over again", []area{{gib, gib + 5*mib, Normal}, {gib + 2*mib, gib + 6*mib, Normal}}, 3},
		{"blocks first", []area{{gib + 2*mib, gib + 4*mib, Normal}, {gib, 2*gib + mib, Normal}}, 4},
		{"to the end", []area{{f.Limit - gib, f.Limit, Normal}}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			tt := f.tables(t, 16)
			bound := uint64(1)
			for _, a := range test.areas {
				if !tt.Map(a.start, a.end, a.kind) {
					t.Fatalf("%#x-%#x is refused", a.start, a.end)
				}
				bound += f.FramesFor(a.start, a.end)
			}
			if got := tt.used(); got != test.frames+more || got > bound {
				t.Errorf("%d frames, want %d and at most %d", got, test.frames+more, bound)
			}
			for _, a := range test.areas {
				if !tt.Mapped(a.start, a.end) {
					t.Errorf("%#x-%#x is not mapped", a.start, a.end)
				}
				for _, addr := range []uint64{a.start, a.start + (a.end-a.start)/2&^7, a.end - 1} {
					if pa, kind, ok := f.walk(tt, addr); a.start < a.end && (!ok || pa != addr || kind != a.kind) {
						t.Errorf("%#x is %#x %v %v, want kind %v", addr, pa, kind, ok, a.kind)
					}
				}
				if _, _, ok := f.walk(tt, 0); ok {
					t.Error("the nil address is mapped")
				}
			}
		})
	}
}

// TestMapTo maps memory elsewhere than to itself, beside what is mapped so.
func TestMapTo(t *testing.T) { each(t, testMapTo) }

func testMapTo(t *testing.T, f format) {
	more := uint64(f.Levels - 3)
	view := f.Limit / 4
	for _, test := range []struct {
		name           string
		start, end, to uint64
		frames         uint64 // in use at the end, the root among them, without more
	}{
		{"blocks", gib + 2*mib, gib + 6*mib, 2*gib + 8*mib, 2},
		{"blocks and pages", gib + 2*mib, gib + 4*mib + 3*4096, 2 * gib, 3},
		{"not aligned alike", gib + 2*mib, gib + 4*mib, 2*gib + 4096, 3},
		{"a view far up", view + gib, view + 2*gib, gib, 1},
		{"part of a page", gib + 16, gib + 32, 16, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			tt := f.tables(t, 16)
			if !tt.MapTo(test.start, test.end, test.to, Normal) {
				t.Fatal("refused")
			}
			if got := tt.used(); got != test.frames+more || got > 1+f.FramesFor(test.start, test.end) {
				t.Errorf("%d frames, want %d", got, test.frames+more)
			}
			for _, at := range []uint64{0, (test.end - test.start) / 2, test.end - test.start - 1} {
				if pa, kind, ok := f.walk(tt, test.start+at); !ok || pa != test.to+at || kind != Normal {
					t.Errorf("%#x is %#x %v %v, want %#x", test.start+at, pa, kind, ok, test.to+at)
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
	tt := f.tables(t, 16)
	for _, to := range []uint64{f.Limit - 4096, f.Limit, 1<<64 - 4096, gib + 1} {
		if tt.MapTo(gib, gib+8192, to, Normal) {
			t.Errorf("to %#x is taken", to)
		}
	}
}

// Tables from the start on: the pool's first frame is the root.
func TestEmpty(t *testing.T) { each(t, testEmpty) }

func testEmpty(t *testing.T, f format) {
	other := f.tables(t, 24)
	pool := other.root + FrameSize
	root := max(FrameSize, f.Root)
	tt := Empty(f.Format, pool, root+6*FrameSize)
	if tt.Root() != pool || tt.Mapped(gib, gib+1) || !tt.Map(gib, gib, Normal) || tt.used() != root/FrameSize {
		t.Errorf("root %#x, want %#x, and nothing mapped", tt.Root(), pool)
	}
	if !tt.Map(gib, gib+4096, Normal) {
		t.Fatal("a page is refused")
	}
	if pa, _, ok := f.walk(&tt, gib); !ok || pa != gib {
		t.Errorf("%#x %v, want %#x", pa, ok, uint64(gib))
	}
}

func TestMapRefuses(t *testing.T) { each(t, testMapRefuses) }

func testMapRefuses(t *testing.T, f format) {
	tt := f.tables(t, int(f.Levels)-1)
	if tt.Map(gib, f.Limit+1, Normal) || tt.Map(2*gib, gib, Normal) {
		t.Error("a range outside the address space is taken")
	}
	if !tt.Map(gib, gib+4096, Normal) {
		t.Fatal("one page in a frame for each level is refused")
	}
	if tt.Map(gib, gib+4096, Device) {
		t.Error("memory becomes a device")
	}
	if tt.Map(2*gib, 2*gib+4096, Normal) {
		t.Error("one more frame was found")
	}
	if tt.Mapped(2*gib, 2*gib+4096) || tt.Mapped(gib, gib+4097) || tt.Mapped(gib, f.Limit+1) {
		t.Error("what was refused is mapped")
	}
}

// TestRandom maps ranges at random and asks for addresses in and around them.
func TestRandom(t *testing.T) { each(t, testRandom) }

func testRandom(t *testing.T, f format) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		tt := f.tables(t, 256)
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
			if addr >= f.Limit {
				continue
			}
			want := false
			for _, s := range spans {
				want = want || addr >= s.start && addr < s.end
			}
			pa, kind, ok := f.walk(tt, addr)
			if ok != want || ok && (pa != addr || kind != Normal) || tt.Mapped(addr, addr+1) != want {
				t.Fatalf("%#x is %#x %v %v, want mapped %v, of %v", addr, pa, kind, ok, want, spans)
			}
		}
	}
}
