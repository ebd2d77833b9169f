package testdisk

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"os"
	"strings"
	"unicode/utf16"
)

// partition is one entry of a GPT; start and size are in bytes.
type partition struct {
	number      int
	start, size int64
	kind        string // type GUID
	name        string
}

// Types of partitions: the UEFI specification, the Discoverable Partitions
// Specification and GRUB's manual for GPT; sfdisk --list-types for MBR.
const (
	guidLinux    = "0fc63daf-8483-4772-8e79-3d69d8477de4"
	guidBIOSBoot = "21686148-6449-6e6f-744e-656564454649"
	mbrLinux     = 0x83
	mbrSwap      = 0x82
	mbrExtended  = 0x05
	mbrProtect   = 0xee
)

// Where partitions are: the root filesystem's start as on Debian's cloud
// images (GPT, behind partition 14 for BIOS boot) and as the installer has it
// (MBR, with swap in a logical partition behind it).
const (
	gptBIOSStart = 1 * mib
	gptRootStart = 4 * mib
	mbrRootStart = 1 * mib
	swapSize     = 2 * mib
	tailSize     = 1 * mib // room for the backup GPT
)

// assemble writes the disk: table and filesystem.
func (d *disk) assemble(image, fsImage string, fsSize int64) error {
	out, err := os.Create(image)
	if err != nil {
		return err
	}
	defer out.Close()
	var rootStart, size int64
	switch d.Table {
	case "gpt":
		rootStart = gptRootStart
		size = rootStart + fsSize + tailSize
	case "mbr":
		rootStart = mbrRootStart
		// The extended partition starts with a table of its own.
		size = rootStart + fsSize + mib + swapSize + tailSize
	case "none":
		size = fsSize
	}
	if err := out.Truncate(size); err != nil {
		return err
	}
	if _, err := copyData(out, rootStart, fsImage); err != nil {
		return err
	}
	switch d.Table {
	case "gpt":
		err = d.writeGPT(out, size, []partition{
			{number: 1, start: rootStart, size: fsSize, kind: guidLinux, name: "root"},
			{number: 14, start: gptBIOSStart, size: rootStart - gptBIOSStart, kind: guidBIOSBoot, name: "bios"},
		})
	case "mbr":
		extended := rootStart + fsSize
		err = d.writeMBR(out, rootStart, fsSize, extended)
	}
	if err != nil {
		return err
	}
	return out.Close()
}

const (
	gptEntries   = 128
	gptEntrySize = 128
)

// writeGPT writes a protective MBR and both copies of a GUID partition table
// (UEFI specification 2.10, section 5).
func (d *disk) writeGPT(out *os.File, size int64, parts []partition) error {
	sector := int64(d.SectorSize)
	last := size/sector - 1
	table := make([]byte, gptEntries*gptEntrySize)
	for _, p := range parts {
		e := table[(p.number-1)*gptEntrySize:]
		putGUID(e[0:], p.kind)
		putGUID(e[16:], d.partUUID(p.number))
		binary.LittleEndian.PutUint64(e[32:], uint64(p.start/sector))
		binary.LittleEndian.PutUint64(e[40:], uint64((p.start+p.size)/sector-1))
		for i, c := range utf16.Encode([]rune(p.name)) {
			binary.LittleEndian.PutUint16(e[56+2*i:], c)
		}
	}
	tableSectors := int64(len(table)) / sector
	header := func(self, other, entries int64) []byte {
		h := make([]byte, sector)
		copy(h, "EFI PART")
		binary.LittleEndian.PutUint32(h[8:], 0x10000)
		binary.LittleEndian.PutUint32(h[12:], 92)
		binary.LittleEndian.PutUint64(h[24:], uint64(self))
		binary.LittleEndian.PutUint64(h[32:], uint64(other))
		binary.LittleEndian.PutUint64(h[40:], uint64(2+tableSectors))
		binary.LittleEndian.PutUint64(h[48:], uint64(last-1-tableSectors))
		putGUID(h[56:], d.partUUID(0))
		binary.LittleEndian.PutUint64(h[72:], uint64(entries))
		binary.LittleEndian.PutUint32(h[80:], gptEntries)
		binary.LittleEndian.PutUint32(h[84:], gptEntrySize)
		binary.LittleEndian.PutUint32(h[88:], crc32.ChecksumIEEE(table))
		binary.LittleEndian.PutUint32(h[16:], crc32.ChecksumIEEE(h[:92]))
		return h
	}
	mbr := newMBR(0)
	putMBREntry(mbr, 0, mbrProtect, 1, min(last, 0xffffffff))
	for _, w := range []struct {
		sector int64
		data   []byte
	}{
		{0, mbr},
		{1, header(1, last, 2)},
		{2, table},
		{last - tableSectors, table},
		{last, header(last, 1, last-tableSectors)},
	} {
		if _, err := out.WriteAt(w.data, w.sector*sector); err != nil {
			return err
		}
	}
	return nil
}

// writeMBR writes partition 1 for the root filesystem, and an extended
// partition 2 that holds the logical partition 5 for swap.
func (d *disk) writeMBR(out *os.File, rootStart, rootSize, extended int64) error {
	sector := int64(d.SectorSize)
	id := sha256.Sum256([]byte(d.uuid))
	mbr := newMBR(binary.LittleEndian.Uint32(id[:]))
	putMBREntry(mbr, 0, mbrLinux, rootStart/sector, rootSize/sector)
	mbr[446] = 0x80 // active
	putMBREntry(mbr, 1, mbrExtended, extended/sector, (mib+swapSize)/sector)
	if _, err := out.WriteAt(mbr, 0); err != nil {
		return err
	}
	ebr := newMBR(0)
	putMBREntry(ebr, 0, mbrSwap, mib/sector, swapSize/sector)
	_, err := out.WriteAt(ebr, extended)
	return err
}

func newMBR(id uint32) []byte {
	b := make([]byte, 512)
	binary.LittleEndian.PutUint32(b[440:], id)
	b[510], b[511] = 0x55, 0xaa
	return b
}

// putMBREntry fills in entry i. The cylinder fields say "too large", as they
// do on every disk of today.
func putMBREntry(mbr []byte, i int, kind byte, start, size int64) {
	e := mbr[446+16*i:]
	copy(e[1:], "\xfe\xff\xff")
	e[4] = kind
	copy(e[5:], "\xfe\xff\xff")
	binary.LittleEndian.PutUint32(e[8:], uint32(start))
	binary.LittleEndian.PutUint32(e[12:], uint32(size))
}

// partUUID returns the GUID of a partition, or of the disk for number 0.
func (d *disk) partUUID(number int) string {
	return newUUID(d.uuid, string(rune('0'+number)))
}

// putGUID writes a GUID in the mixed-endian order of UEFI.
func putGUID(b []byte, guid string) {
	raw, err := hex.DecodeString(strings.ReplaceAll(guid, "-", ""))
	if err != nil || len(raw) != 16 {
		panic("testdisk: bad GUID " + guid)
	}
	binary.LittleEndian.PutUint32(b[0:], binary.BigEndian.Uint32(raw[0:]))
	binary.LittleEndian.PutUint16(b[4:], binary.BigEndian.Uint16(raw[4:]))
	binary.LittleEndian.PutUint16(b[6:], binary.BigEndian.Uint16(raw[6:]))
	copy(b[8:16], raw[8:])
}
