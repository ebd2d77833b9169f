package ext4

import (
	"bytes"
	"cmp"
	"container/list"
	"fmt"
	"slices"
	"sync"

	"pvboot/loader/volume"
)

// cacheBytes is how much metadata a store remembers.
const cacheBytes = 512 << 10

// store reads the filesystem's blocks, those pending in the journal from
// there.
type store struct {
	dev     volume.Device
	size    int // bytes of a block
	pending overlay

	mu     sync.Mutex
	blocks map[uint64]*list.Element // of *cached
	recent list.List                // most recently used first
}

type cached struct {
	number uint64
	data   []byte
}

func newStore(dev volume.Device, sb *superblock, pending overlay) *store {
	return &store{dev: dev, size: sb.blockSize, pending: pending, blocks: map[uint64]*list.Element{}}
}

// block gives a block of metadata through the cache. The caller has checked
// that it lies within the filesystem, must not change it and names itself in the
// error.
func (s *store) block(n uint64) ([]byte, error) {
	if b := s.lookup(n); b != nil {
		return b, nil
	}
	b := make([]byte, s.size)
	if err := s.readAt(b, int64(n)*int64(s.size)); err != nil {
		return nil, fmt.Errorf("block %d: %w", n, err)
	}
	s.remember(n, b)
	return b, nil
}

// prefetch reads count neighbouring blocks into the cache at once, so that
// block has them. What fails here fails again in block, which names it.
func (s *store) prefetch(first, count uint64) {
	if count < 2 || s.lookup(first) != nil {
		return
	}
	b := make([]byte, count*uint64(s.size))
	if err := s.readAt(b, int64(first)*int64(s.size)); err != nil {
		return
	}
	for i := range count { // copies, or one block would keep all of b
		s.remember(first+i, bytes.Clone(b[i*uint64(s.size):][:s.size]))
	}
}

func (s *store) lookup(n uint64) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.blocks[n]
	if e == nil {
		return nil
	}
	s.recent.MoveToFront(e)
	return e.Value.(*cached).data
}

func (s *store) remember(n uint64, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blocks[n] != nil {
		return // another reader was faster
	}
	s.blocks[n] = s.recent.PushFront(&cached{n, b})
	if s.recent.Len() > max(16, cacheBytes/s.size) {
		oldest := s.recent.Remove(s.recent.Back()).(*cached)
		delete(s.blocks, oldest.number)
	}
}

// readAt reads bytes of the filesystem at off straight into b, in as few
// reads as the journal's blocks allow.
func (s *store) readAt(b []byte, off int64) error {
	size := int64(s.size)
	for len(b) > 0 {
		block := uint64(off / size)
		i := s.pending.search(block)
		n := int64(len(b)) // up to the next pending block
		if i < len(s.pending) {
			if p := s.pending[i]; p.block == block {
				n = min(n, size-off%size)
				if err := s.readPending(p, b[:n], off%size); err != nil {
					return err
				}
				b, off = b[n:], off+n
				continue
			}
			n = min(n, int64(s.pending[i].block)*size-off)
		}
		if err := readDevice(s.dev, b[:n], off); err != nil {
			return err
		}
		b, off = b[n:], off+n
	}
	return nil
}

// readPending reads from the journal's copy of a block.
func (s *store) readPending(p pendingBlock, b []byte, skip int64) error {
	if err := readDevice(s.dev, b, int64(p.journal)*int64(s.size)+skip); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if p.escaped { // the journal hides its own magic number in data
		for i, c := range journalMagicBytes {
			if at := int64(i) - skip; at >= 0 && at < int64(len(b)) {
				b[at] = c
			}
		}
	}
	return nil
}

// overlay lists the blocks whose newest contents are in the journal, sorted
// by block.
type overlay []pendingBlock

type pendingBlock struct {
	block   uint64 // of the filesystem
	journal uint64 // block of the device that holds the copy
	escaped bool
}

// search is the index of the first pending block at or after block.
func (o overlay) search(block uint64) int {
	i, _ := slices.BinarySearchFunc(o, block, func(p pendingBlock, b uint64) int { return cmp.Compare(p.block, b) })
	return i
}

// any says whether one of count blocks from first is pending.
func (o overlay) any(first, count uint64) bool {
	i := o.search(first)
	return i < len(o) && o[i].block-first < count
}
