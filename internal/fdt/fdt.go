// Package fdt reads and edits flattened device trees (Devicetree
// Specification v0.4, chapter 5, "Flattened Devicetree (DTB) Format",
// versions 16 and 17), as toolstacks, firmware and files hand them over.
//
// The reader serves programs whose runtime is not up yet: [Open], [Size] and
// the methods of [Tree], [Node], [Property] and [Walker] allocate nothing,
// recurse nowhere, use no interfaces and need no initialised variables, 1 KiB
// of stack is enough; they only ask for memory that can be read unaligned. A
// tree is checked whole when it is opened, so that nothing can go wrong later.
// The editor ([Unpack], [Doc]) is ordinary Go.
package fdt

import "encoding/binary"

const (
	// Magic is the first big-endian word of a flattened device tree.
	Magic = 0xd00dfeed
	// MaxSize is the most bytes that a tree may have: what Linux takes
	// (Documentation/arch/arm64/booting.rst, "Setup the device tree").
	MaxSize = 2 << 20
	// MaxDepth is how many nodes may lie within each other, the root
	// counted (Linux drivers/of/fdt.c, FDT_MAX_DEPTH).
	MaxDepth = 64
	// MaxNameLen is the most bytes that a property's name may have. The
	// specification has 31; labels in /__symbols__ are often longer.
	MaxNameLen = 255
)

// Offsets in struct fdt_header (specification 5.2, "Header"). All fields are
// big-endian 32-bit numbers.
const (
	hdrMagic       = 0
	hdrTotalSize   = 4
	hdrStructure   = 8
	hdrStrings     = 12
	hdrReserved    = 16
	hdrVersion     = 20
	hdrLastComp    = 24
	hdrBootCPU     = 28
	hdrStringsSize = 32
	hdrStructSize  = 36 // from version 17 on

	headerSize16 = 36
	headerSize   = 40

	version     = 17
	minVersion  = 16
	reserveSize = 16 // an entry of the memory reservation block
)

// Tree is a tree that [Open] has checked. The zero Tree has no nodes.
type Tree struct {
	blocks
	b        []byte // totalsize bytes
	reserved []byte // the memory reservation block without its end
	bootCPU  uint32
}

// blocks are the two parts that nodes are read from.
type blocks struct {
	structure []byte // up to FDT_END
	strings   []byte // ends with a NUL, or is empty
}

// Size tells how many bytes the tree has that starts with head, its first 8
// bytes at least; false when that is no tree or one above [MaxSize].
func Size(head []byte) (int, bool) {
	if len(head) < 8 || binary.BigEndian.Uint32(head[hdrMagic:]) != Magic {
		return 0, false
	}
	size := binary.BigEndian.Uint32(head[hdrTotalSize:])
	if size < headerSize16 || size > MaxSize {
		return 0, false
	}
	return int(size), true
}

// Open checks a tree and returns it, false when it is not well-formed. The
// tree refers to b, which may be longer than the tree. [Parse] tells what is
// wrong.
func Open(b []byte) (Tree, bool) {
	t, f := check(b)
	return t, f.problem == ""
}

// Parse is Open with an error of type [*Error].
func Parse(b []byte) (Tree, error) {
	t, f := check(b)
	if f.problem != "" {
		return Tree{}, &Error{Offset: f.offset, Problem: f.problem}
	}
	return t, nil
}

// Bytes is the whole tree as it was opened, without what lay behind it.
func (t Tree) Bytes() []byte { return t.b }

// BootCPU is the physical number of the processor that boots.
func (t Tree) BootCPU() uint32 { return t.bootCPU }

// Reserved is entry i, from 0 on, of the memory reservation block: size bytes
// from addr that are not to be used. False when there are i or fewer.
func (t Tree) Reserved(i int) (addr, size uint64, ok bool) {
	if i < 0 || i >= len(t.reserved)/reserveSize {
		return 0, 0, false
	}
	e := t.reserved[i*reserveSize:][:reserveSize]
	return binary.BigEndian.Uint64(e), binary.BigEndian.Uint64(e[8:]), true
}

// Root is the root node; false only for the zero Tree.
func (t Tree) Root() (Node, bool) { return t.nodeFrom(0) }
