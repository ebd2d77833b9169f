package ext4

// run maps count blocks of a file from block logical on to the device.
// physical is 0 for a hole.
type run struct {
	logical, count uint64
	physical       uint64
}

// end is the first logical block after the run.
func (r run) end() uint64 { return r.logical + r.count }

// joins says whether next continues r on the device too.
func (r run) joins(next run) bool {
	if r.end() != next.logical {
		return false
	}
	if r.physical == 0 || next.physical == 0 {
		return r.physical == next.physical
	}
	return r.physical+r.count == next.physical
}

// A mapping finds a file's blocks. Implementations are safe for concurrent
// use.
type mapping interface {
	// at gives the run that holds a block, from that block on; its count is
	// at least 1.
	at(block uint64) (run, error)
	// blocks is how many blocks a file can have at most.
	blocks() uint64
}

func (n *inode) newMapping() mapping {
	if n.flags&flagExtents != 0 {
		return &extentMap{inode: n}
	}
	return &indirectMap{inode: n}
}

// runAt is the longest run from block on, of at most count blocks.
func (n *inode) runAt(block, count uint64) (run, error) {
	r, err := n.mapping.at(block)
	for err == nil && r.count < count {
		var next run
		if next, err = n.mapping.at(r.end()); err != nil || !r.joins(next) {
			break
		}
		r.count += next.count
	}
	r.count = min(r.count, count)
	return r, err
}

// blockCount is the number of blocks that size covers.
func (n *inode) blockCount() uint64 {
	bs := uint64(n.fs.sb.blockSize)
	return (uint64(n.size) + bs - 1) / bs
}
