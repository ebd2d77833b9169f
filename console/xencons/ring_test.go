package xencons

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
)

// page makes a console page with the given indices.
func page(inCons, inProd, outCons, outProd uint32) []byte {
	p := make([]byte, PageSize)
	for i, v := range []uint32{inCons, inProd, outCons, outProd} {
		binary.NativeEndian.PutUint32(p[3072+4*i:], v)
	}
	return p
}

func TestNewRefusesBadIndices(t *testing.T) {
	for _, tt := range []struct {
		name   string
		page   []byte
		daemon bool
		index  string
	}{
		{"input longer than the ring", page(0, 1025, 0, 0), false, "in_prod"},
		{"input backwards", page(1, 0, 0, 0), false, "in_prod"},
		{"output longer than the ring", page(0, 0, 0, 2049), false, "out_cons"},
		{"output backwards", page(0, 0, 5, 4), false, "out_cons"},
		{"daemon: output longer than the ring", page(0, 0, 0, 2049), true, "out_prod"},
		{"daemon: input backwards", page(7, 0, 0, 0), true, "in_cons"},
	} {
		_, err := New(tt.page, tt.daemon)
		if ie, ok := errors.AsType[*IndexError](err); !ok || ie.Index != tt.index {
			t.Errorf("%s: %v, want an error about %s", tt.name, err, tt.index)
		}
	}
	if _, err := New(make([]byte, 100), false); err == nil {
		t.Error("short page accepted")
	}
}

func TestBothWays(t *testing.T) {
	const start = 0xfffffff0 // indices wrap soon
	p := page(start, start, start, start)
	front, err := New(p, false)
	if err != nil {
		t.Fatal(err)
	}
	back, err := New(p, true)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, way := range []struct {
		name     string
		from, to *Ring
		size     int
	}{{"output", front, back, OutSize}, {"input", back, front, InSize}} {
		var sent, got []byte
		for len(sent) < 20000 {
			b := make([]byte, rnd.IntN(way.size+100))
			for i := range b {
				b[i] = byte(rnd.Uint32())
			}
			space, err := way.from.Space()
			if err != nil {
				t.Fatal(err)
			}
			n, err := way.from.Write(b)
			if err != nil || n != min(space, len(b)) {
				t.Fatalf("%s: wrote %d of %d into %d: %v", way.name, n, len(b), space, err)
			}
			sent = append(sent, b[:n]...)
			r := make([]byte, rnd.IntN(way.size+100))
			n, err = way.to.Read(r)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r[:n]...)
			if way.from.Drained() != (len(got) == len(sent)) {
				t.Fatalf("%s: drained is %v with %d of %d read", way.name, way.from.Drained(), len(got), len(sent))
			}
		}
		if !bytes.Equal(got, sent[:len(got)]) {
			t.Errorf("%s: bytes differ", way.name)
		}
	}
}

func TestConnected(t *testing.T) {
	p := page(0, 0, 0, 0)
	front, _ := New(p, false)
	back, _ := New(p, true)
	if !front.Connected() {
		t.Error("an old toolstack's page is not connected")
	}
	binary.NativeEndian.PutUint32(p[offConnection:], 1)
	if front.Connected() {
		t.Error("disconnected page is connected")
	}
	back.SetConnected(true)
	if !front.Connected() {
		t.Error("not connected")
	}
	back.SetConnected(false)
	if front.Connected() || binary.NativeEndian.Uint32(p[offConnection:]) != 1 {
		t.Error("connected")
	}
}

// FuzzRing lets the other end write anything anywhere between the steps.
func FuzzRing(f *testing.F) {
	f.Add([]byte{0, 12, 255, 4, 12, 3}, uint16(10))
	f.Add([]byte{9, 12, 255}, uint16(3000))
	f.Fuzz(func(t *testing.T, script []byte, n uint16) {
		p := page(0, 0, 0, 0)
		r, err := New(p, false)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, n)
		for len(script) >= 3 {
			p[(int(script[0])|int(script[1])<<8)%PageSize] = script[2]
			script = script[3:]
			space, spaceErr := r.Space()
			w, err := r.Write(buf)
			if w < 0 || w > space || (err != nil) != (spaceErr != nil) {
				t.Fatalf("wrote %d into %d: %v", w, space, err)
			}
			waiting, waitErr := r.Waiting()
			g, err := r.Read(buf)
			if g < 0 || g > waiting || (err != nil) != (waitErr != nil) {
				t.Fatalf("read %d of %d: %v", g, waiting, err)
			}
		}
	})
}
