package ext4

import (
	"encoding/binary"
)

// Flags of a descriptor block's tags.
const (
	tagEscaped  = 1
	tagSameUUID = 2
	tagLast     = 8
)

// tag says which block of the filesystem a block of the journal holds.
type tag struct {
	block    uint64
	sequence uint32 // of its transaction
	journal  uint32 // block in the journal
	sum      uint32 // as written
	escaped  bool
	bad      bool // the copy does not fit the sum
}

// tagSize is the length of a tag without its UUID. Version 2 checksums made
// tags of 64-bit journals 14 bytes by mistake, and all keep to that.
func (j *journal) tagSize() int {
	size := 8
	if j.incompat&journalCsumV3 != 0 {
		return 16
	}
	if j.incompat&journalCsumV2 != 0 {
		size += 2
	}
	if j.incompat&journal64bit != 0 {
		size += 4
	}
	return size
}

// tailSize is what a checksum takes at the end of descriptor and revoke
// blocks.
func (j *journal) tailSize() int {
	if j.csum() {
		return 4
	}
	return 0
}

// tags reads a descriptor block.
func (j *journal) tags(b []byte, sequence uint32) []tag {
	be := binary.BigEndian
	size := j.tagSize()
	var out []tag
	for at := journalHeader; at+size <= len(b)-j.tailSize(); {
		e := b[at:]
		t := tag{block: uint64(be.Uint32(e)), sequence: sequence}
		var flags, high uint32
		if j.incompat&journalCsumV3 != 0 {
			flags, high, t.sum = be.Uint32(e[4:]), be.Uint32(e[8:]), be.Uint32(e[12:])
		} else {
			t.sum, flags = uint32(be.Uint16(e[4:])), uint32(be.Uint16(e[6:]))
			if j.incompat&journal64bit != 0 {
				high = be.Uint32(e[8:])
			}
		}
		if j.incompat&journal64bit != 0 {
			t.block |= uint64(high) << 32
		}
		t.escaped = flags&tagEscaped != 0
		out = append(out, t)
		at += size
		if flags&tagSameUUID == 0 {
			at += 16
		}
		if flags&tagLast != 0 {
			break
		}
	}
	return out
}

// fits verifies the journal's copy of a tag's block.
func (j *journal) fits(t tag, b []byte) bool {
	if !j.fs.sb.verify {
		return true
	}
	var seq [4]byte
	binary.BigEndian.PutUint32(seq[:], t.sequence)
	sum := crc32c(crc32c(j.seed, seq[:]), b)
	if j.incompat&journalCsumV2 != 0 {
		sum &= 0xffff
	}
	return sum == t.sum
}

// tailFits verifies a descriptor or revoke block.
func (j *journal) tailFits(b []byte) bool {
	if !j.csum() || !j.fs.sb.verify {
		return true
	}
	tail := len(b) - 4
	return crc32cZero(crc32c(j.seed, b[:tail]), 4) == binary.BigEndian.Uint32(b[tail:])
}

// commitFits verifies a commit block. Some kernels summed only the fields
// that they had written.
func (j *journal) commitFits(b []byte, old uint32) bool {
	const sumAt, fields = 16, 60
	be := binary.BigEndian
	want := be.Uint32(b[sumAt:])
	switch {
	case !j.fs.sb.verify:
		return true
	case j.csum():
		head := crc32cZero(crc32c(j.seed, b[:sumAt]), 4)
		full := crc32c(head, b[sumAt+4:])
		part := crc32cZero(crc32c(head, b[sumAt+4:fields]), len(b)-fields)
		return want == full || want == part
	case j.compat&journalCompatChecksum != 0:
		kind, size := b[12], b[13]
		return kind == journalOldChecksum && size == 4 && want == old || kind == 0 && size == 0 && want == 0
	}
	return true
}

// revoked reads a revoke block's list; ok is false if its length is bad.
func (j *journal) revoked(b []byte) (blocks []uint64, ok bool) {
	be := binary.BigEndian
	used := int64(be.Uint32(b[journalHeader:]))
	size := 4
	if j.incompat&journal64bit != 0 {
		size = 8
	}
	if used < journalHeader+4 || used > int64(len(b)-j.tailSize()) {
		return nil, false
	}
	for e := b[journalHeader+4 : used]; len(e) >= size; e = e[size:] {
		if size == 8 {
			blocks = append(blocks, be.Uint64(e))
		} else {
			blocks = append(blocks, uint64(be.Uint32(e)))
		}
	}
	return blocks, true
}
