package volume

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"unicode/utf16"
)

// The GPT header; UEFI specification, "GPT Header".
const (
	gptSignature    = "EFI PART"
	gptHeaderSize   = 92 // the least that a header holds
	gptEntrySize    = 128
	gptMaxEntrySize = 4096
	gptMaxArray     = 1 << 20 // bytes; 16 KiB on usual disks
)

// gptSectorSizes are the units that a table may have been written with, also
// when the disk shows another one now (an image moved between disks).
var gptSectorSizes = []int64{512, 1024, 2048, 4096, 8192, 16384}

// gptHeader is one of the two headers, with its checksum verified.
type gptHeader struct {
	sector    int64 // the unit of all LBAs, in bytes
	diskGUID  string
	entries   []byte // the array, verified
	entrySize int
}

// scanGPT reads the primary table, or the backup at the disk's end when the
// primary cannot be read or trusted.
func scanGPT(dev Device, t *Table) error {
	h, err := findGPT(dev, "gpt: primary header", func(int64) int64 { return 1 })
	if err != nil {
		backup, berr := findGPT(dev, "gpt: backup header", func(size int64) int64 { return dev.Size()/size - 1 })
		if berr != nil {
			return fmt.Errorf("%w; %w", err, berr)
		}
		t.warn(fmt.Errorf("%w, used the backup", err))
		h = backup
	}
	t.Scheme, t.UUID = GPT, h.diskGUID
	h.addPartitions(dev, t)
	return nil
}

// findGPT tries the header at sector lba(size) for every sector size, the
// disk's own first. The error is that of the first header that bears the
// signature.
func findGPT(dev Device, place string, lba func(size int64) int64) (*gptHeader, error) {
	own := int64(dev.SectorSize())
	sizes := append([]int64{own}, gptSectorSizes...)
	failed := noHeader(place)
	for i, size := range sizes {
		if i > 0 && size == own {
			continue
		}
		h, err := readGPT(dev, place, size, lba(size))
		if err == nil {
			return h, nil
		}
		if errors.Is(failed, errNoHeader) {
			failed = err
		}
	}
	return nil, failed
}

// errNoHeader is the kind of error that a sector without the signature gives.
var errNoHeader = fmt.Errorf("%w: no header", ErrCorrupt)

func noHeader(place string) error { return tableError(errNoHeader, place, "no signature") }

// readGPT reads and verifies the header in sector lba, counted in units of
// sector bytes, and its entries.
func readGPT(dev Device, place string, sector, lba int64) (*gptHeader, error) {
	if lba < 1 || lba >= dev.Size()/sector {
		return nil, noHeader(place)
	}
	b := make([]byte, sector)
	if err := readFull(dev, b, lba*sector); err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	if string(b[:8]) != gptSignature {
		return nil, noHeader(place)
	}
	le := binary.LittleEndian
	length := int64(le.Uint32(b[12:]))
	if length < gptHeaderSize || length > sector {
		return nil, corrupt(place, "header size %d", length)
	}
	sum := le.Uint32(b[16:])
	clear(b[16:20])
	if got := crc32.ChecksumIEEE(b[:length]); got != sum {
		return nil, corrupt(place, "checksum %#08x, expected %#08x", got, sum)
	}
	if my := le.Uint64(b[24:]); my != uint64(lba) {
		return nil, corrupt(place, "stands at sector %d but says %d", lba, my)
	}
	h := &gptHeader{sector: sector, diskGUID: guid(b[56:72])}
	if err := h.readEntries(dev, place, b); err != nil {
		return nil, err
	}
	return h, nil
}

// readEntries reads the array that header b tells of.
func (h *gptHeader) readEntries(dev Device, place string, b []byte) error {
	le := binary.LittleEndian
	lba, count, size := le.Uint64(b[72:]), uint64(le.Uint32(b[80:])), uint64(le.Uint32(b[84:]))
	if size < gptEntrySize || size > gptMaxEntrySize || size%8 != 0 {
		return corrupt(place, "entry size %d", size)
	}
	if count == 0 || count*size > gptMaxArray {
		return corrupt(place, "%d entries of %d bytes", count, size)
	}
	last := uint64(dev.Size() / h.sector)
	if lba < 2 || lba >= last || count*size > uint64(dev.Size())-lba*uint64(h.sector) {
		return corrupt(place, "entries at sector %d outside the disk", lba)
	}
	h.entries, h.entrySize = make([]byte, count*size), int(size)
	if err := readFull(dev, h.entries, int64(lba)*h.sector); err != nil {
		return fmt.Errorf("%s: entries: %w", place, err)
	}
	sum := le.Uint32(b[88:])
	if got := crc32.ChecksumIEEE(h.entries); got != sum {
		return corrupt(place, "checksum of entries %#08x, expected %#08x", got, sum)
	}
	return nil
}

// addPartitions takes the used entries; UEFI specification, "GPT Partition
// Entry Array".
func (h *gptHeader) addPartitions(dev Device, t *Table) {
	le := binary.LittleEndian
	for i := 0; (i+1)*h.entrySize <= len(h.entries); i++ {
		e := h.entries[i*h.entrySize:][:gptEntrySize]
		if [16]byte(e[:16]) == [16]byte{} {
			continue
		}
		first, last := le.Uint64(e[32:]), le.Uint64(e[40:])
		p := &Partition{
			Scheme: GPT,
			Number: i + 1,
			Type:   guid(e[:16]),
			UUID:   guid(e[16:32]),
			Label:  utf16Name(e[56:128]),
			disk:   dev,
		}
		if last < first || last == 1<<64-1 {
			t.warn(corrupt(p.Name(), "ends at sector %d before its start %d, left out", last, first))
			continue
		}
		t.add(p, first, last-first+1, uint64(h.sector))
	}
}

// guid prints a GUID as UEFI stores it: three little-endian numbers, then
// eight bytes.
func guid(b []byte) string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:16])
}

// utf16Name decodes a NUL-terminated UTF-16LE name.
func utf16Name(b []byte) string {
	var u []uint16
	for ; len(b) >= 2; b = b[2:] {
		c := binary.LittleEndian.Uint16(b)
		if c == 0 {
			break
		}
		u = append(u, c)
	}
	return string(utf16.Decode(u))
}
