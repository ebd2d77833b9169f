package xenstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"pvboot/internal/shm"
)

func newPage(index uint32) []byte {
	page := make([]byte, pageSize)
	for _, off := range []int{offReqCons, offReqProd, offRspCons, offRspProd} {
		shm.Store(page, off, index)
	}
	return page
}

func mustRing(t *testing.T, page []byte, daemon bool) *Ring {
	t.Helper()
	r, err := NewRing(page, daemon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRingMovesBytesBothWays(t *testing.T) {
	for _, start := range []uint32{0, 1, 1023, 0x7fffffff, 0xfffffff0} {
		page := newPage(start)
		guest, daemon := mustRing(t, page, false), mustRing(t, page, true)
		for _, way := range [][2]*Ring{{guest, daemon}, {daemon, guest}} {
			var sent, got []byte
			buf := make([]byte, 700)
			for i := 0; len(got) < 5000; i++ {
				msg := bytes.Repeat([]byte{byte(i)}, 1+i*37%1500)
				n, err := way[0].Write(msg)
				if err != nil {
					t.Fatal(err)
				}
				sent = append(sent, msg[:n]...)
				n, err = way[1].Read(buf)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, buf[:n]...)
			}
			for n := -1; n != 0; {
				n, _ = way[1].Read(buf)
				got = append(got, buf[:n]...)
			}
			if !bytes.Equal(sent, got) {
				t.Errorf("from %#x: %d bytes sent, %d other ones received", start, len(sent), len(got))
			}
		}
		if !Quiescent(page) {
			t.Errorf("from %#x: ring not quiescent: %s", start, indexes(page))
		}
	}
}

func TestRingIsFullAt1024(t *testing.T) {
	page := newPage(5)
	guest := mustRing(t, page, false)
	if n, err := guest.Write(make([]byte, 2000)); n != ringSize || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if n, err := guest.Write([]byte("x")); n != 0 || err != nil {
		t.Errorf("full ring took %d, %v", n, err)
	}
	if Quiescent(page) || guest.drained() {
		t.Error("full ring called empty")
	}
}

func TestRingRefusesImpossibleIndexes(t *testing.T) {
	for _, tt := range []struct {
		name string
		off  int
		v    uint32
		read bool
	}{
		{"request consumer ahead of us", offReqCons, 101, false},
		{"request consumer too far behind", offReqCons, 0xfffffc63, false},
		{"reply producer behind us", offRspProd, 99, true},
		{"reply producer more than a ring ahead", offRspProd, 100 + ringSize + 1, true},
	} {
		page := newPage(100)
		r := mustRing(t, page, false)
		shm.Store(page, tt.off, tt.v)
		var n int
		var err error
		if tt.read {
			n, err = r.Read(make([]byte, 10))
		} else {
			n, err = r.Write(make([]byte, 10))
		}
		if !errors.Is(err, ErrRing) || n != 0 {
			t.Errorf("%s: %d, %v", tt.name, n, err)
		}
	}
}

// An index that only this end moves is not read back from the page.
func TestRingTrustsItsOwnIndexes(t *testing.T) {
	page := newPage(0)
	guest := mustRing(t, page, false)
	shm.Store(page, offReqProd, 700)
	if n, err := guest.Write([]byte("ab")); n != 2 || err != nil || shm.Load(page, offReqProd) != 2 {
		t.Errorf("wrote %d, %v, producer %d", n, err, shm.Load(page, offReqProd))
	}
	if page[0] != 'a' {
		t.Error("written elsewhere")
	}
}

func TestNewRingWantsAPage(t *testing.T) {
	if _, err := NewRing(make([]byte, 100), false); err == nil {
		t.Error("no error")
	}
}

// FuzzRing gives a ring page of any content to both ends.
func FuzzRing(f *testing.F) {
	f.Add([]byte{}, uint16(10))
	f.Add(binary.LittleEndian.AppendUint64(nil, 1<<40), uint16(1100))
	f.Fuzz(func(t *testing.T, words []byte, n uint16) {
		page := newPage(0)
		copy(page[offReqCons:], words)
		copy(page[:2048], bytes.Repeat(words, 4))
		for _, daemon := range []bool{false, true} {
			r := mustRing(t, page, daemon)
			buf := make([]byte, n%3000)
			if c, err := r.Write(buf); c > ringSize || err != nil && c != 0 {
				t.Errorf("wrote %d, %v", c, err)
			}
			if c, err := r.Read(buf); c > ringSize || err != nil && c != 0 {
				t.Errorf("read %d, %v", c, err)
			}
		}
	})
}

// TestFilled: the daemon fills the ring after the guest took what was there, and
// before it sees that.
func TestFilled(t *testing.T) {
	for _, more := range []int{0, 23, 24, 100} {
		page := newPage(0xfffffe00)
		guest, daemon := mustRing(t, page, false), mustRing(t, page, true)
		if n, err := daemon.Write(make([]byte, 1000)); n != 1000 || err != nil {
			t.Fatal(n, err)
		}
		before := guest.in.mine
		if n, err := guest.Read(make([]byte, 1000)); n != 1000 || err != nil {
			t.Fatal(n, err)
		}
		shm.Store(page, offRspCons, before)
		n, err := daemon.Write(make([]byte, more))
		if want := min(more, 24); n != want || err != nil {
			t.Fatal(n, err)
		}
		shm.Store(page, offRspCons, guest.in.mine)
		if got, want := guest.filled(before), more >= 24; got != want {
			t.Errorf("%d bytes more: filled %v, want %v", more, got, want)
		}
	}
}
