package ext4

import (
	"encoding/binary"
	"fmt"
)

// directBlocks is how many of the inode's 15 block numbers point at data; the
// others start trees of one, two and three levels. Linux
// Documentation/filesystems/ext4/ifork.rst, "Direct/Indirect Block
// Addressing".
const directBlocks = 12

// indirectMap maps blocks as ext2 and ext3 do.
type indirectMap struct{ inode *inode }

func (m *indirectMap) perBlock() uint64 { return uint64(m.inode.fs.sb.blockSize / 4) }

// blocks also keeps to the 32 bits that Linux has for a file's blocks.
func (m *indirectMap) blocks() uint64 {
	p := m.perBlock()
	return min(directBlocks+p+p*p+p*p*p, 1<<32)
}

func (m *indirectMap) at(block uint64) (run, error) {
	if block < directBlocks {
		return m.slice(m.inode.place(), m.inode.block[:directBlocks*4], block, block)
	}
	rest := block - directBlocks
	span := uint64(1) // data blocks that one pointer of the level covers
	for level := range 3 {
		span *= m.perBlock()
		if rest < span {
			top := binary.LittleEndian.Uint32(m.inode.block[(directBlocks+level)*4:])
			return m.descend(top, span, block, rest)
		}
		rest -= span
	}
	return run{}, m.inode.corrupt("block %d is beyond triple indirect blocks", block)
}

// descend follows pointer, which covers span data blocks, to the one that is
// rest blocks from its start. A zero pointer is a hole of all it covers.
func (m *indirectMap) descend(pointer uint32, span, block, rest uint64) (run, error) {
	for pointer != 0 {
		if !m.inode.fs.sb.within(uint64(pointer), 1) {
			return run{}, m.inode.corrupt("indirect block %d outside the filesystem", pointer)
		}
		b, err := m.inode.fs.store.block(uint64(pointer))
		if err != nil {
			return run{}, fmt.Errorf("ext4: inode %d: %w", m.inode.number, err)
		}
		place := fmt.Sprintf("inode %d: indirect block %d", m.inode.number, pointer)
		span /= m.perBlock()
		if span == 1 {
			return m.slice(place, b, rest, block)
		}
		pointer = binary.LittleEndian.Uint32(b[rest/span*4:])
		rest %= span
	}
	return run{logical: block, count: span - rest}, nil
}

// slice gives the run that starts at the index-th of b's pointers.
func (m *indirectMap) slice(place string, b []byte, index, block uint64) (run, error) {
	at := func(i uint64) uint64 { return uint64(binary.LittleEndian.Uint32(b[i*4:])) }
	r := run{logical: block, count: 1, physical: at(index)}
	for i := index + 1; i < uint64(len(b)/4); i++ {
		if !r.joins(run{logical: r.end(), count: 1, physical: at(i)}) {
			break
		}
		r.count++
	}
	if r.physical == 0 {
		return r, nil
	}
	if !m.inode.fs.sb.within(r.physical, 1) {
		return run{}, corrupt(place, "block %d outside the filesystem", r.physical)
	}
	// What runs over the end is an error when it is asked for.
	r.count = min(r.count, m.inode.fs.sb.blocks-r.physical)
	return r, nil
}
