package handover

import (
	"pvboot/arch/riscv64"
	"pvboot/loader/image"
)

var example = struct {
	name   string
	entry  image.Entry
	target *riscv64.Target
}{
	"riscv64",
	image.Entry{Mode: image.SMode, PC: 0x80200000, Regs: map[string]uint64{"a0": 2, "a1": 0x87e00000}},
	&riscv64.Target{PC: 0x80200000, Regs: [32]uint64{10: 2, 11: 0x87e00000}},
}
