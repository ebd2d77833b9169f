package ext4

import (
	"encoding/binary"
)

// Small files and directories with the inline_data flag: the first 60 bytes
// stand in place of the block numbers, the rest in the attribute system.data
// in the inode's upper part. Linux Documentation/filesystems/ext4/inlinedata.rst
// and attributes.rst.
const (
	attrMagic       = 0xea020000
	attrEntry       = 16 // bytes of an entry before its name
	attrIndexSystem = 7
	attrData        = "data"
)

// inlineAttribute finds system.data; without it the data fits into 60 bytes.
func (n *inode) inlineAttribute(raw []byte) ([]byte, error) {
	start := oldInodeSize + extraSize(raw)
	le := binary.LittleEndian
	if len(raw)-start < 4 || le.Uint32(raw[start:]) != attrMagic {
		return nil, nil
	}
	area := raw[start+4:] // value offsets count from here
	for at := 0; len(area)-at >= 4 && le.Uint32(area[at:]) != 0; {
		if len(area)-at < attrEntry {
			return nil, n.corrupt("attribute at %d exceeds the inode", at)
		}
		e := area[at:]
		nameEnd := attrEntry + int(e[0])
		if nameEnd > len(e) {
			return nil, n.corrupt("attribute name at %d exceeds the inode", at)
		}
		if e[1] == attrIndexSystem && string(e[attrEntry:nameEnd]) == attrData {
			offset, size := int(le.Uint16(e[2:])), le.Uint32(e[8:])
			if le.Uint32(e[4:]) != 0 || offset > len(area) || uint64(size) > uint64(len(area)-offset) {
				return nil, n.corrupt("inline data of %d bytes at %d exceeds the inode", size, offset)
			}
			return area[offset:][:size], nil
		}
		at += (nameEnd + 3) &^ 3
	}
	return nil, nil
}

// readInline reads a part of inline data that lies within the file's size.
func (n *inode) readInline(b []byte, off int64) error {
	if n.size > int64(len(n.block)+len(n.inline)) {
		return n.corrupt("size %d exceeds %d bytes of inline data", n.size, len(n.block)+len(n.inline))
	}
	all := append(n.block[:len(n.block):len(n.block)], n.inline...)
	copy(b, all[off:])
	return nil
}
