package ext4

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sync/atomic"
)

// Extent tree; Linux Documentation/filesystems/ext4/ifork.rst, "Extent Tree".
// Every node is a header of 12 bytes, entries of 12 bytes and, but in the
// inode, a checksum after the last possible entry.
const (
	extentMagic     = 0xf30a
	extentEntry     = 12
	maxExtentDepth  = 5
	maxExtentBlocks = 1 << 32
	// Extents longer than this are unwritten: they read as zeros.
	maxWrittenExtent = 1 << 15
)

// extentMap maps blocks by an extent tree.
type extentMap struct {
	inode *inode
	last  atomic.Pointer[extentLeaf]
}

// extentLeaf is what one leaf says of the blocks from first up to end.
type extentLeaf struct {
	first, end uint64
	runs       []run // sorted, without overlaps; what lies between are holes
}

// extentNode is a checked header with its entries.
type extentNode struct {
	place   string
	depth   int
	entries []byte
}

func (m *extentMap) blocks() uint64 { return maxExtentBlocks }

func (m *extentMap) at(block uint64) (run, error) {
	leaf := m.last.Load()
	if leaf == nil || block < leaf.first || block >= leaf.end {
		var err error
		if leaf, err = m.leaf(block); err != nil {
			return run{}, err
		}
		m.last.Store(leaf)
	}
	return leaf.at(block), nil
}

// at finds the run in a leaf that covers block.
func (l *extentLeaf) at(block uint64) run {
	i, _ := slices.BinarySearchFunc(l.runs, block, func(r run, block uint64) int {
		return cmp.Compare(r.end(), block+1)
	})
	switch {
	case i == len(l.runs):
		return run{logical: block, count: l.end - block}
	case l.runs[i].logical > block:
		return run{logical: block, count: l.runs[i].logical - block}
	}
	r := l.runs[i]
	skip := block - r.logical
	r.logical, r.count = block, r.count-skip
	if r.physical != 0 {
		r.physical += skip
	}
	return r
}

// leaf walks down to the leaf for block. Every node must lie in the range that
// its parent gives it, so no node serves twice and no tree loops.
func (m *extentMap) leaf(block uint64) (*extentLeaf, error) {
	if block >= maxExtentBlocks {
		return nil, m.inode.corrupt("block %d is beyond an extent tree", block)
	}
	first, end := uint64(0), uint64(maxExtentBlocks)
	node, err := m.parse(m.inode.place(), m.inode.block[:], -1)
	for ; err == nil; node, err = m.child(node, block) {
		if node.depth == 0 {
			runs, err := m.runs(node, first, end)
			return &extentLeaf{first, end, runs}, err
		}
		lo, hi, err := node.bounds(block, first, end)
		if err != nil {
			return nil, err
		}
		first, end = lo, hi
		if node.first() > block { // before all children: a hole
			return &extentLeaf{first: first, end: end}, nil
		}
	}
	return nil, err
}

// parse checks a node's header. depth is what the parent asks for, -1 for the
// root.
func (m *extentMap) parse(place string, b []byte, depth int) (*extentNode, error) {
	le := binary.LittleEndian
	magic, count, capacity, level := le.Uint16(b), int(le.Uint16(b[2:])), int(le.Uint16(b[4:])), int(le.Uint16(b[6:]))
	switch {
	case magic != extentMagic:
		return nil, corrupt(place, "extent magic %#04x, expected %#04x", magic, extentMagic)
	case level > maxExtentDepth || depth >= 0 && level != depth:
		return nil, corrupt(place, "extent tree depth %d", level)
	case (capacity+1)*extentEntry > len(b) || count > capacity:
		return nil, corrupt(place, "%d of %d extent entries", count, capacity)
	case count == 0 && level > 0:
		return nil, corrupt(place, "extent index without entries")
	}
	if depth >= 0 && m.inode.fs.sb.metadataCsum() {
		tail := (capacity + 1) * extentEntry
		if tail+4 > len(b) {
			return nil, corrupt(place, "no room for the extent checksum")
		}
		want := le.Uint32(b[tail:])
		if got := crc32c(m.inode.seed, b[:tail]); got != want && m.inode.fs.sb.verify {
			return nil, corrupt(place, "extent checksum %#08x, expected %#08x", got, want)
		}
	}
	return &extentNode{place, level, b[extentEntry : (count+1)*extentEntry]}, nil
}

// child reads the node below that covers block.
func (m *extentMap) child(n *extentNode, block uint64) (*extentNode, error) {
	i := n.search(block)
	le := binary.LittleEndian
	e := n.entries[i*extentEntry:]
	at := uint64(le.Uint32(e[4:])) | uint64(le.Uint16(e[8:]))<<32
	if !m.inode.fs.sb.within(at, 1) {
		return nil, corrupt(n.place, "extent index to block %d outside the filesystem", at)
	}
	b, err := m.inode.fs.store.block(at)
	if err != nil {
		return nil, fmt.Errorf("ext4: inode %d: %w", m.inode.number, err)
	}
	return m.parse(fmt.Sprintf("inode %d: block %d", m.inode.number, at), b, n.depth-1)
}

func (n *extentNode) count() int { return len(n.entries) / extentEntry }
func (n *extentNode) logical(i int) uint64 {
	return uint64(binary.LittleEndian.Uint32(n.entries[i*extentEntry:]))
}
func (n *extentNode) first() uint64 { return n.logical(0) }

// search is the last entry that starts at or before block, or 0.
func (n *extentNode) search(block uint64) int {
	i := n.count() - 1
	for i > 0 && n.logical(i) > block {
		i--
	}
	return i
}

// bounds narrows the range from first up to end to the child that holds block,
// or to what is before the first child. All children must be in order and in
// range.
func (n *extentNode) bounds(block, first, end uint64) (lo, hi uint64, err error) {
	lo, hi = first, end
	before := first
	for i := range n.count() {
		start := n.logical(i)
		if start < before || start >= end || i > 0 && start == before {
			return 0, 0, corrupt(n.place, "extent index %d starts at block %d, not in %d to %d", i, start, before, end)
		}
		before = start
		if start <= block {
			lo = start
		} else {
			hi = min(hi, start)
		}
	}
	return lo, hi, nil
}

// runs reads a leaf whose extents must lie in order from first up to end.
func (m *extentMap) runs(n *extentNode, first, end uint64) ([]run, error) {
	le := binary.LittleEndian
	runs := make([]run, n.count())
	for i := range runs {
		e := n.entries[i*extentEntry:]
		r := run{
			logical:  n.logical(i),
			count:    uint64(le.Uint16(e[4:])),
			physical: uint64(le.Uint16(e[6:]))<<32 | uint64(le.Uint32(e[8:])),
		}
		unwritten := r.count > maxWrittenExtent
		if unwritten {
			r.count -= maxWrittenExtent
		}
		if r.count == 0 || r.logical < first || r.end() > end {
			return nil, corrupt(n.place, "extent %d of %d blocks from %d, not in %d to %d", i, r.count, r.logical, first, end)
		}
		if !m.inode.fs.sb.within(r.physical, r.count) || r.physical == 0 {
			return nil, corrupt(n.place, "extent %d at block %d outside the filesystem", i, r.physical)
		}
		if unwritten {
			r.physical = 0
		}
		first = r.end()
		runs[i] = r
	}
	return runs, nil
}
