// Package xennote reads and writes ELF notes, by which a kernel tells Xen how
// it wants to be started: xengo puts them into images of ours, and the loader
// finds them in kernels that it boots.
//
// Sources: Xen public/elfnote.h; System V gABI, "Note Section"; the reader in
// Xen's xen/common/libelf, which aligns every part to four bytes.
package xennote

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Type is a note's type (public/elfnote.h, XEN_ELFNOTE_*).
type Type uint32

// Owner is the owner of Xen's notes.
const Owner = "Xen"

// Notes that say how an image is started.
const (
	Info              Type = 0
	Entry             Type = 1 // PV entry, virtual address
	HypercallPage     Type = 2
	VirtBase          Type = 3
	PaddrOffset       Type = 4
	XenVersion        Type = 5
	GuestOS           Type = 6
	GuestVersion      Type = 7
	Loader            Type = 8
	Features          Type = 10
	BSDSymtab         Type = 11 // "yes": the symbol table is wanted behind the kernel
	HVStartLow        Type = 12
	InitP2M           Type = 15
	ModStartPFN       Type = 16
	SupportedFeatures Type = 17
	Phys32Entry       Type = 18 // PVH entry, physical address
	Phys32Reloc       Type = 19
)

// Note is one note: text for the types that hold text (textNote), else a
// number of eight bytes.
type Note struct {
	Type   Type
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
		out = order.AppendUint32(out, 4) // Owner and its end
		out = order.AppendUint32(out, uint32(len(desc)))
		out = order.AppendUint32(out, uint32(n.Type))
		out = append(out, Owner+"\x00"...)
		out = append(out, desc...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	return out
}

// Record is a note as it stands in a file.
type Record struct {
	Owner string // "Xen", "GNU", "Linux", ...
	Type  Type   // numbered by each owner
	Desc  []byte
}

// recordHead is the size of a note's three sizes and numbers.
const recordHead = 12

// Split divides the contents of a note segment into its notes. Errors name
// the offset in b; the notes before it are returned, too.
func Split(order binary.ByteOrder, b []byte) ([]Record, error) {
	var records []Record
	for at := uint64(0); at < uint64(len(b)); {
		if uint64(len(b))-at < recordHead {
			return records, fmt.Errorf("notes: offset %d: header is cut off", at)
		}
		nameSize, descSize := uint64(order.Uint32(b[at:])), uint64(order.Uint32(b[at+4:]))
		name := at + recordHead
		desc := name + (nameSize+3)&^3
		end := desc + (descSize+3)&^3
		if end > uint64(len(b)) {
			return records, fmt.Errorf("notes: offset %d: %d bytes are beyond the end", at, end-at)
		}
		owner, _, _ := bytes.Cut(b[name:name+nameSize], []byte{0})
		records = append(records, Record{string(owner), Type(order.Uint32(b[at+8:])), b[desc : desc+descSize]})
		at = end
	}
	return records, nil
}

// Number is the note's number of 1, 2, 4 or 8 bytes; false for other sizes.
func (r Record) Number(order binary.ByteOrder) (uint64, bool) {
	switch len(r.Desc) {
	case 1:
		return uint64(r.Desc[0]), true
	case 2:
		return uint64(order.Uint16(r.Desc)), true
	case 4:
		return uint64(order.Uint32(r.Desc)), true
	case 8:
		return order.Uint64(r.Desc), true
	}
	return 0, false
}

// Decode reads what Encode wrote. Notes of other owners are left out.
func Decode(order binary.ByteOrder, b []byte) ([]Note, error) {
	records, err := Split(order, b)
	if err != nil {
		return nil, err
	}
	var notes []Note
	for _, r := range records {
		if r.Owner != Owner {
			continue
		}
		number, ok := r.Number(order)
		switch n := len(r.Desc); {
		case textNote(r.Type) && n > 0 && r.Desc[n-1] == 0:
			notes = append(notes, Note{Type: r.Type, Text: string(r.Desc[:n-1])})
		case !textNote(r.Type) && ok:
			notes = append(notes, Note{Type: r.Type, Number: number})
		default:
			return nil, fmt.Errorf("notes: type %d has %d bytes", r.Type, n)
		}
	}
	return notes, nil
}

// textNote reports which notes hold text.
func textNote(t Type) bool {
	switch t {
	case Info, XenVersion, GuestOS, GuestVersion, Loader, Features, BSDSymtab:
		return true
	}
	return false
}
