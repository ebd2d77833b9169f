package xennote

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNotes(t *testing.T) {
	notes := []Note{
		{Type: GuestOS, Text: "pvboot"},
		{Type: Loader, Text: "abc"}, // four bytes with its end: no padding
		{Type: Phys32Entry, Number: 0x201000},
		{Type: VirtBase, Number: 1<<64 - 1},
	}
	for _, order := range []Order{binary.LittleEndian, binary.BigEndian} {
		b := Encode(order, notes)
		if len(b)%4 != 0 {
			t.Errorf("%v: %d bytes", order, len(b))
		}
		got, err := Decode(order, b)
		if diff := cmp.Diff(notes, got); err != nil || diff != "" {
			t.Errorf("%v: %v %s", order, err, diff)
		}
		for n := 1; n < len(b); n++ {
			if got, err := Decode(order, b[:n]); err == nil && len(Encode(order, got)) != n {
				t.Errorf("%v: %d of %d bytes decode as %v", order, n, len(b), got)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(binary.LittleEndian, []Note{{Type: GuestOS, Text: "x"}, {Type: Phys32Entry, Number: 1}}))
	f.Add(bytes.Repeat([]byte{0xff}, 64))
	f.Fuzz(func(t *testing.T, b []byte) {
		notes, err := Decode(binary.LittleEndian, b)
		if err != nil {
			return
		}
		again, err := Decode(binary.LittleEndian, Encode(binary.LittleEndian, notes))
		if diff := cmp.Diff(notes, again); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	})
}

// What others write: odd sizes of names, owners without a name, padding.
func TestSplit(t *testing.T) {
	le := binary.LittleEndian
	note := func(nameSize int, name string, typ uint32, desc string) []byte {
		b := le.AppendUint32(nil, uint32(nameSize))
		b = le.AppendUint32(b, uint32(len(desc)))
		b = le.AppendUint32(b, typ)
		for _, part := range []string{name, desc} {
			b = append(b, part...)
			for len(b)%4 != 0 {
				b = append(b, 0)
			}
		}
		return b
	}
	got, err := Split(le, bytes.Join([][]byte{
		note(6, "Linux\x00", 0x100, "\x01"),
		note(4, "Xen\x00", 18, "\x00\x10\x00\x00"),
		note(3, "Xen", 19, ""),
		note(0, "", 0, ""),
	}, nil))
	want := []Record{
		{"Linux", 0x100, []byte{1}}, {"Xen", Phys32Entry, []byte{0, 16, 0, 0}}, {"Xen", Phys32Reloc, []byte{}}, {"", 0, []byte{}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v %s", err, diff)
	}
	for i, number := range []uint64{1, 4096} {
		if n, ok := got[i].Number(le); !ok || n != number {
			t.Errorf("note %d holds %d, %v", i, n, ok)
		}
	}
	if _, ok := got[2].Number(le); ok {
		t.Error("an empty note has a number")
	}
	for _, cut := range [][]byte{
		{4, 0, 0, 0}, // no whole header
		le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, 1<<32-1), 1<<32-1), 0), // absurd sizes
	} {
		if got, err := Split(le, cut); err == nil {
			t.Errorf("% x: split into %v", cut, got)
		}
	}
}
