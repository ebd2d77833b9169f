package volume

import (
	"encoding/binary"
	"fmt"
)

// The boot sector of an MBR disk and of each extended partition (EBR): code,
// then the disk signature, four entries and 0xaa55. Offsets as in the UEFI
// specification, "Legacy Master Boot Record".
const (
	bootSectorSize   = 512
	offDiskSignature = 440
	offEntries       = 446
	entrySize        = 16
	offBootSignature = 510
	bootSignature    = 0xaa55
)

// Partition types with a meaning to us.
const (
	typeEmpty       = 0x00
	typeExtended    = 0x05
	typeExtendedLBA = 0x0f
	typeLinuxExt    = 0x85
	typeProtective  = 0xee // the disk has a GPT
)

// maxEBRs bounds the chain of extended partitions.
const maxEBRs = 1024

type bootSector struct {
	signed   bool
	diskID   uint32
	entries  [4]mbrEntry
	badEntry int // 1-4: the first whose boot flag no partition table has; 0: none
}

type mbrEntry struct {
	kind         byte
	start, count uint32 // sectors
}

func (e mbrEntry) extended() bool {
	return e.kind == typeExtended || e.kind == typeExtendedLBA || e.kind == typeLinuxExt
}

// protective says whether the disk claims to have a GPT.
func (s *bootSector) protective() bool {
	for _, e := range s.entries {
		if e.kind == typeProtective {
			return true
		}
	}
	return false
}

// extended finds the first extended partition, the only one that GRUB enters.
func (s *bootSector) extended() (mbrEntry, bool) {
	for _, e := range s.entries {
		if e.extended() {
			return e, true
		}
	}
	return mbrEntry{}, false
}

func readBootSector(dev Device, off int64) (*bootSector, error) {
	var b [bootSectorSize]byte
	if err := readFull(dev, b[:], off); err != nil {
		return nil, err
	}
	return parseBootSector(&b), nil
}

func parseBootSector(b *[bootSectorSize]byte) *bootSector {
	s := &bootSector{
		signed: binary.LittleEndian.Uint16(b[offBootSignature:]) == bootSignature,
		diskID: binary.LittleEndian.Uint32(b[offDiskSignature:]),
	}
	for i := range s.entries {
		e := b[offEntries+i*entrySize:]
		// Only 0x00 and 0x80 are boot flags; anything else is boot code of
		// a filesystem that stands on the whole disk.
		if e[0]&0x7f != 0 && s.badEntry == 0 {
			s.badEntry = i + 1
		}
		s.entries[i] = mbrEntry{
			kind:  e[4],
			start: binary.LittleEndian.Uint32(e[8:]),
			count: binary.LittleEndian.Uint32(e[12:]),
		}
	}
	return s
}

// scanMBR adds the primaries, then follows the chain of logical partitions.
func scanMBR(dev Device, boot *bootSector, t *Table) error {
	if boot.badEntry != 0 {
		t.warn(corrupt("msdos", "entry %d has no valid boot flag, taken for a disk without partitions", boot.badEntry))
		return nil
	}
	t.Scheme = MBR
	t.UUID = fmt.Sprintf("%08x", boot.diskID)
	for i, e := range boot.entries {
		if e.kind != typeEmpty && !e.extended() {
			t.addMBR(dev, boot.diskID, i+1, e, 0)
		}
	}
	if ext, ok := boot.extended(); ok {
		t.scanLogical(dev, boot.diskID, uint64(ext.start))
	}
	return nil
}

// scanLogical follows the chain of EBRs from the sector where the extended
// partition starts: a link counts from there, a partition from its own EBR.
// The chain ends with a warning where it is broken, so that the partitions
// before stay usable.
func (t *Table) scanLogical(dev Device, diskID uint32, base uint64) {
	seen := map[uint64]bool{}
	number := 5
	for ebr := base; ; {
		if seen[ebr] {
			t.warn(corrupt("msdos", "extended partition: chain loops at sector %d", ebr))
			return
		}
		if len(seen) == maxEBRs {
			t.warn(corrupt("msdos", "extended partition: chain is longer than %d", maxEBRs))
			return
		}
		seen[ebr] = true
		boot, err := t.readEBR(dev, ebr)
		if err != nil {
			t.warn(err)
			return
		}
		for _, e := range boot.entries {
			if e.kind != typeEmpty && !e.extended() {
				t.addMBR(dev, diskID, number, e, ebr)
				number++
			}
		}
		next, ok := boot.extended()
		if !ok {
			return
		}
		ebr = base + uint64(next.start)
	}
}

func (t *Table) readEBR(dev Device, sector uint64) (*bootSector, error) {
	place := fmt.Sprintf("msdos: extended partition at sector %d", sector)
	// Two 32-bit sector numbers times at most 65536 cannot overflow.
	off := int64(sector) * int64(dev.SectorSize())
	if sector == 0 || off > dev.Size()-bootSectorSize {
		return nil, tableError(ErrOutside, place, "outside the disk of %d bytes", dev.Size())
	}
	boot, err := readBootSector(dev, off)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", place, err)
	case !boot.signed:
		return nil, corrupt(place, "no boot signature")
	case boot.badEntry != 0:
		return nil, corrupt(place, "entry %d has no valid boot flag", boot.badEntry)
	}
	return boot, nil
}

func (t *Table) addMBR(dev Device, diskID uint32, number int, e mbrEntry, base uint64) {
	p := &Partition{
		Scheme: MBR,
		Number: number,
		Type:   fmt.Sprintf("0x%02x", e.kind),
		UUID:   fmt.Sprintf("%08x-%02x", diskID, number),
		disk:   dev,
	}
	t.add(p, base+uint64(e.start), uint64(e.count), uint64(dev.SectorSize()))
}
