package testdisk

import (
	"maps"
	"slices"

	"pvboot/internal/linuximage"
	"pvboot/internal/vmlinux"
	"pvboot/internal/zboot"
)

// architecture is what the disks of one differ in.
type architecture struct {
	packing
	console string   // what Config.Console is by default
	args    string   // more arguments for the kernel, each after a space
	modules []string // those that init.sh inserts when it is to read a disk
	slack   int64    // how much of the filesystem is free, in bytes
}

// Slack, in bytes. Disks of architectures whose only machines here take them
// into memory whole, as an initrd, have little.
const (
	largeSlack = 64 * mib
	smallSlack = 12 * mib
)

// architectures are by Go's names. On amd64 it is the payload of a bzImage that
// is packed, on the others the kernel itself. Debian's kernels for riscv64 have
// no driver for a hypervisor's console (HVC_RISCV_SBI is not set), but its
// printk writes there by earlycon=sbi until a console takes over; see init.sh. At
// 115200 baud Linux polls a port without an interrupt often enough.
var architectures = map[string]architecture{
	"amd64": {
		packing: packing{vmlinux.Codecs, packBzImage, vmlinux.Extract},
		console: "hvc0", modules: []string{"xen_blkfront"}, slack: largeSlack,
	},
	"arm64": {
		packing: packing{zboot.Codecs, zboot.Pack, zboot.Unpack},
		console: "hvc0", modules: []string{"xen_blkfront"}, slack: largeSlack,
	},
	"riscv64": {
		packing: gzipPacking(linuximage.RISCV64.Is),
		console: "ttyS0,115200", args: " earlycon=sbi", slack: smallSlack,
	},
	"ppc64le": {
		packing: gzipPacking(isPPC64LE),
		console: "hvc0", slack: smallSlack,
	},
}

// Architectures lists what Config.Arch can be.
func Architectures() []string { return slices.Sorted(maps.Keys(architectures)) }
