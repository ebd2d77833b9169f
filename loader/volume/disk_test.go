package volume

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"unicode/utf16"
)

// memDisk is a disk in memory, readOnly when it lacks WriteAt (see roDisk).
type memDisk struct {
	b      []byte
	sector int
}

func (d *memDisk) Size() int64     { return int64(len(d.b)) }
func (d *memDisk) SectorSize() int { return d.sector }

func (d *memDisk) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(d.b).ReadAt(p, off)
}

func (d *memDisk) WriteAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > int64(len(d.b)) {
		return 0, io.ErrShortWrite
	}
	return copy(d.b[off:], p), nil
}

// roDisk hides WriteAt.
type roDisk struct{ Device }

// gptEntry is one entry of a table that gptDisk writes.
type gptEntry struct {
	kind, guid  byte // repeated 16 times
	first, last uint64
	name        string
}

type gptLayout struct {
	unit      int // sector size that the table is written for
	entrySize int
	entries   []gptEntry
}

// gptDisk writes protective MBR, both headers and both entry arrays.
func gptDisk(size, sector int, l gptLayout) *memDisk {
	d := &memDisk{b: make([]byte, size), sector: sector}
	putMBR(d.b, 0, 0, mbrEntry{kind: typeProtective, start: 1, count: uint32(size/l.unit - 1)})
	if l.entrySize == 0 {
		l.entrySize = gptEntrySize
	}
	array := make([]byte, 32*l.entrySize)
	le := binary.LittleEndian
	for i, e := range l.entries {
		if e.kind == 0 {
			continue
		}
		b := array[i*l.entrySize:]
		copy(b, bytes.Repeat([]byte{e.kind}, 16))
		copy(b[16:], bytes.Repeat([]byte{e.guid}, 16))
		le.PutUint64(b[32:], e.first)
		le.PutUint64(b[40:], e.last)
		for i, u := range utf16.Encode([]rune(e.name)) {
			le.PutUint16(b[56+2*i:], u)
		}
	}
	last := size/l.unit - 1
	room := (len(array) + l.unit - 1) / l.unit
	putGPT(d.b, l, 1, 2, last, array)
	putGPT(d.b, l, last, last-room, 1, array)
	return d
}

func putGPT(disk []byte, l gptLayout, lba, entries, alternate int, array []byte) {
	copy(disk[entries*l.unit:], array)
	h := disk[lba*l.unit:]
	le := binary.LittleEndian
	copy(h, gptSignature)
	le.PutUint32(h[8:], 0x10000)
	le.PutUint32(h[12:], gptHeaderSize)
	le.PutUint64(h[24:], uint64(lba))
	le.PutUint64(h[32:], uint64(alternate))
	copy(h[56:72], bytes.Repeat([]byte{0xd1}, 16))
	le.PutUint64(h[72:], uint64(entries))
	le.PutUint32(h[80:], uint32(len(array)/l.entrySize))
	le.PutUint32(h[84:], uint32(l.entrySize))
	le.PutUint32(h[88:], crc32.ChecksumIEEE(array))
	sumGPT(h)
}

// sumGPT renews a header's checksum.
func sumGPT(h []byte) {
	length := binary.LittleEndian.Uint32(h[12:])
	if length < gptHeaderSize || int64(length) > int64(len(h)) {
		return
	}
	clear(h[16:20])
	binary.LittleEndian.PutUint32(h[16:], crc32.ChecksumIEEE(h[:length]))
}

// putMBR writes a boot sector or EBR.
func putMBR(disk []byte, off int, diskID uint32, entries ...mbrEntry) {
	b := disk[off:]
	le := binary.LittleEndian
	le.PutUint32(b[offDiskSignature:], diskID)
	for i, e := range entries {
		r := b[offEntries+entrySize*i:]
		r[4] = e.kind
		le.PutUint32(r[8:], e.start)
		le.PutUint32(r[12:], e.count)
	}
	le.PutUint16(b[offBootSignature:], bootSignature)
}
