package handover

import (
	"pvboot/arch/arm64"
	"pvboot/arch/idmap"
	"pvboot/loader/image"
)

var example = struct {
	name   string
	entry  image.Entry
	target *arm64.Target
}{
	"arm64",
	image.Entry{Mode: image.EL1, PC: 0x40200000, Regs: map[string]uint64{"x0": 0x47e00000}},
	&arm64.Target{
		PC:   0x40200000,
		Regs: [31]uint64{0x47e00000},
		Clean: []idmap.Range{
			{Start: mib, End: 2 * mib},
			{Start: 6 << 30, End: 6<<30 + mib},
			{Start: mib, End: 2 * mib}, // the loader
			{Start: 8*mib - 4096, End: 8 * mib},
		},
	},
}
