package ext4

import (
	"fmt"
	"strings"
)

// Feature bits; Linux Documentation/filesystems/ext4/super.rst. Compatible
// features need no knowledge to be read, and read-only compatible ones none
// beyond what is named here.
const (
	compatHasJournal   = 0x4
	compatDirIndex     = 0x20
	compatSparseSuper2 = 0x200

	roSparseSuper  = 0x1
	roGdtCsum      = 0x10
	roMetadataCsum = 0x400

	incompatFiletype  = 0x2
	incompatRecover   = 0x4
	incompatMetaBG    = 0x10
	incompat64bit     = 0x80
	incompatCsumSeed  = 0x2000
	incompatLargeDir  = 0x4000
	incompatSupported = incompatFiletype | incompatRecover | incompatMetaBG | incompat64bit | incompatCsumSeed | incompatLargeDir |
		0x40 | // extent: flagged per inode
		0x100 | // mmp: guards against a second writer
		0x200 | // flex_bg: only moves what the descriptors point at
		0x400 | // ea_inode: large attributes, which are not read
		0x8000 | // inline_data: flagged per inode
		0x10000 | // encrypt: flagged and refused per inode
		0x20000 // casefold: flagged per directory
)

// incompatNames are e2fsprogs' names (lib/e2p/feature.c) by bit number.
var incompatNames = map[int]string{
	0: "compression", 1: "filetype", 2: "needs_recovery", 3: "journal_dev", 4: "meta_bg", 6: "extent", 7: "64bit", 8: "mmp",
	9: "flex_bg", 10: "ea_inode", 12: "dirdata", 13: "metadata_csum_seed", 14: "large_dir", 15: "inline_data", 16: "encrypt", 17: "casefold",
}

// incompatString lists features by name, unknown ones as e2fsprogs does:
// "FEATURE_I18".
func incompatString(bits uint32) string {
	var names []string
	for i := range 32 {
		if bits&(1<<i) == 0 {
			continue
		}
		name := incompatNames[i]
		if name == "" {
			name = fmt.Sprintf("FEATURE_I%d", i)
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}
