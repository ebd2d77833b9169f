package blkif

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fields makes memory of hexadecimal numbers, each of as many bytes as it has pairs
// of digits.
func fields(t *testing.T, text string) (b []byte) {
	t.Helper()
	for _, number := range strings.Fields(text) {
		field, err := hex.DecodeString(number)
		if err != nil {
			t.Fatal(err)
		}
		if binary.NativeEndian.Uint16([]byte{1, 0}) == 1 {
			slices.Reverse(field)
		}
		b = append(b, field...)
	}
	return b
}

// The fields follow the offsets that a C compiler gives the structures of
// public/io/blkif.h on 64-bit architectures.
func TestRequestLayout(t *testing.T) {
	direct := Request{Op: OpWrite, Handle: 0x1234, ID: 0x0102030405060708, Sector: 0x1122334455667788, Count: 2}
	direct.Segments[0] = Segment{Ref: 0xaabbccdd, First: 1, Last: 7}
	direct.Segments[1] = Segment{Ref: 9, First: 0, Last: 3}
	indirect := Request{Op: OpRead, Handle: 0x1234, ID: 5, Sector: 6, Indirect: true, Count: 0x120}
	indirect.Pages[0], indirect.Pages[7] = 0x0a0b0c0d, 8
	flush := Request{Op: OpFlush, ID: 1}
	for _, tt := range []struct {
		name string
		req  Request
		want string // without trailing zeros
	}{
		{"direct", direct, "01 02 1234 00000000 0102030405060708 1122334455667788 aabbccdd 01 07 0000 00000009 00 03"},
		{"indirect", indirect, "06 00 0120 00000000 0000000000000005 0000000000000006 1234 0000 0a0b0c0d" + strings.Repeat(" 00000000", 6) + " 00000008"},
		{"flush", flush, "03 00 0000 00000000 0000000000000001"},
	} {
		var e Entry
		tt.req.Encode(&e)
		var w Entry
		copy(w[:], fields(t, tt.want))
		if diff := cmp.Diff(w, e); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
		got, err := DecodeRequest(&e)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.req, got); diff != "" {
			t.Errorf("%s: decoded: -want +got\n%s", tt.name, diff)
		}
	}
}

func TestResponseLayout(t *testing.T) {
	var want [ResponseSize]byte
	copy(want[:], fields(t, "0102030405060708 06 00 fffe"))
	r := Response{ID: 0x0102030405060708, Op: OpIndirect, Status: StatusNotSupported}
	var got [ResponseSize]byte
	r.Encode(&got)
	if got != want {
		t.Errorf("got %x, want %x", got, want)
	}
	if back := DecodeResponse(&got); back != r {
		t.Errorf("decoded %+v, want %+v", back, r)
	}
}

func TestDecodeRequestRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*Entry)
		want string
	}{
		{"12 segments", func(e *Entry) { e[1] = 12 }, "blkif: request with 12 segments"},
		{"no indirect segments", func(e *Entry) { e[0] = byte(OpIndirect) }, "blkif: indirect request with 0 segments"},
		{"4097 indirect segments", func(e *Entry) { copy(e[:], fields(t, "06 00 1001")) }, "blkif: indirect request with 4097 segments"},
	} {
		var e Entry
		binary.NativeEndian.PutUint64(e[8:], 77)
		tt.set(&e)
		r, err := DecodeRequest(&e)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.want)
		}
		if r.ID != 77 || r.Count != 0 {
			t.Errorf("%s: id %d count %d, want 77 and 0", tt.name, r.ID, r.Count)
		}
	}
}

func TestEntries(t *testing.T) {
	for order, want := range []int{32, 64, 128, 256, 512} {
		if got := Entries(PageSize << order); got != want {
			t.Errorf("order %d: %d entries, want %d", order, got, want)
		}
	}
	for _, n := range []int{0, 1, 4095, 3 * PageSize, PageSize << (MaxOrder + 1)} {
		if _, err := NewFrontRing(make([]byte, n)); err == nil {
			t.Errorf("ring of %d bytes accepted", n)
		}
	}
}

// newPair makes both ends of a ring whose indices start at start.
func newPair(t testing.TB, order int, start uint32) (*FrontRing, *BackRing) {
	mem := make([]byte, PageSize<<order)
	f, err := NewFrontRing(mem)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBackRing(slices.Collect(slices.Chunk(mem, PageSize))...)
	if err != nil {
		t.Fatal(err)
	}
	f.prod, f.cons, f.pushed = start, start, start
	b.prod, b.cons, b.pushed = start, start, start
	return f, b
}

func TestRingWrapsAround(t *testing.T) {
	f, b := newPair(t, 0, 0xffffffe0)
	b.Sleep()
	id, answered := uint64(0), uint64(0)
	for round := range 10 {
		for f.Free() > 0 {
			if err := f.Put(&Request{ID: id, Op: OpRead}); err != nil {
				t.Fatal(err)
			}
			id++
		}
		if err := f.Put(&Request{}); !errors.Is(err, ErrFull) {
			t.Fatalf("put into a full ring: %v", err)
		}
		if notify := f.Push(); notify != (round == 0) {
			t.Errorf("round %d: notify %v: the backend asked at the first request only", round, notify)
		}
		if f.Push() {
			t.Error("push of nothing notifies")
		}
		for range 20 {
			e, ok, err := b.Take()
			if !ok || err != nil {
				t.Fatalf("backend take: %v %v", ok, err)
			}
			r, err := DecodeRequest(&e)
			if err != nil {
				t.Fatal(err)
			}
			b.Put(Response{ID: r.ID, Op: r.Op})
		}
		if b.Push() {
			t.Error("frontend asked for a notification")
		}
		for range 20 {
			r, ok, err := f.Take()
			if !ok || err != nil || r.ID != answered {
				t.Fatalf("take: %+v %v %v, want id %d", r, ok, err, answered)
			}
			answered++
		}
		if _, ok, err := f.Take(); ok || err != nil {
			t.Fatalf("take from a drained ring: %v %v", ok, err)
		}
	}
	if f.InFlight() != 12 {
		t.Errorf("%d in flight, want 12", f.InFlight())
	}
}

func TestBackendWakes(t *testing.T) {
	f, b := newPair(t, 0, 0)
	if !b.Sleep() {
		t.Fatal("empty ring has requests")
	}
	f.Put(&Request{})
	if !f.Push() {
		t.Error("first request after sleep does not notify")
	}
	if b.Sleep() {
		t.Error("sleep with a request waiting")
	}
}

func TestHostileIndices(t *testing.T) {
	for _, tt := range []struct {
		name     string
		inFlight int
		rspProd  uint32
	}{
		{"response without a request", 0, 1},
		{"more responses than requests", 3, 4},
		{"more than the ring holds", 32, 33},
		{"backwards", 3, 0xffffffff},
		{"far away", 3, 0x80000000},
	} {
		f, b := newPair(t, 0, 0)
		for range tt.inFlight {
			f.Put(&Request{})
		}
		f.Push()
		b.SetResponseProducer(tt.rspProd)
		_, ok, err := f.Take()
		if ie, is := errors.AsType[*IndexError](err); ok || !is || ie.Index != "rsp_prod" {
			t.Errorf("%s: %v %v, want an index error", tt.name, ok, err)
		}
	}
	_, b := newPair(t, 0, 0)
	b.pages[0][offReqProd] = 33
	if _, ok, err := b.Take(); ok || err == nil {
		t.Errorf("33 requests in a ring of 32: %v %v", ok, err)
	}
}

// FuzzFrontRing lets a backend write anything into the shared pages between
// the frontend's steps.
func FuzzFrontRing(f *testing.F) {
	f.Add([]byte{}, uint8(3))
	f.Add([]byte{8, 0, 3, 8, 0, 40, 64, 0, 1}, uint8(5))
	f.Fuzz(func(t *testing.T, script []byte, requests uint8) {
		front, _ := newPair(t, 0, 0)
		for i := range requests {
			if front.Put(&Request{ID: uint64(i)}) != nil {
				break
			}
		}
		front.Push()
		flight := front.InFlight()
		for len(script) >= 3 {
			off := (int(script[0]) | int(script[1])<<8) % PageSize
			front.pages[0][off] = script[2]
			script = script[3:]
			for {
				_, ok, err := front.Take()
				if !ok || err != nil {
					break
				}
				flight--
			}
			if flight < 0 || front.InFlight() != flight {
				t.Fatalf("%d responses too many, %d in flight", -flight, front.InFlight())
			}
		}
	})
}
