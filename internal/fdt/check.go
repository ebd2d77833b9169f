package fdt

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Error says what is wrong with a tree.
type Error struct {
	Offset  int // bytes from the tree's start
	Problem string
}

func (e *Error) Error() string {
	return fmt.Sprintf("device tree: offset %#x: %s", e.Offset, e.Problem)
}

// fault is an Error that needs no heap; one without a problem is none.
type fault struct {
	offset  int
	problem string
}

// check opens a tree: its time grows with its size only, times MaxNameLen at
// the worst.
func check(b []byte) (Tree, fault) {
	if len(b) < headerSize16 {
		return Tree{}, fault{len(b), "too short for a header"}
	}
	if field(b, hdrMagic) != Magic {
		return Tree{}, fault{hdrMagic, "not a device tree"}
	}
	size := field(b, hdrTotalSize)
	if size > MaxSize {
		return Tree{}, fault{hdrTotalSize, "above 2 MiB"}
	}
	if size > uint32(len(b)) {
		return Tree{}, fault{len(b), "truncated"}
	}
	if field(b, hdrLastComp) > version || field(b, hdrVersion) < minVersion {
		return Tree{}, fault{hdrVersion, "version is not compatible with 17"}
	}
	t := Tree{b: b[:size:size], bootCPU: field(b, hdrBootCPU)}
	if f := t.findBlocks(); f.problem != "" {
		return Tree{}, f
	}
	if f := t.checkReserved(); f.problem != "" {
		return Tree{}, f
	}
	n, f := t.checkStructure()
	if f.problem != "" {
		f.offset += int(field(b, hdrStructure))
		return Tree{}, f
	}
	t.structure = t.structure[:n:n]
	return t, fault{}
}

func field(b []byte, offset int) uint32 { return binary.BigEndian.Uint32(b[offset:]) }

// findBlocks cuts the blocks out, for checkReserved and checkStructure to
// find their ends.
func (t *Tree) findBlocks() fault {
	header, total := uint32(headerSize16), uint32(len(t.b))
	if total >= header && field(t.b, hdrVersion) >= version {
		header = headerSize
	}
	if total < header {
		return fault{hdrTotalSize, "too small for a header"}
	}
	reserved := field(t.b, hdrReserved)
	if reserved < header || reserved > total || reserved%8 != 0 {
		return fault{hdrReserved, "bad offset of the memory reservation block"}
	}
	t.reserved = t.b[reserved:]
	structure := field(t.b, hdrStructure)
	if structure < header || structure > total || structure%4 != 0 {
		return fault{hdrStructure, "bad offset of the structure block"}
	}
	t.structure = t.b[structure:]
	if header == headerSize {
		n := field(t.b, hdrStructSize)
		if n > total-structure {
			return fault{hdrStructSize, "structure block ends outside"}
		}
		t.structure = t.structure[:n]
	}
	names, n := field(t.b, hdrStrings), field(t.b, hdrStringsSize)
	if names < header || names > total {
		return fault{hdrStrings, "bad offset of the strings block"}
	}
	if n > total-names {
		return fault{hdrStringsSize, "strings block ends outside"}
	}
	// No name needs what follows the last NUL.
	t.strings = t.b[names:][:n]
	t.strings = t.strings[:bytes.LastIndexByte(t.strings, 0)+1]
	return fault{}
}

// checkReserved looks for the entry of zeros that ends the block
// (specification 5.3).
func (t *Tree) checkReserved() fault {
	for i := 0; i+reserveSize <= len(t.reserved); i += reserveSize {
		e := t.reserved[i:][:reserveSize]
		if binary.BigEndian.Uint64(e) == 0 && binary.BigEndian.Uint64(e[8:]) == 0 {
			t.reserved = t.reserved[:i:i]
			return fault{}
		}
	}
	return fault{int(field(t.b, hdrReserved)), "memory reservation block without an end"}
}

// checkStructure goes through the structure block's tokens (specification
// 5.4.2, "Tree structure") and returns where FDT_END stands. Offsets of
// faults are within the block.
func (t *Tree) checkStructure() (int, fault) {
	var (
		depth    int
		rooted   bool // the root has begun
		children bool // no property may follow
	)
	for at := 0; ; {
		token, next := t.step(at)
		switch token {
		case tokenBegin:
			if depth == 0 && rooted {
				return 0, fault{at, "node beside the root"}
			}
			if depth == MaxDepth {
				return 0, fault{at, "nodes nested too deeply"}
			}
			depth++
			rooted, children = true, false
		case tokenEnd:
			if depth == 0 {
				return 0, fault{at, "end of a node that did not begin"}
			}
			depth--
			children = true
		case tokenProp:
			if depth == 0 || children {
				return 0, fault{at, "property outside its node"}
			}
			if !t.named(at) {
				return 0, fault{at, "property without a name"}
			}
		case tokenNOP:
		case tokenStop:
			if depth != 0 || !rooted {
				return 0, fault{at, "tree ends too early"}
			}
			return at, fault{}
		case tokenCut:
			return 0, fault{at, "truncated structure block"}
		default:
			return 0, fault{at, "unknown token"}
		}
		at = next
	}
}

// named tells whether the property at offset at has a usable name.
func (t *Tree) named(at int) bool {
	offset := field(t.structure, at+8)
	if uint64(offset) >= uint64(len(t.strings)) {
		return false
	}
	name := t.strings[offset:]
	i := bytes.IndexByte(name[:min(len(name), MaxNameLen+1)], 0)
	return i > 0
}
