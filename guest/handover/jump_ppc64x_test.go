//go:build ppc64 || ppc64le

package handover

import (
	"pvboot/arch/departure"
	"pvboot/arch/ppc64"
	"pvboot/loader/image"
)

var example = struct {
	name   string
	entry  image.Entry
	target *ppc64.Target
}{
	"ppc64",
	image.Entry{Mode: image.Real64, PC: mib, Regs: map[string]uint64{"r3": 0x7e00000, "r4": mib}},
	&ppc64.Target{
		PC: mib, Regs: [32]uint64{3: 0x7e00000, 4: mib},
		Code: []departure.Range{{Start: mib, End: mib + 8192}, {Start: 6 << 30, End: 6 << 30}},
	},
}
