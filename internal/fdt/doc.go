package fdt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Doc is a tree that can be changed. What is not changed stays as it is, byte
// by byte and in its order.
type Doc struct {
	t Tree // without b; the blocks are our own
}

// Unpack copies a flattened tree. Errors are of type [*Error], or say that
// the tree would be larger than [MaxSize] when packed.
func Unpack(b []byte) (*Doc, error) {
	t, err := Parse(b)
	if err != nil {
		return nil, err
	}
	d := &Doc{t}
	if err := d.room(0); err != nil {
		return nil, fmt.Errorf("device tree: %w", err)
	}
	d.t.b = nil
	d.t.reserved = bytes.Clone(t.reserved)
	d.t.structure = bytes.Clone(t.structure)
	d.t.strings = bytes.Clone(t.strings)
	return d, nil
}

// Pack flattens the tree, as version 17.
func (d *Doc) Pack() []byte {
	const reserved = headerSize
	structure := reserved + len(d.t.reserved) + reserveSize
	names := structure + len(d.t.structure) + 4
	b := make([]byte, 0, d.packedSize())
	for _, field := range []uint32{
		hdrMagic / 4:       Magic,
		hdrTotalSize / 4:   uint32(d.packedSize()),
		hdrStructure / 4:   uint32(structure),
		hdrStrings / 4:     uint32(names),
		hdrReserved / 4:    reserved,
		hdrVersion / 4:     version,
		hdrLastComp / 4:    minVersion,
		hdrBootCPU / 4:     d.t.bootCPU,
		hdrStringsSize / 4: uint32(len(d.t.strings)),
		hdrStructSize / 4:  uint32(names - structure),
	} {
		b = binary.BigEndian.AppendUint32(b, field)
	}
	b = append(b, d.t.reserved...)
	b = append(b, make([]byte, reserveSize)...)
	b = append(b, d.t.structure...)
	b = binary.BigEndian.AppendUint32(b, tokenStop)
	return append(b, d.t.strings...)
}

func (d *Doc) packedSize() int {
	return headerSize + len(d.t.reserved) + reserveSize + len(d.t.structure) + 4 + len(d.t.strings)
}

// room is an error when the tree may not grow by n bytes.
func (d *Doc) room(n int) error {
	if size := d.packedSize(); n > MaxSize-size {
		return fmt.Errorf("of %d bytes, %d more would make it larger than 2 MiB", size, n)
	}
	return nil
}

// Reserve adds an entry to the memory reservation block, unless one there has all
// of the range already.
func (d *Doc) Reserve(addr, size uint64) error {
	if size == 0 || addr+size < addr {
		return fmt.Errorf("device tree: reserve %d bytes at %#x: bad range", size, addr)
	}
	for at := 0; at < len(d.t.reserved); at += reserveSize {
		start, length := number(d.t.reserved[at:at+8]), number(d.t.reserved[at+8:at+16])
		if start <= addr && addr-start <= length && size <= length-(addr-start) {
			return nil
		}
	}
	if err := d.room(reserveSize); err != nil {
		return fmt.Errorf("device tree: %w", err)
	}
	d.t.reserved = binary.BigEndian.AppendUint64(d.t.reserved, addr)
	d.t.reserved = binary.BigEndian.AppendUint64(d.t.reserved, size)
	return nil
}

// Set gives a property of the node at an absolute path a value. It creates
// what is missing of the path, each node as the last one of its parent, and
// the property as the node's last. A property that the node has more than
// once keeps its first place only. After an error, parts of the path may have
// been created.
func (d *Doc) Set(path, name string, value []byte) error {
	if len(name) == 0 || len(name) > MaxNameLen || strings.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("device tree: %s: bad property name %q", path, name)
	}
	n, err := d.create(path)
	if err != nil {
		return err
	}
	// Room for the value, its head, padding and name, more than is needed.
	if err := d.room(propHeader + len(value) + 3 + len(name) + 1); err != nil {
		return fmt.Errorf("device tree: %s: property %s: %w", path, name, err)
	}
	at, ok := d.remove(n, name)
	if !ok {
		at = n.propertiesEnd()
	}
	offset := d.nameOffset(name)
	prop := binary.BigEndian.AppendUint32(nil, tokenProp)
	prop = binary.BigEndian.AppendUint32(prop, uint32(len(value)))
	prop = binary.BigEndian.AppendUint32(prop, offset)
	prop = pad(append(prop, value...))
	d.t.structure = slices.Insert(d.t.structure, at, prop...)
	return nil
}

// SetString is Set for a string, which is stored with a final NUL.
func (d *Doc) SetString(path, name, value string) error {
	if strings.IndexByte(value, 0) >= 0 {
		return fmt.Errorf("device tree: %s: property %s: NUL in the string", path, name)
	}
	return d.Set(path, name, append([]byte(value), 0))
}

// SetUint64 is Set for a number of two cells.
func (d *Doc) SetUint64(path, name string, value uint64) error {
	return d.Set(path, name, binary.BigEndian.AppendUint64(nil, value))
}

// Delete takes a property out; false when there is none.
func (d *Doc) Delete(path, name string) bool {
	n, ok := d.t.Find(path)
	if !ok {
		return false
	}
	_, ok = d.remove(n, name)
	return ok
}

// Create makes what is missing of an absolute path.
func (d *Doc) Create(path string) error {
	_, err := d.create(path)
	return err
}

// New is a tree of nothing but its root.
func New() *Doc {
	var root []byte
	for _, word := range []uint32{tokenBegin, 0, tokenEnd} { // 0: no name
		root = binary.BigEndian.AppendUint32(root, word)
	}
	return &Doc{Tree{blocks: blocks{structure: root}}}
}
