package ext4

import (
	"encoding/binary"
	"fmt"
)

// The journal; Linux Documentation/filesystems/ext4/journal.rst. Its numbers
// are big-endian.
const (
	journalMagic = 0xc03b3998

	journalDescriptor = 1
	journalCommit     = 2
	journalSuperV1    = 3
	journalSuperV2    = 4
	journalRevoke     = 5

	journalCompatChecksum = 0x1

	journal64bit       = 0x2
	journalAsyncCommit = 0x4
	journalCsumV2      = 0x8
	journalCsumV3      = 0x10
	journalFastCommit  = 0x20
	journalSupported   = 0x1 /* revoke */ | journal64bit | journalAsyncCommit | journalCsumV2 | journalCsumV3 | journalFastCommit

	journalHeader       = 12
	journalReadAhead    = 256 << 10 // bytes
	defaultFastBlocks   = 256
	journalChecksumCRC  = 4 // crc32c
	journalOldChecksum  = 1 // crc32, of the commit blocks with the "checksum" feature
	journalSuperSize    = 1024
	journalSuperSumFrom = 0xfc
)

var journalMagicBytes = binary.BigEndian.AppendUint32(nil, journalMagic)

// journal is an open journal that needs recovery.
type journal struct {
	fs       *FS
	file     *inode
	compat   uint32
	incompat uint32
	seed     uint32 // of its checksums
	sequence uint32 // of the first transaction
	start    uint64 // block of it in the journal, 0 for an empty log
	first    uint64 // the log's blocks: from first, before last
	last     uint64

	ahead      []byte // blocks read from aheadFirst on
	aheadFirst uint64
}

func journalCorrupt(format string, args ...any) error {
	return corrupt("journal", format, args...)
}

// openJournal reads the journal's superblock; nil if the filesystem has no
// journal, so that there is nothing to recover.
func (f *FS) openJournal() (*journal, error) {
	if f.sb.compat&compatHasJournal == 0 {
		return nil, nil
	}
	if f.sb.journalInode == 0 {
		return nil, unsupported("journal", "needs_recovery with a journal on another device")
	}
	file, err := f.inode(f.sb.journalInode)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if !file.mode.IsRegular() || file.flags&flagInlineData != 0 {
		return nil, journalCorrupt("inode %d is not a regular file", file.number)
	}
	j := &journal{fs: f, file: file}
	b, err := j.block(0)
	if err != nil {
		return nil, err
	}
	return j, j.parse(b[:journalSuperSize])
}

// parse reads struct journal_superblock_s.
func (j *journal) parse(b []byte) error {
	be := binary.BigEndian
	kind := be.Uint32(b[0x4:])
	if be.Uint32(b) != journalMagic || kind != journalSuperV1 && kind != journalSuperV2 {
		return journalCorrupt("superblock has magic %#08x and type %d", be.Uint32(b), kind)
	}
	if kind == journalSuperV2 {
		j.compat, j.incompat = be.Uint32(b[0x24:]), be.Uint32(b[0x28:])
		if unknown := j.incompat &^ journalSupported; unknown != 0 || be.Uint32(b[0x2c:]) != 0 {
			return unsupported("journal", "unsupported features %#x, read-only %#x", unknown, be.Uint32(b[0x2c:]))
		}
	}
	if err := j.checkSuper(b); err != nil {
		return err
	}
	size, length := be.Uint32(b[0xc:]), uint64(be.Uint32(b[0x10:]))
	if int64(size) != int64(j.fs.sb.blockSize) || length > uint64(j.file.size)/uint64(size) {
		return journalCorrupt("%d blocks of %d bytes", length, size)
	}
	j.first, j.last = uint64(be.Uint32(b[0x14:])), length
	j.sequence, j.start = be.Uint32(b[0x18:]), uint64(be.Uint32(b[0x1c:]))
	if j.incompat&journalFastCommit != 0 {
		fast := uint64(be.Uint32(b[0x54:]))
		if fast == 0 {
			fast = defaultFastBlocks
		}
		if fast < 2 || fast >= j.last {
			return journalCorrupt("%d of %d blocks for fast commits", fast, length)
		}
		j.last -= fast
	}
	if j.first == 0 || j.first >= j.last || j.start != 0 && (j.start < j.first || j.start >= j.last) {
		return journalCorrupt("log from block %d to %d starts at %d", j.first, j.last, j.start)
	}
	return nil
}

func (j *journal) checkSuper(b []byte) error {
	j.seed = crc32c(^uint32(0), b[0x30:0x40])
	if !j.csum() {
		return nil
	}
	if j.incompat&journalCsumV2 != 0 && j.incompat&journalCsumV3 != 0 || j.compat&journalCompatChecksum != 0 {
		return journalCorrupt("several kinds of checksums")
	}
	if b[0x50] != journalChecksumCRC {
		return unsupported("journal", "checksum type %d, only crc32c (4) is known", b[0x50])
	}
	sum := crc32c(^uint32(0), b[:journalSuperSumFrom])
	sum = crc32cZero(sum, 4)
	sum = crc32c(sum, b[journalSuperSumFrom+4:])
	if want := binary.BigEndian.Uint32(b[journalSuperSumFrom:]); sum != want && j.fs.sb.verify {
		return journalCorrupt("superblock checksum %#08x, expected %#08x", sum, want)
	}
	return nil
}

// csum says whether blocks have crc32c checksums.
func (j *journal) csum() bool { return j.incompat&(journalCsumV2|journalCsumV3) != 0 }

// block reads a block of the journal; it is valid until the next call. Blocks
// come in order, so several are read at once.
func (j *journal) block(n uint64) ([]byte, error) {
	bs := uint64(j.fs.sb.blockSize)
	if n < j.aheadFirst || n >= j.aheadFirst+uint64(len(j.ahead))/bs {
		count := uint64(j.file.size) / bs
		if n >= count {
			return nil, journalCorrupt("block %d is beyond its end", n)
		}
		if _, err := j.physical(n); err != nil {
			return nil, err
		}
		count = min(count-n, max(1, journalReadAhead/bs))
		if uint64(cap(j.ahead)) < count*bs {
			j.ahead = make([]byte, count*bs)
		}
		j.ahead, j.aheadFirst = j.ahead[:count*bs], n
		if err := j.file.readAt(j.ahead, int64(n*bs)); err != nil {
			j.ahead = j.ahead[:0]
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
	return j.ahead[(n-j.aheadFirst)*bs:][:bs], nil
}

// physical is where a block of the journal stands on the device.
func (j *journal) physical(n uint64) (uint64, error) {
	r, err := j.file.runAt(n, 1)
	if err != nil {
		return 0, fmt.Errorf("journal: %w", err)
	}
	if r.physical == 0 {
		return 0, journalCorrupt("block %d is a hole", n)
	}
	return r.physical, nil
}

// after is the log block count blocks after n; the log wraps.
func (j *journal) after(n, count uint64) uint64 {
	return j.first + (n-j.first+count)%(j.last-j.first)
}
