package ext4

import (
	"encoding/binary"
	"fmt"
	iofs "io/fs"
	"math"
	"time"

	"pvboot/loader/fs/tree"
)

const rootInode = 2

// Inode flags; Linux Documentation/filesystems/ext4/inodes.rst, "i_flags".
const (
	flagEncrypt    = 0x800
	flagIndex      = 0x1000
	flagExtents    = 0x80000
	flagInlineData = 0x10000000
	flagCasefold   = 0x40000000
)

// inode is a file of any kind, as its inode says. It is immutable but for the
// mapping's cache and implements tree.Node.
type inode struct {
	fs      *FS
	number  uint32
	mode    iofs.FileMode
	size    int64
	mtime   time.Time
	flags   uint32
	seed    uint32 // of the checksums of blocks that belong to the inode
	block   [60]byte
	inline  []byte // the attribute that continues block, with inline_data
	mapping mapping
}

var _ tree.Node = (*inode)(nil)

func (n *inode) place() string { return fmt.Sprintf("inode %d", n.number) }

func (n *inode) corrupt(format string, args ...any) error {
	return corrupt(n.place(), format, args...)
}

func (n *inode) ID() uint64          { return uint64(n.number) }
func (n *inode) Mode() iofs.FileMode { return n.mode }
func (n *inode) Size() int64         { return n.size }
func (n *inode) ModTime() time.Time  { return n.mtime }

// inode reads an inode that is in use.
func (f *FS) inode(number uint32) (*inode, error) {
	raw, err := f.rawInode(number)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	n := &inode{
		fs:     f,
		number: number,
		size:   int64(le.Uint32(raw[0x4:])),
		flags:  le.Uint32(raw[0x20:]),
		seed:   crc32cLE(crc32cLE(f.sb.csumSeed, number), le.Uint32(raw[0x64:])),
		block:  [60]byte(raw[0x28:]),
	}
	if err := n.checkChecksum(raw); err != nil {
		return nil, err
	}
	if links := le.Uint16(raw[0x1a:]); links == 0 {
		return nil, n.corrupt("deleted, but in use")
	}
	if n.mode, err = n.fileMode(le.Uint16(raw[0x0:])); err != nil {
		return nil, err
	}
	if n.mode.IsRegular() || f.sb.incompat&incompatLargeDir != 0 {
		n.size |= int64(le.Uint32(raw[0x6c:])) << 32
	}
	if n.size < 0 {
		return nil, n.corrupt("size %d", uint64(n.size))
	}
	n.mtime = modTime(raw)
	if n.flags&flagInlineData != 0 {
		if n.inline, err = n.inlineAttribute(raw); err != nil {
			return nil, err
		}
	}
	n.mapping = n.newMapping()
	return n, nil
}

// rawInode gives the bytes of an inode.
func (f *FS) rawInode(number uint32) ([]byte, error) {
	if number == 0 || number > f.sb.inodes {
		return nil, corrupt(fmt.Sprintf("inode %d", number), "number out of range 1 to %d", f.sb.inodes)
	}
	index := (number - 1) % f.sb.inodesPerGroup
	table, err := f.inodeTable((number - 1) / f.sb.inodesPerGroup)
	if err != nil {
		return nil, err
	}
	perBlock := uint32(f.sb.blockSize / f.sb.inodeSize)
	b, err := f.store.block(table + uint64(index/perBlock))
	if err != nil {
		return nil, fmt.Errorf("ext4: inode %d: %w", number, err)
	}
	return b[int(index%perBlock)*f.sb.inodeSize:][:f.sb.inodeSize], nil
}

// extraSize is how much of a large inode's fields after the first 128 bytes
// is in use.
func extraSize(raw []byte) int {
	if len(raw) <= oldInodeSize {
		return 0
	}
	return int(binary.LittleEndian.Uint16(raw[0x80:]))
}

// checkChecksum verifies the inode with its two checksum fields as zero. An
// inode without room for the upper half keeps only the lower one.
func (n *inode) checkChecksum(raw []byte) error {
	extra := extraSize(raw)
	if extra > len(raw)-oldInodeSize || extra%4 != 0 {
		return n.corrupt("extra size %d", extra)
	}
	if !n.fs.sb.metadataCsum() {
		return nil
	}
	le := binary.LittleEndian
	want, mask := uint32(le.Uint16(raw[0x7c:])), uint32(0xffff)
	got := crc32c(n.seed, raw[:0x7c])
	got = crc32cZero(got, 2)
	got = crc32c(got, raw[0x7e:oldInodeSize])
	rest := raw[oldInodeSize:]
	if extra >= 4 {
		want, mask = want|uint32(le.Uint16(raw[0x82:]))<<16, math.MaxUint32
		got = crc32c(got, rest[:2])
		got = crc32cZero(got, 2)
		rest = rest[4:]
	}
	got = crc32c(got, rest) & mask
	if got != want && n.fs.sb.verify {
		return n.corrupt("checksum %#08x, expected %#08x", got, want)
	}
	return nil
}

// fileMode translates i_mode.
func (n *inode) fileMode(m uint16) (iofs.FileMode, error) {
	types := map[uint16]iofs.FileMode{
		0x1000: iofs.ModeNamedPipe,
		0x2000: iofs.ModeDevice | iofs.ModeCharDevice,
		0x4000: iofs.ModeDir,
		0x6000: iofs.ModeDevice,
		0x8000: 0,
		0xa000: iofs.ModeSymlink,
		0xc000: iofs.ModeSocket,
	}
	mode, ok := types[m&0xf000]
	if !ok {
		return 0, n.corrupt("mode %#o is no file type", m)
	}
	mode |= iofs.FileMode(m & 0o777)
	for bit, flag := range map[uint16]iofs.FileMode{0o4000: iofs.ModeSetuid, 0o2000: iofs.ModeSetgid, 0o1000: iofs.ModeSticky} {
		if m&bit != 0 {
			mode |= flag
		}
	}
	return mode, nil
}

// modTime reads i_mtime, and where there is room the 34-bit seconds and the
// nanoseconds.
func modTime(raw []byte) time.Time {
	le := binary.LittleEndian
	sec, nsec := int64(int32(le.Uint32(raw[0x10:]))), int64(0)
	if extraSize(raw) >= 0x8c-oldInodeSize {
		extra := le.Uint32(raw[0x88:])
		sec += int64(extra&3) << 32
		nsec = int64(extra >> 2)
	}
	return time.Unix(sec, nsec).UTC()
}

// Target reads a symbolic link. Short ones stand in the inode.
func (n *inode) Target() (string, error) {
	switch {
	case n.mode.Type() != iofs.ModeSymlink:
		return "", n.corrupt("not a symbolic link")
	case n.flags&flagEncrypt != 0:
		return "", unsupported(n.place(), "unsupported feature encrypt")
	case n.size == 0 || n.size > int64(min(n.fs.sb.blockSize, 4096)):
		return "", n.corrupt("symbolic link of %d bytes", n.size)
	case n.flags&(flagExtents|flagInlineData) == 0 && n.size < int64(len(n.block)):
		return cString(n.block[:n.size]), nil
	}
	b := make([]byte, n.size)
	if err := n.readAt(b, 0); err != nil {
		return "", err
	}
	return cString(b), nil
}
