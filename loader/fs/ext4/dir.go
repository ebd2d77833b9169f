package ext4

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Directories; Linux Documentation/filesystems/ext4/directory.rst. They are
// read block by block; the hash tree is not needed to find a name, but its
// blocks' checksums are verified on the way.
const (
	direntHeader = 8
	dirReadAhead = 64 << 10 // bytes
	// Limits that no real directory meets, so that a hostile one cannot fill
	// memory or keep the loader busy.
	maxDirBytes = 256 << 20
	maxListed   = 1 << 17 // entries
	maxNames    = 8 << 20 // bytes of all names listed
)

// dirent is one entry; the name is only valid until the next one.
type dirent struct {
	inode uint32
	kind  byte // 0 where the filesystem does not tell
	name  []byte
}

// errStop ends an iteration early.
type errStop struct{}

func (errStop) Error() string { return "stopped" }

// entries calls fn for every used entry, "." and ".." too.
func (n *inode) entries(fn func(dirent) error) error {
	switch {
	case !n.mode.IsDir():
		return n.corrupt("not a directory")
	case n.flags&flagEncrypt != 0:
		return unsupported(n.place(), "unsupported feature encrypt")
	case n.flags&flagInlineData != 0:
		return n.inlineEntries(fn)
	}
	bs := int64(n.fs.sb.blockSize)
	if n.size == 0 || n.size%bs != 0 {
		return n.corrupt("directory of %d bytes", n.size)
	}
	if n.size > maxDirBytes {
		return unsupported(n.place(), "directory of %d bytes, more than %d", n.size, maxDirBytes)
	}
	for block := range uint64(n.size / bs) {
		b, err := n.dirBlock(block)
		if err != nil {
			return err
		}
		if err := n.blockEntries(fmt.Sprintf("inode %d: directory block %d", n.number, block), b, fn); err != nil {
			return err
		}
	}
	return nil
}

// dirBlock reads a directory's block and verifies its checksum.
func (n *inode) dirBlock(block uint64) ([]byte, error) {
	ahead := max(1, dirReadAhead/uint64(n.fs.sb.blockSize))
	r, err := n.runAt(block, min(ahead, n.blockCount()-block))
	if err != nil {
		return nil, err
	}
	if r.physical == 0 {
		return nil, n.corrupt("directory block %d is a hole", block)
	}
	n.fs.store.prefetch(r.physical, r.count)
	b, err := n.fs.store.block(r.physical)
	if err != nil {
		return nil, fmt.Errorf("ext4: inode %d: %w", n.number, err)
	}
	if n.fs.sb.metadataCsum() && n.fs.sb.verify {
		if err := n.checkDirBlock(block, b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// checkDirBlock verifies a leaf by its tail, which looks like an unused entry
// of type 0xde, and a hash tree's block by the sum after its last entry.
func (n *inode) checkDirBlock(block uint64, b []byte) error {
	le := binary.LittleEndian
	place := fmt.Sprintf("inode %d: directory block %d", n.number, block)
	var got, want uint32
	if at, ok := n.hashEntries(block, b); ok {
		limit, count := int(le.Uint16(b[at:])), int(le.Uint16(b[at+2:]))
		tail := at + limit*8
		if count > limit || tail+8 > len(b) {
			return corrupt(place, "%d of %d hash entries", count, limit)
		}
		got = crc32c(n.seed, b[:at+count*8])
		got = crc32c(got, b[tail:tail+4])
		got = crc32cZero(got, 4)
		want = le.Uint32(b[tail+4:])
	} else {
		tail := b[len(b)-12:]
		if [8]byte(tail) != [8]byte{4: 12, 7: 0xde} {
			return corrupt(place, "no checksum")
		}
		got = crc32c(n.seed, b[:len(b)-12])
		want = le.Uint32(tail[8:])
	}
	if got != want {
		return corrupt(place, "checksum %#08x, expected %#08x", got, want)
	}
	return nil
}

// hashEntries says whether a block belongs to the directory's hash tree and
// where its hash entries start: in the root after the entries "." and "..",
// else after one unused entry that fills the block.
func (n *inode) hashEntries(block uint64, b []byte) (at int, ok bool) {
	if n.flags&flagIndex == 0 || n.fs.sb.compat&compatDirIndex == 0 {
		return 0, false
	}
	if block == 0 {
		return 32, true
	}
	return 8, n.recordLength(b) == len(b)
}

// recordLength reads rec_len. Blocks of 64 KiB need two of its bits for
// lengths that do not fit.
func (n *inode) recordLength(b []byte) int {
	l := int(binary.LittleEndian.Uint16(b[4:]))
	if n.fs.sb.blockSize < 65536 {
		return l
	}
	if l == 65535 || l == 0 {
		return 65536
	}
	return l&65532 | l&3<<16
}

// blockEntries checks and visits the entries that fill b.
func (n *inode) blockEntries(place string, b []byte, fn func(dirent) error) error {
	for at := 0; at < len(b); {
		d, length, err := n.entryAt(place, b, at)
		if err != nil {
			return err
		}
		at += length
		if d.inode == 0 {
			continue
		}
		if err := fn(d); err != nil {
			return err
		}
	}
	return nil
}

// entryAt checks the entry at a place in b and gives its length too.
func (n *inode) entryAt(place string, b []byte, at int) (d dirent, length int, err error) {
	bad := func(format string, args ...any) (dirent, int, error) {
		return dirent{}, 0, corrupt(fmt.Sprintf("%s: entry at %d", place, at), format, args...)
	}
	e := b[at:]
	if len(e) < direntHeader {
		return bad("cut off")
	}
	length = n.recordLength(e)
	d = dirent{inode: binary.LittleEndian.Uint32(e), kind: e[7]}
	if n.fs.sb.incompat&incompatFiletype == 0 {
		d.kind = 0 // the upper half of a 16-bit name length
	}
	nameLength := int(e[6])
	if length < direntHeader || length%4 != 0 || length > len(e) || direntHeader+nameLength > length {
		return bad("length %d for a name of %d", length, nameLength)
	}
	d.name = e[direntHeader:][:nameLength]
	if d.inode != 0 && (nameLength == 0 || strings.ContainsAny(string(d.name), "/\x00")) {
		return bad("bad name %q", d.name)
	}
	return d, length, nil
}

// inlineEntries visits a directory with inline_data: the parent's number
// stands for "." and "..", then come entries in two areas.
func (n *inode) inlineEntries(fn func(dirent) error) error {
	for _, d := range []dirent{
		{inode: n.number, name: []byte(".")},
		{inode: binary.LittleEndian.Uint32(n.block[:]), name: []byte("..")},
	} {
		if err := fn(d); err != nil {
			return err
		}
	}
	if err := n.blockEntries(n.place()+": inline directory", n.block[4:], fn); err != nil {
		return err
	}
	return n.blockEntries(n.place()+": inline directory attribute", n.inline, fn)
}
