package ext4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"

	"pvboot/loader/fs"
	"pvboot/loader/volume"
)

const (
	superblockOffset = 1024
	superblockSize   = 1024
	superMagic       = 0xef53

	minGroupDesc = 32
	oldInodeSize = 128
)

// superblock is what is needed of struct ext4_super_block, checked; Linux
// Documentation/filesystems/ext4/super.rst.
type superblock struct {
	verify    bool // look at checksums
	compat    uint32
	incompat  uint32
	roCompat  uint32
	uuid      [16]byte
	label     string
	csumSeed  uint32 // of all metadata checksums but the superblock's
	blockSize int    // 1024 to 65536

	blocks         uint64 // of the filesystem
	firstDataBlock uint64
	blocksPerGroup uint64
	groupDescSize  int // bytes
	firstMetaBG    uint32
	backupGroups   [2]uint32 // with sparse_super2

	inodes         uint32
	inodesPerGroup uint32
	inodeSize      int // bytes
	firstInode     uint32

	journalInode uint32
}

func readSuperblock(dev volume.Device, verify bool) (*superblock, error) {
	if dev.Size() < superblockOffset+superblockSize {
		return nil, fsError(fs.ErrUnknown, "superblock", "device of %d bytes is too small", dev.Size())
	}
	var b [superblockSize]byte
	if err := readDevice(dev, b[:], superblockOffset); err != nil {
		return nil, fmt.Errorf("ext4: superblock: %w", err)
	}
	return parseSuperblock(b[:], dev.Size(), verify)
}

// parseSuperblock checks all that later arithmetic relies on. size is the
// device's.
func parseSuperblock(b []byte, size int64, verify bool) (*superblock, error) {
	le := binary.LittleEndian
	if magic := le.Uint16(b[0x38:]); magic != superMagic {
		return nil, fsError(fs.ErrUnknown, "superblock", "magic %#04x, expected %#04x", magic, superMagic)
	}
	s := &superblock{
		verify:   verify,
		compat:   le.Uint32(b[0x5c:]),
		incompat: le.Uint32(b[0x60:]),
		roCompat: le.Uint32(b[0x64:]),
		uuid:     [16]byte(b[0x68:]),
		label:    cString(b[0x78:0x88]),

		blocks:         uint64(le.Uint32(b[0x4:])),
		firstDataBlock: uint64(le.Uint32(b[0x14:])),
		blocksPerGroup: uint64(le.Uint32(b[0x20:])),
		groupDescSize:  minGroupDesc,
		firstMetaBG:    le.Uint32(b[0x104:]),
		backupGroups:   [2]uint32{le.Uint32(b[0x24c:]), le.Uint32(b[0x250:])},

		inodes:         le.Uint32(b[0x0:]),
		inodesPerGroup: le.Uint32(b[0x28:]),
		inodeSize:      int(le.Uint16(b[0x58:])),
		firstInode:     le.Uint32(b[0x54:]),
		journalInode:   le.Uint32(b[0xe0:]),
	}
	if err := s.checkChecksum(b); err != nil {
		return nil, err
	}
	if unknown := s.incompat &^ incompatSupported; unknown != 0 {
		return nil, unsupported("", "unsupported feature %s", incompatString(unknown))
	}
	if s.incompat&incompat64bit != 0 {
		s.blocks |= uint64(le.Uint32(b[0x150:])) << 32
		s.groupDescSize = int(le.Uint16(b[0xfe:]))
	}
	if le.Uint32(b[0x4c:]) == 0 { // revision 0 has fixed inodes
		s.inodeSize, s.firstInode = oldInodeSize, 11
	}
	s.csumSeed = crc32c(^uint32(0), s.uuid[:])
	if s.incompat&incompatCsumSeed != 0 {
		s.csumSeed = le.Uint32(b[0x270:])
	}
	logBlock, logCluster := le.Uint32(b[0x18:]), le.Uint32(b[0x1c:])
	if logBlock > 6 {
		return nil, corrupt("superblock", "block size 2^%d KiB", logBlock)
	}
	s.blockSize = 1024 << logBlock
	return s, s.checkGeometry(size, logBlock, logCluster)
}

func (s *superblock) checkChecksum(b []byte) error {
	if !s.metadataCsum() {
		return nil
	}
	if kind := b[0x175]; kind != 1 {
		return unsupported("superblock", "checksum type %d, only crc32c (1) is known", kind)
	}
	want := binary.LittleEndian.Uint32(b[0x3fc:])
	if got := crc32c(^uint32(0), b[:0x3fc]); got != want && s.verify {
		return corrupt("superblock", "checksum %#08x, expected %#08x", got, want)
	}
	return nil
}

func (s *superblock) checkGeometry(size int64, logBlock, logCluster uint32) error {
	bad := func(what string, v any) error { return corrupt("superblock", "%s %v", what, v) }
	bs := uint64(s.blockSize)
	perBitmap := 8 * bs // groups' bitmaps are one block each
	switch {
	case s.inodeSize < oldInodeSize || s.inodeSize > s.blockSize || !powerOf2(s.inodeSize):
		return bad("inode size", s.inodeSize)
	case s.groupDescSize < minGroupDesc || s.groupDescSize > 1024 || !powerOf2(s.groupDescSize):
		return bad("group descriptor size", s.groupDescSize)
	case s.incompat&incompat64bit != 0 && s.groupDescSize < 64:
		return bad("group descriptor size with 64bit", s.groupDescSize)
	case logCluster < logBlock || logCluster > 20:
		return bad("log2 of the cluster size", logCluster)
	case s.blocksPerGroup == 0 || s.blocksPerGroup>>(logCluster-logBlock) > perBitmap:
		return bad("blocks per group", s.blocksPerGroup)
	case s.inodesPerGroup == 0 || uint64(s.inodesPerGroup) > perBitmap:
		return bad("inodes per group", s.inodesPerGroup)
	case s.blocks > uint64(size)/bs:
		return corrupt("superblock", "filesystem of %d blocks of %d bytes exceeds the device of %d bytes", s.blocks, bs, size)
	case s.firstDataBlock > 1 || s.firstDataBlock >= s.blocks:
		return bad("first data block", s.firstDataBlock)
	}
	groups := (s.blocks - s.firstDataBlock + s.blocksPerGroup - 1) / s.blocksPerGroup
	if groups > math.MaxUint32 || groups*uint64(s.inodesPerGroup) != uint64(s.inodes) {
		return corrupt("superblock", "%d inodes, but %d groups of %d", s.inodes, groups, s.inodesPerGroup)
	}
	return nil
}

func (s *superblock) metadataCsum() bool { return s.roCompat&roMetadataCsum != 0 }

// within says whether count blocks from first lie inside the filesystem.
func (s *superblock) within(first, count uint64) bool {
	return first >= s.firstDataBlock && first < s.blocks && count <= s.blocks-first
}

func (s *superblock) uuidString() string {
	u := s.uuid
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

func powerOf2(n int) bool { return bits.OnesCount(uint(n)) == 1 }

// cString is b up to its first NUL.
func cString(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// readDevice fills b; a device that ends before is an error.
func readDevice(dev volume.Device, b []byte, off int64) error {
	n, err := dev.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read of %d bytes at %d: %w", len(b), off, err)
}
