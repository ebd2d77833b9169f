package volume

import (
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// checkTable asserts what every table that Scan returns must hold.
func checkTable(t *testing.T, d Device) {
	tab, err := Scan(d)
	if err != nil {
		if tab != nil {
			t.Error("table beside an error")
		}
		return
	}
	if len(tab.Warnings) > maxWarnings {
		t.Errorf("%d warnings", len(tab.Warnings))
	}
	last := 0
	for _, p := range tab.Partitions {
		if p.Number <= last || p.Start < 0 || p.Length <= 0 || p.Length > d.Size()-p.Start {
			t.Errorf("%s after %d: %d bytes from %d on a disk of %d", p.Name(), last, p.Length, p.Start, d.Size())
		}
		last = p.Number
		var b [1]byte
		if n, err := p.ReadAt(b[:], p.Length-1); n != 1 || err != nil {
			t.Errorf("%s: last byte: %v", p.Name(), err)
		}
	}
}

func sectorSize(code byte) int { return 512 << (code % 4) }

// FuzzGPT gives header and entries to Scan, with right checksums when fix is
// set so that the fields behind them are reached.
func FuzzGPT(f *testing.F) {
	seed := gptDisk(64<<10, 512, gptLayout{unit: 512, entries: []gptEntry{{1, 1, 40, 60, "a"}, {1, 2, 50, 99, "b"}}})
	f.Add(seed.b[512:1024], seed.b[1024:2048], byte(0), true)
	f.Add(seed.b[512:1024], seed.b[1024:2048], byte(3), true)
	f.Add(seed.b[512:600], seed.b[1024:1100], byte(0), false)
	f.Fuzz(func(t *testing.T, header, entries []byte, code byte, fix bool) {
		d := gptDisk(64<<10, sectorSize(code), gptLayout{unit: 512})
		copy(d.b[512:1024], header)
		copy(d.b[1024:], entries)
		if fix {
			h := d.b[512:1024]
			le := binary.LittleEndian
			lba, n, size := le.Uint64(h[72:]), uint64(le.Uint32(h[80:])), uint64(le.Uint32(h[84:]))
			if lba < 128 && n*size <= uint64(len(d.b))-lba*512 {
				le.PutUint32(h[88:], crc32.ChecksumIEEE(d.b[lba*512:][:n*size]))
			}
			sumGPT(h)
		}
		checkTable(t, d)
	})
}

// FuzzMBR puts the input's sectors at the disk's start.
func FuzzMBR(f *testing.F) {
	d := make([]byte, 4096)
	putMBR(d, 0, 7, mbrEntry{kind: 0x83, start: 1, count: 1}, mbrEntry{kind: typeExtended, start: 1, count: 6})
	putMBR(d, 512, 0, mbrEntry{kind: 0x83, start: 1, count: 1}, mbrEntry{kind: typeExtended, start: 2, count: 2})
	putMBR(d, 3*512, 0, mbrEntry{kind: 0x83, start: 1, count: 1}, mbrEntry{kind: typeExtended, start: 0, count: 2})
	f.Add(d, byte(0))
	f.Add(d[:512], byte(3))
	f.Fuzz(func(t *testing.T, data []byte, code byte) {
		if len(data) > 64<<10 {
			return
		}
		checkTable(t, &memDisk{b: data, sector: sectorSize(code)})
	})
}
