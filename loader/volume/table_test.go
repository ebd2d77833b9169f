package volume

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dump is a table as text, one line a partition or warning.
func dump(t *Table) []string {
	out := []string{fmt.Sprintf("table %q %s", t.Scheme, t.UUID)}
	for _, p := range t.Partitions {
		out = append(out, fmt.Sprintf("%s %d+%d %s %s %q", p.Name(), p.Start, p.Length, p.Type, p.UUID, p.Label))
	}
	for _, w := range t.Warnings {
		out = append(out, "warning: "+w.Error())
	}
	return out
}

const mib = 1 << 20

func guidOf(b string) string {
	r := func(n int) string { return strings.Repeat(b, n) }
	return r(4) + "-" + r(2) + "-" + r(2) + "-" + r(2) + "-" + r(6)
}

func scanLines(t *testing.T, d Device) []string {
	t.Helper()
	tab, err := Scan(d)
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	return dump(tab)
}

func TestGPTSectorSizes(t *testing.T) {
	for _, disk := range []int{512, 1024, 2048, 4096} {
		for _, unit := range []int{512, 1024, 2048, 4096, 16384} {
			d := gptDisk(mib, disk, gptLayout{unit: unit, entries: []gptEntry{
				{}, {kind: 1, guid: 2, first: 20, last: 29, name: "Größe 😀"},
			}})
			want := []string{
				`table "gpt" ` + guidOf("d1"),
				fmt.Sprintf("gpt2 %d+%d %s %s %q", 20*unit, 10*unit, guidOf("01"), guidOf("02"), "Größe 😀"),
			}
			if diff := cmp.Diff(want, scanLines(t, d)); diff != "" {
				t.Errorf("table for %d on a disk of %d (-want +got):\n%s", unit, disk, diff)
			}
		}
	}
}

func TestGPT(t *testing.T) {
	plain := gptLayout{unit: 512, entries: []gptEntry{{kind: 1, guid: 1, first: 40, last: 99, name: "root"}}}
	good := []string{
		`table "gpt" ` + guidOf("d1"),
		fmt.Sprintf(`gpt1 %d+%d %s %s "root"`, 40*512, 60*512, guidOf("01"), guidOf("01")),
	}
	entries := func(e ...gptEntry) gptLayout { return gptLayout{unit: 512, entries: e} }
	tests := []struct {
		name   string
		layout gptLayout
		change func(d *memDisk)
		want   []string
	}{
		{"big entries", gptLayout{unit: 512, entrySize: 256, entries: plain.entries}, nil, good},
		{"primary header broken", plain, func(d *memDisk) { d.b[512+60] ^= 1 },
			append(good[:2:2], "warning: gpt: primary header: checksum 0xdfe9ba31, expected 0x2e33bf9b, used the backup")},
		{"primary header wiped", plain, func(d *memDisk) { clear(d.b[512:1024]) },
			append(good[:2:2], "warning: gpt: primary header: no signature, used the backup")},
		{"primary entries broken", plain, func(d *memDisk) { d.b[1024+33] ^= 1 },
			append(good[:2:2], "warning: gpt: primary header: checksum of entries 0xdc335ffb, expected 0x60ad7758, used the backup")},
		{"backup broken", plain, func(d *memDisk) { clear(d.b[mib-512:]) }, good},
		{"both broken", plain, func(d *memDisk) { d.b[512+60] ^= 1; clear(d.b[mib-512:]) },
			[]string{"error: gpt: primary header: checksum 0xdfe9ba31, expected 0x2e33bf9b; gpt: backup header: no signature"}},
		{"neither there", entries(), func(d *memDisk) { clear(d.b[512:]) },
			[]string{"error: gpt: primary header: no signature; gpt: backup header: no signature"}},
		{"no protective MBR", plain, func(d *memDisk) { clear(d.b[:512]) }, []string{`table "" `}},
		{"moved header", plain, func(d *memDisk) { d.b[512+24]++; sumGPT(d.b[512:]) },
			append(good[:2:2], "warning: gpt: primary header: stands at sector 1 but says 2, used the backup")},
		{"header size", plain, func(d *memDisk) { d.b[512+12] = 91 },
			append(good[:2:2], "warning: gpt: primary header: header size 91, used the backup")},
		{"entry size", plain, func(d *memDisk) { d.b[512+84] = 64; sumGPT(d.b[512:]) },
			append(good[:2:2], "warning: gpt: primary header: entry size 64, used the backup")},
		{"too many entries", plain, func(d *memDisk) { d.b[512+83] = 0x7f; sumGPT(d.b[512:]) },
			append(good[:2:2], "warning: gpt: primary header: 2130706464 entries of 128 bytes, used the backup")},
		{"entries outside", plain, func(d *memDisk) { d.b[512+79] = 0xff; sumGPT(d.b[512:]) },
			append(good[:2:2], "warning: gpt: primary header: entries at sector 18374686479671623682 outside the disk, used the backup")},
		{"overlap", entries(gptEntry{1, 1, 40, 200, "a"}, gptEntry{1, 2, 50, 60, "b"}, gptEntry{1, 3, 100, 110, "c"}), nil, []string{
			`table "gpt" ` + guidOf("d1"),
			fmt.Sprintf(`gpt1 %d+%d %s %s "a"`, 40*512, 161*512, guidOf("01"), guidOf("01")),
			fmt.Sprintf(`gpt2 %d+%d %s %s "b"`, 50*512, 11*512, guidOf("01"), guidOf("02")),
			fmt.Sprintf(`gpt3 %d+%d %s %s "c"`, 100*512, 11*512, guidOf("01"), guidOf("03")),
			"warning: gpt2: overlaps gpt1",
			"warning: gpt3: overlaps gpt1",
		}},
		{"outside", entries(gptEntry{1, 1, 2048, 2050, "a"}, gptEntry{1, 2, 2000, 1 << 60, "b"}, gptEntry{1, 3, 9, 8, "c"},
			gptEntry{1, 4, 1 << 63, 1<<64 - 2, "d"}, gptEntry{1, 5, 0, 1<<64 - 1, "e"}), nil, []string{
			`table "gpt" ` + guidOf("d1"),
			fmt.Sprintf(`gpt2 %d+%d %s %s "b"`, 2000*512, 48*512, guidOf("01"), guidOf("02")),
			"warning: gpt1: starts at sector 2048 beyond the disk of 1048576 bytes, left out",
			"warning: gpt2: 1152921504606844977 sectors from 2000 reach beyond the disk of 1048576 bytes, cut off",
			"warning: gpt3: ends at sector 8 before its start 9, left out",
			"warning: gpt4: starts at sector 9223372036854775808 beyond the disk of 1048576 bytes, left out",
			"warning: gpt5: ends at sector 18446744073709551615 before its start 0, left out",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := gptDisk(mib, 512, tt.layout)
			if tt.change != nil {
				tt.change(d)
			}
			if diff := cmp.Diff(tt.want, scanLines(t, d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMBR(t *testing.T) {
	const id = 0x90ab12cd
	primaries := []mbrEntry{{kind: 0x83, start: 8, count: 8}, {kind: typeExtended, start: 100, count: 200}, {}, {kind: 0x82, start: 16, count: 4}}
	head := []string{`table "msdos" 90ab12cd`,
		`msdos1 4096+4096 0x83 90ab12cd-01 ""`,
		`msdos4 8192+2048 0x82 90ab12cd-04 ""`}
	tests := []struct {
		name   string
		sector int
		fill   func(b []byte)
		want   []string
	}{
		{"empty disk", 512, func(b []byte) {}, []string{`table "" `}},
		{"logical", 512, func(b []byte) {
			putMBR(b, 0, id, primaries...)
			putMBR(b, 100*512, 0, mbrEntry{kind: 0x83, start: 2, count: 10}, mbrEntry{kind: typeExtended, start: 20, count: 20})
			putMBR(b, 120*512, 0, mbrEntry{kind: 0x8e, start: 2, count: 10}, mbrEntry{kind: typeExtendedLBA, start: 40, count: 20})
			putMBR(b, 140*512, 0, mbrEntry{kind: 0x07, start: 1, count: 19})
		}, append(head[:3:3],
			`msdos5 52224+5120 0x83 90ab12cd-05 ""`,
			`msdos6 62464+5120 0x8e 90ab12cd-06 ""`,
			`msdos7 72192+9728 0x07 90ab12cd-07 ""`)},
		{"4 KiB sectors", 4096, func(b []byte) {
			putMBR(b, 0, id, mbrEntry{kind: 0x83, start: 2, count: 3}, mbrEntry{kind: typeLinuxExt, start: 10, count: 20})
			putMBR(b, 10*4096, 0, mbrEntry{kind: 0x83, start: 2, count: 10})
		}, []string{`table "msdos" 90ab12cd`, `msdos1 8192+12288 0x83 90ab12cd-01 ""`, `msdos5 49152+40960 0x83 90ab12cd-05 ""`}},
		{"loop", 512, func(b []byte) {
			putMBR(b, 0, id, primaries...)
			putMBR(b, 100*512, 0, mbrEntry{kind: 0x83, start: 2, count: 10}, mbrEntry{kind: typeExtended, start: 20, count: 20})
			putMBR(b, 120*512, 0, mbrEntry{kind: 0x83, start: 2, count: 10}, mbrEntry{kind: typeExtended, start: 0, count: 20})
		}, append(head[:3:3],
			`msdos5 52224+5120 0x83 90ab12cd-05 ""`,
			`msdos6 62464+5120 0x83 90ab12cd-06 ""`,
			`warning: msdos: extended partition: chain loops at sector 100`)},
		{"chain leaves the disk", 512, func(b []byte) {
			putMBR(b, 0, id, primaries...)
			putMBR(b, 100*512, 0, mbrEntry{kind: 0x83, start: 2, count: 10}, mbrEntry{kind: typeExtended, start: 1<<32 - 1, count: 20})
		}, append(head[:3:3],
			`msdos5 52224+5120 0x83 90ab12cd-05 ""`,
			`warning: msdos: extended partition at sector 4294967395: outside the disk of 1048576 bytes`)},
		{"unsigned EBR", 512, func(b []byte) { putMBR(b, 0, id, primaries...) },
			append(head[:3:3], `warning: msdos: extended partition at sector 100: no boot signature`)},
		{"EBR of code", 512, func(b []byte) {
			putMBR(b, 0, id, primaries...)
			putMBR(b, 100*512, 0)
			b[100*512+offEntries] = 0x12
		}, append(head[:3:3], `warning: msdos: extended partition at sector 100: entry 1 has no valid boot flag`)},
		{"boot flag", 512, func(b []byte) {
			putMBR(b, 0, id, mbrEntry{kind: 0x83, start: 8, count: 8})
			b[offEntries] = 0x80
		}, head[:2]},
		{"filesystem boot sector", 512, func(b []byte) {
			putMBR(b, 0, id, mbrEntry{kind: 0x83, start: 8, count: 8})
			b[offEntries+entrySize] = 0x41
		}, []string{`table "" `, "warning: msdos: entry 2 has no valid boot flag, taken for a disk without partitions"}},
		{"odd entries", 512, func(b []byte) {
			putMBR(b, 0, id, mbrEntry{kind: 0x83, start: 8}, mbrEntry{kind: 0x83, start: 2048, count: 1}, mbrEntry{kind: 0x83, start: 8, count: 8},
				mbrEntry{kind: 0x0c, start: 10, count: 1<<32 - 1})
		}, []string{`table "msdos" 90ab12cd`, `msdos3 4096+4096 0x83 90ab12cd-03 ""`, `msdos4 5120+1043456 0x0c 90ab12cd-04 ""`,
			"warning: msdos1: partition is empty, left out",
			"warning: msdos2: starts at sector 2048 beyond the disk of 1048576 bytes, left out",
			"warning: msdos4: 4294967295 sectors from 10 reach beyond the disk of 1048576 bytes, cut off",
			"warning: msdos4: overlaps msdos3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &memDisk{b: make([]byte, mib), sector: tt.sector}
			tt.fill(d.b)
			if diff := cmp.Diff(tt.want, scanLines(t, d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A chain of very many logical partitions ends.
func TestLongChain(t *testing.T) {
	d := &memDisk{b: make([]byte, 2*mib), sector: 512}
	putMBR(d.b, 0, 1, mbrEntry{kind: typeExtended, start: 1, count: 4000})
	for i := 1; i < 4000; i++ {
		putMBR(d.b, i*512, 0, mbrEntry{}, mbrEntry{kind: typeExtended, start: uint32(i), count: 1})
	}
	want := []string{`table "msdos" 00000001`, "warning: msdos: extended partition: chain is longer than 1024"}
	if diff := cmp.Diff(want, scanLines(t, d)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestErrorsAreTyped(t *testing.T) {
	d := gptDisk(mib, 512, gptLayout{unit: 512, entries: []gptEntry{{1, 1, 40, 200, ""}, {1, 2, 50, 60, ""}, {1, 3, 4000, 4001, ""}}})
	tab, err := Scan(d)
	if err != nil {
		t.Fatal(err)
	}
	all := errors.Join(tab.Warnings...)
	for _, kind := range []error{ErrOverlap, ErrOutside} {
		if !errors.Is(all, kind) {
			t.Errorf("warnings %v lack %v", all, kind)
		}
	}
	clear(d.b[512:])
	if _, err := Scan(d); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Scan of a disk without headers: %v, want ErrCorrupt", err)
	}
	if _, err := Scan(&memDisk{b: d.b, sector: 520}); err == nil {
		t.Error("Scan took a sector size of 520")
	}
}

func TestTablePartition(t *testing.T) {
	tab, err := Scan(gptDisk(mib, 512, gptLayout{unit: 512, entries: []gptEntry{{}, {1, 2, 50, 60, ""}}}))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"gpt2": true, "2": true, "gpt1": false, "msdos2": false, "": false, "02": false} {
		if _, got := tab.Partition(name); got != want {
			t.Errorf("Partition(%q) found: %v, want %v", name, got, want)
		}
	}
}
