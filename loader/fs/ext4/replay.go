package ext4

import (
	"cmp"
	"encoding/binary"
	"slices"
)

const (
	// Limits for hostile journals; real ones have at most 2^18 blocks of
	// 4 KiB.
	maxReplayBlocks = 1 << 20
	maxReplayTags   = 1 << 19
)

// replay finds the blocks that mounting would copy out of the journal. It
// accepts and refuses what Linux does (fs/jbd2/recovery.c): the log ends
// before the first transaction that was not committed; a committed one that
// does not fit its checksums is an error.
func (f *FS) replay() (overlay, error) {
	j, err := f.openJournal()
	if err != nil || j == nil || j.start == 0 {
		return nil, err
	}
	s := &logScan{j: j, next: j.start, sequence: j.sequence, revokes: map[uint64]uint32{}, oldSum: ^uint32(0)}
	for done := false; !done; {
		if done, err = s.step(); err != nil {
			return nil, err
		}
	}
	if err := j.refuseFastCommits(s.sequence); err != nil {
		return nil, err
	}
	return s.result()
}

// logScan reads the log from its start, block after block.
type logScan struct {
	j        *journal
	next     uint64 // log block
	visited  uint64 // blocks so far
	sequence uint32 // of the transaction that is being read

	tags    []tag // of all committed transactions
	revokes map[uint64]uint32

	// Of the transaction that is being read:
	openTags    []tag
	openRevokes []uint64
	stale       bool   // a block did not fit its checksum: old, or corrupt
	oldSum      uint32 // for the feature "checksum"

	commitTime uint64 // of the last transaction, seconds
}

// advance skips log blocks. The log is a circle; going round it once is a
// loop.
func (s *logScan) advance(count uint64) error {
	s.visited += count
	if s.visited > s.j.last-s.j.first {
		return journalCorrupt("transaction %d loops", s.sequence)
	}
	if s.visited > maxReplayBlocks {
		return unsupported("journal", "more than %d blocks to replay", maxReplayBlocks)
	}
	s.next = s.j.after(s.next, count)
	return nil
}

// step handles one block of the log, and with a descriptor the data after it.
func (s *logScan) step() (done bool, err error) {
	if s.visited == s.j.last-s.j.first {
		return true, nil // the whole log is one piece
	}
	b, err := s.j.block(s.next)
	if err != nil {
		return false, err
	}
	be := binary.BigEndian
	if be.Uint32(b) != journalMagic || be.Uint32(b[8:]) != s.sequence {
		return true, nil
	}
	if err := s.advance(1); err != nil {
		return false, err
	}
	switch be.Uint32(b[4:]) {
	case journalDescriptor:
		return false, s.descriptor(b)
	case journalRevoke:
		return false, s.revoke(b)
	case journalCommit:
		return s.commit(b)
	}
	return true, nil
}

// descriptor takes the tags and the blocks of data that follow.
func (s *logScan) descriptor(b []byte) error {
	fits := s.j.tailFits(b)
	if !fits {
		s.stale = true
	}
	old := s.j.compat&journalCompatChecksum != 0
	if old {
		s.oldSum = crc32be(s.oldSum, b)
	}
	for _, t := range s.j.tags(b, s.sequence) {
		t.journal = uint32(s.next)
		if fits && (old || s.j.csum()) {
			data, err := s.j.block(s.next)
			if err != nil {
				return err
			}
			if old {
				s.oldSum = crc32be(s.oldSum, data)
			} else {
				t.bad = !s.j.fits(t, data)
			}
		}
		if err := s.advance(1); err != nil {
			return err
		}
		s.openTags = append(s.openTags, t)
	}
	if len(s.tags)+len(s.openTags) > maxReplayTags {
		return unsupported("journal", "more than %d blocks to replay", maxReplayTags)
	}
	return nil
}

func (s *logScan) revoke(b []byte) error {
	if !s.j.tailFits(b) {
		s.stale = true
		return nil
	}
	blocks, ok := s.j.revoked(b)
	if !ok {
		return journalCorrupt("transaction %d: bad revoke block", s.sequence)
	}
	s.openRevokes = append(s.openRevokes, blocks...)
	if len(s.revokes)+len(s.openRevokes) > maxReplayTags {
		return unsupported("journal", "more than %d revoked blocks", maxReplayTags)
	}
	return nil
}

// commit ends a transaction. One with wrong checksums is a leftover of an
// earlier use of the log if it is older than the one before, and then the log
// ends here.
func (s *logScan) commit(b []byte) (done bool, err error) {
	time := binary.BigEndian.Uint64(b[48:])
	fits := s.j.commitFits(b, s.oldSum)
	switch {
	case (s.stale || !fits) && time < s.commitTime:
		return true, nil
	case s.stale:
		return false, journalCorrupt("transaction %d: checksum of a descriptor or revoke block", s.sequence)
	case !fits && s.j.incompat&journalAsyncCommit != 0:
		return true, nil // the commit may have been written before its data
	case !fits:
		return false, journalCorrupt("transaction %d: checksum of the commit block", s.sequence)
	}
	for _, block := range s.openRevokes {
		s.revokes[block] = s.sequence
	}
	s.tags = append(s.tags, s.openTags...)
	s.openTags, s.openRevokes, s.oldSum = nil, nil, ^uint32(0)
	s.commitTime = time
	s.sequence++
	return false, nil
}

// result keeps the newest copy of every block that was not revoked in or
// after its transaction.
func (s *logScan) result() (overlay, error) {
	size := uint64(s.j.fs.store.dev.Size()) / uint64(s.j.fs.sb.blockSize)
	var live []tag
	for _, t := range s.tags {
		// Sequence numbers wrap.
		if seq, ok := s.revokes[t.block]; ok && int32(t.sequence-seq) <= 0 {
			continue
		}
		if t.bad {
			return nil, journalCorrupt("transaction %d: checksum of the copy of block %d", t.sequence, t.block)
		}
		if t.block >= size {
			return nil, journalCorrupt("transaction %d: block %d is outside the device", t.sequence, t.block)
		}
		live = append(live, t)
	}
	slices.SortStableFunc(live, func(a, b tag) int { return cmp.Compare(a.block, b.block) })
	var out overlay
	for i, t := range live {
		if i+1 < len(live) && live[i+1].block == t.block {
			continue
		}
		at, err := s.j.physical(uint64(t.journal))
		if err != nil {
			return nil, err
		}
		out = append(out, pendingBlock{t.block, at, t.escaped})
	}
	return out, nil
}

// refuseFastCommits looks into the area behind the log where the feature
// fast_commit keeps changes to the transaction that comes after it. They are
// not understood here, and without them files would be old.
func (j *journal) refuseFastCommits(sequence uint32) error {
	const tagHead, headSize = 9, 8
	if j.incompat&journalFastCommit == 0 {
		return nil
	}
	b, err := j.block(j.last + 1) // the first block is left free
	if err != nil {
		return err
	}
	le := binary.LittleEndian // of ext4, not of the journal
	if le.Uint16(b) == tagHead && le.Uint16(b[2:]) == headSize && le.Uint32(b[8:]) == sequence {
		return unsupported("journal", "unsupported feature fast_commit: transaction %d is pending", sequence)
	}
	return nil
}
