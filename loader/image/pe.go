package image

import (
	"encoding/binary"
	"fmt"
)

// Offsets of the PE header that makes a kernel an EFI application too
// (Microsoft PE Format, "COFF File Header" and "Section Table").
const (
	peOffset      = 0x3c // u32, in the file
	peSections    = 0x06 // u16, from "PE\0\0" on
	peOptional    = 0x14 // u16, size of the optional header
	peHeaderSize  = 0x18
	sectionSize   = 40
	sectionLength = 0x10 // u32, bytes in the file
	sectionOffset = 0x14 // u32, where in the file
)

// checkPE finds out that a file was cut off, which an Image does not tell by
// itself: by the sections in its PE header, if it has one.
func checkPE(file Source, head []byte) error {
	le := binary.LittleEndian
	if len(head) < peOffset+4 || string(head[:2]) != "MZ" {
		return nil
	}
	pe := uint64(le.Uint32(head[peOffset:]))
	if pe+peHeaderSize > uint64(len(head)) || string(head[pe:pe+4]) != "PE\x00\x00" {
		return nil
	}
	table := pe + peHeaderSize + uint64(le.Uint16(head[pe+peOptional:]))
	for i := range uint64(le.Uint16(head[pe+peSections:])) {
		at := table + i*sectionSize
		if at+sectionSize > uint64(len(head)) {
			return nil
		}
		end := int64(le.Uint32(head[at+sectionOffset:])) + int64(le.Uint32(head[at+sectionLength:]))
		if end > file.Size() {
			return fmt.Errorf("truncated: a section ends at byte %d, the file at %d", end, file.Size())
		}
	}
	return nil
}
