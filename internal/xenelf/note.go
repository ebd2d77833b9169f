// Package xenelf finishes an ELF image that Go's linker wrote so that Xen can
// start it: it puts Xen's ELF notes where PT_NOTE points and drops what is not
// loaded.
//
// Sources: Xen public/elfnote.h; System V gABI, "Note Section"; the loader in
// Xen's xen/common/libelf.
package xenelf

import (
	"encoding/binary"
	"fmt"
)

// NoteType is a note's type (public/elfnote.h, XEN_ELFNOTE_*).
type NoteType uint32

// Notes that say how an image is started.
const (
	Info              NoteType = 0
	Entry             NoteType = 1 // PV entry, virtual address
	HypercallPage     NoteType = 2
	VirtBase          NoteType = 3
	PaddrOffset       NoteType = 4
	XenVersion        NoteType = 5
	GuestOS           NoteType = 6
	GuestVersion      NoteType = 7
	Loader            NoteType = 8
	Features          NoteType = 10
	HVStartLow        NoteType = 12
	InitP2M           NoteType = 15
	ModStartPFN       NoteType = 16
	SupportedFeatures NoteType = 17
	Phys32Entry       NoteType = 18 // PVH entry, physical address
	Phys32Reloc       NoteType = 19
)

// Note is one note: text for the types that hold text (textNote), else a
// number of eight bytes.
type Note struct {
	Type   NoteType
	Number uint64
	Text   string
}

// Order is a byte order.
type Order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// Encode lays notes out as PT_NOTE holds them, each part on a multiple of
// four bytes, in the image's byte order.
func Encode(order Order, notes []Note) []byte {
	var out []byte
	for _, n := range notes {
		desc := order.AppendUint64(nil, n.Number)
		if textNote(n.Type) {
			desc = append([]byte(n.Text), 0)
		}
		out = order.AppendUint32(out, 4) // "Xen" and its end
		out = order.AppendUint32(out, uint32(len(desc)))
		out = order.AppendUint32(out, uint32(n.Type))
		out = append(out, "Xen\x00"...)
		out = append(out, desc...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	return out
}

// Decode reads what Encode wrote. Notes of other owners are left out.
func Decode(order binary.ByteOrder, b []byte) ([]Note, error) {
	var notes []Note
	for at := 0; at < len(b); {
		if len(b)-at < 12 {
			return nil, fmt.Errorf("xenelf: notes: offset %d: header is cut off", at)
		}
		nameSize, descSize := uint64(order.Uint32(b[at:])), uint64(order.Uint32(b[at+4:]))
		typ := NoteType(order.Uint32(b[at+8:]))
		name := uint64(at) + 12
		desc := name + (nameSize+3)&^3
		end := desc + (descSize+3)&^3
		if end > uint64(len(b)) {
			return nil, fmt.Errorf("xenelf: notes: offset %d: %d bytes are beyond the end", at, end-uint64(at))
		}
		if string(b[name:name+nameSize]) == "Xen\x00" {
			d := b[desc : desc+descSize]
			switch {
			case textNote(typ) && descSize > 0 && d[descSize-1] == 0:
				notes = append(notes, Note{Type: typ, Text: string(d[:descSize-1])})
			case !textNote(typ) && descSize == 8:
				notes = append(notes, Note{Type: typ, Number: order.Uint64(d)})
			case !textNote(typ) && descSize == 4:
				notes = append(notes, Note{Type: typ, Number: uint64(order.Uint32(d))})
			default:
				return nil, fmt.Errorf("xenelf: notes: offset %d: type %d has %d bytes", at, typ, descSize)
			}
		}
		at = int(end)
	}
	return notes, nil
}

// textNote reports which notes hold text.
func textNote(t NoteType) bool {
	switch t {
	case Info, XenVersion, GuestOS, GuestVersion, Loader, Features:
		return true
	}
	return false
}
