package ext4

import (
	"encoding/binary"
	"fmt"
)

// Group descriptor; Linux Documentation/filesystems/ext4/group_descr.rst.
const offGroupChecksum = 0x1e

// inodeTable gives the first block of a group's inode table.
func (f *FS) inodeTable(group uint32) (uint64, error) {
	place := fmt.Sprintf("group %d", group)
	perBlock := uint32(f.sb.blockSize / f.sb.groupDescSize)
	at := f.sb.groupDescBlock(group / perBlock)
	if !f.sb.within(at, 1) {
		return 0, corrupt(place, "descriptor in block %d outside the filesystem", at)
	}
	b, err := f.store.block(at)
	if err != nil {
		return 0, fmt.Errorf("ext4: %s: %w", place, err)
	}
	d := b[int(group%perBlock)*f.sb.groupDescSize:][:f.sb.groupDescSize]
	want := binary.LittleEndian.Uint16(d[offGroupChecksum:])
	if got, ok := f.sb.groupChecksum(group, d); ok && got != want && f.sb.verify {
		return 0, corrupt(place, "descriptor checksum %#04x, expected %#04x", got, want)
	}
	table := uint64(binary.LittleEndian.Uint32(d[0x8:]))
	if f.sb.groupDescSize >= 64 {
		table |= uint64(binary.LittleEndian.Uint32(d[0x28:])) << 32
	}
	length := (uint64(f.sb.inodesPerGroup)*uint64(f.sb.inodeSize) + uint64(f.sb.blockSize) - 1) / uint64(f.sb.blockSize)
	if !f.sb.within(table, length) {
		return 0, corrupt(place, "inode table at block %d outside the filesystem", table)
	}
	return table, nil
}

// groupDescBlock is where the n-th block of group descriptors stands. With
// meta_bg later ones stand in the first of the groups that they describe.
func (s *superblock) groupDescBlock(n uint32) uint64 {
	super := uint64(superblockOffset / s.blockSize)
	if s.incompat&incompatMetaBG == 0 || n < s.firstMetaBG {
		return super + 1 + uint64(n)
	}
	group := uint64(n) * uint64(s.blockSize/s.groupDescSize)
	at := s.firstDataBlock + group*s.blocksPerGroup
	if s.hasSuper(group) {
		at++
	}
	if n == 0 && s.blockSize == 1024 && s.firstDataBlock == 0 {
		at++ // block 0 is the boot block even so
	}
	return at
}

// hasSuper says whether a group starts with a copy of the superblock.
func (s *superblock) hasSuper(group uint64) bool {
	switch {
	case group == 0:
		return true
	case s.compat&compatSparseSuper2 != 0:
		return group == uint64(s.backupGroups[0]) || group == uint64(s.backupGroups[1])
	case group == 1 || s.roCompat&roSparseSuper == 0:
		return true
	}
	return isPower(group, 3) || isPower(group, 5) || isPower(group, 7)
}

func isPower(n, base uint64) bool {
	for n%base == 0 {
		n /= base
	}
	return n == 1
}

// groupChecksum is the descriptor's checksum; ok is false where the
// filesystem has none.
func (s *superblock) groupChecksum(group uint32, d []byte) (sum uint16, ok bool) {
	switch {
	case s.metadataCsum():
		c := crc32cLE(s.csumSeed, group)
		c = crc32c(c, d[:offGroupChecksum])
		c = crc32cZero(c, 2)
		return uint16(crc32c(c, d[offGroupChecksum+2:])), true
	case s.roCompat&roGdtCsum != 0:
		c := crc16(^uint16(0), s.uuid[:])
		c = crc16(c, binary.LittleEndian.AppendUint32(nil, group))
		c = crc16(c, d[:offGroupChecksum])
		return crc16(c, d[offGroupChecksum+2:]), true
	}
	return 0, false
}
